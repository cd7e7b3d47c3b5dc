"""Every setting, with its default. `kassa check-config --explain` prints this page."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from kassa.ports.bank_desk import CONFIRMING, MatchKind
from kassa.ports.money import Currency
from kassa.ports.secret import Secret
from kassa.ports.texts import Texts
from kassa.ports.values import MAX_INTEGER, Count

Seconds = Annotated[int, Meta(ge=1, le=366 * 86_400)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of `kassa.toml`."""


class ShopSettings(Section, frozen=True, kw_only=True):
    """[shop]: what is sold and for how much more."""

    currency: Annotated[Currency, Meta(description="The one currency of the shop (ISO 4217).")] = "GBP"
    shipping: Annotated[Count, Meta(description="Flat shipping per order, in minor units.")] = 0
    tax_basis_points: Annotated[int, Meta(ge=0, le=10_000, description="Tax included in prices, 1/100 percent.")] = 2000
    tax_label: Annotated[str, Meta(max_length=40, description="What the included tax is called.")] = "VAT included"
    pay_within_s: Annotated[Seconds, Meta(description="How long stock is held for an unpaid order.")] = 3600


class IdentitySettings(Section, frozen=True, kw_only=True):
    """[identity]: sessions and passwords."""

    session_idle_s: Annotated[Seconds, Meta(description="A session unused for so long ends.")] = 14 * 86_400
    session_absolute_s: Annotated[Seconds, Meta(description="A session ends after so long in any case.")] = 90 * 86_400
    password_min_bytes: Annotated[int, Meta(ge=8, le=64, description="The shortest password accepted.")] = 8
    argon2_memory_kib: Annotated[int, Meta(ge=19_456, le=1_048_576, description="argon2id memory.")] = 19_456
    argon2_iterations: Annotated[int, Meta(ge=2, le=20, description="argon2id iterations.")] = 2
    login_attempts: Annotated[int, Meta(ge=1, description="Log-ins per account and address in 15 minutes.")] = 10
    login_attempts_per_account: Annotated[int, Meta(ge=1, description="Per account from new addresses in an hour.")] = (
        50
    )
    login_attempts_per_address: Annotated[int, Meta(ge=1, description="Per network address in 15 minutes.")] = 300
    registrations_per_address: Annotated[int, Meta(ge=1, description="New accounts per address in an hour.")] = 60


class HttpSettings(Section, frozen=True, kw_only=True):
    """[http]: the inbound side."""

    public_url: Annotated[str, Meta(pattern=r"^https?://[^/\s]+\Z", description="Where the world sees the shop.")] = (
        "http://127.0.0.1:8000"
    )
    cors_origins: Annotated[tuple[str, ...], Meta(description="Browser origins allowed to call the API.")] = ()
    trusted_proxies: Annotated[tuple[str, ...], Meta(description="Peers whose X-Forwarded-For counts.")] = ()
    return_urls: Annotated[tuple[str, ...], Meta(description="Prefixes a payment may send the browser back to.")] = ()
    requests_per_minute: Annotated[int, Meta(ge=1, description="API requests per address and minute.")] = 1200
    deadline_s: Annotated[int, Meta(ge=1, le=120, description="A request is answered within this time.")] = 30
    docs: Annotated[bool, Meta(description="Serve /docs and /openapi.json.")] = True


class MailSettings(Section, frozen=True, kw_only=True):
    """[mail]: outgoing mail."""

    url: Annotated[str, Meta(description="folder:<path>, smtp://host:port or smtps://host:port.")] = "folder:"
    sender: Annotated[str, Meta(max_length=254, description="The From address.")] = "shop@localhost"
    user: Annotated[str, Meta(description="SMTP user, if any.")] = ""
    password: Annotated[Secret | None, Meta(description="SMTP password, as {env=…} or {file=…}.")] = None


PluginName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")]


class PluginSettings(Section, frozen=True, kw_only=True):
    """[plugins]: which payment plugins may be imported at all, by the name `kassa plugins` shows."""

    allow: Annotated[tuple[PluginName, ...], Meta(description="If not empty, no other plugin is imported.")] = ()
    block: Annotated[tuple[PluginName, ...], Meta(description="These plugins are never imported.")] = ()
    stall_limit_s: Annotated[
        int, Meta(ge=0, le=3600, description="A process whose event loop stands still for so long ends. 0: never.")
    ] = 30


MinorUnits = Annotated[int, Meta(ge=1, le=MAX_INTEGER)]
Title = Annotated[str, Meta(min_length=1, max_length=60)]


class FeeSettings(Section, frozen=True, kw_only=True):
    """What a provider keeps: `percent` as a decimal string such as "2.9", exact; `fixed` in minor units."""

    percent: Annotated[str, Meta(pattern=r"^[0-9]{1,2}(\.[0-9]{1,4})?\Z")] = "0"
    fixed: Count = 0


class PaymentSettings(Struct, frozen=True, kw_only=True):
    """[payments.<name>]: one configured payment method; other keys are the plugin's own configuration."""

    plugin: Annotated[str, Meta(description="Id of the plugin, as `kassa plugins` lists it.")]
    slug: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z", description="Last part of its webhook address.")] = (
        "notices"
    )
    optional: Annotated[bool, Meta(description="The shop starts without it if it fails to load.")] = False
    allow_hosts: Annotated[tuple[str, ...], Meta(description="Private host:port it may call.")] = ()
    late: Annotated[Literal["fulfil", "refund", "review"], Meta(description="Policy for money after the end.")] = (
        "fulfil"
    )
    surplus: Annotated[Literal["refund", "review"], Meta(description="Policy for more money than is due.")] = "review"
    capture: Annotated[
        Literal["automatic", "manual"], Meta(description="manual: payments only reserve; an operator takes the money.")
    ] = "automatic"
    deadline_s: Annotated[float, Meta(gt=0, le=30, description="A call to the provider ends after this.")] = 10.0
    confirms: Annotated[
        tuple[MatchKind, ...], Meta(description="By what a bank statement's line confirms a payment by itself.")
    ] = CONFIRMING
    title: Annotated[Title | Texts | None, Meta(description="What customers read: a text, or one per language.")] = None
    min_amount: Annotated[MinorUnits | None, Meta(description="Not offered below this, in minor units.")] = None
    max_amount: Annotated[MinorUnits | None, Meta(description="Not offered above this, in minor units.")] = None
    fee: Annotated[FeeSettings | None, Meta(description='What its provider keeps: {percent = "2.9", fixed = 30}.')] = (
        None
    )
    tolerance: Annotated[
        Count, Meta(description="An order short by so little is paid all the same, in minor units.")
    ] = 0
    config: Annotated[dict[str, Any], Meta(description="The plugin's own keys.")] = msgspec.field(default_factory=dict)


class WebhookSettings(Section, frozen=True, kw_only=True):
    """[webhooks]: what integrators are told."""

    allow_hosts: Annotated[
        tuple[str, ...], Meta(description="Hosts, with or without port, that may be private and plain http: for tests.")
    ] = ()


class StatementSettings(Section, frozen=True, kw_only=True):
    """[statements]: bank files that are dropped into a folder."""

    folder: Annotated[
        str,
        Meta(description="Watched: a file in it, or in a folder of a method's name in it, is imported. Empty: none."),
    ] = ""
    settle_s: Annotated[int, Meta(ge=1, le=3600, description="A file that did not change for so long is whole.")] = 5


class TreasurySettings(Section, frozen=True, kw_only=True):
    """[treasury]: what operators do to money."""

    second_person: Annotated[
        bool,
        Meta(description="Money confirmed, assigned or returned by hand counts when a second operator says the same."),
    ] = False


class Settings(Section, frozen=True, kw_only=True):
    """The top level."""

    database_url: Annotated[str, Meta(description="sqlite:///FILE (embedded) or postgresql://…")] = (
        "sqlite:///kassa-data/shop.db"
    )
    cache_url: Annotated[str, Meta(description="memory:// (embedded) or redis://…")] = "memory://"
    data_dir: Annotated[str, Meta(description="Where mail folder and generated secrets are kept.")] = "kassa-data"
    secret_key: Annotated[
        Secret | None,
        Meta(description="32+ characters that key the request fingerprints, {env=…} or {file=…}. Embedded: generated."),
    ] = None
    pool_size: Annotated[int, Meta(ge=1, le=100, description="PostgreSQL connections per worker.")] = 10
    allow_unsafe_database: Annotated[bool, Meta(description="Accept fsync=off: for tests, never for money.")] = False
    log: Annotated[Literal["json", "text", "quiet"], Meta(description="The log on standard error.")] = "text"
    failpoints: Annotated[str, Meta(description="Test builds only; needs KASSA_TEST_BUILD=1.")] = ""
    shop: ShopSettings = ShopSettings()
    identity: IdentitySettings = IdentitySettings()
    http: HttpSettings = HttpSettings()
    mail: MailSettings = MailSettings()
    webhooks: WebhookSettings = WebhookSettings()
    statements: StatementSettings = StatementSettings()
    plugins: PluginSettings = PluginSettings()
    treasury: TreasurySettings = TreasurySettings()
    payments: dict[str, PaymentSettings] = msgspec.field(default_factory=dict)

    @property
    def embedded(self) -> bool:
        """Whether everything lives in this one process."""
        return self.database_url.startswith("sqlite:")
