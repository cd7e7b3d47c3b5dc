"""What the author of a payment method gives to have it examined: a `Subject`, and a `ProviderDouble` for its provider.

    # acme_pay/conformance.py
    from kassa.ports.conformance.payment_method import Charge, ProviderDouble, Subject
    from kassa.ports.secret import Secret

    import acme_pay
    from acme_pay.double import AcmeBooks, acme_app, signature

    class AcmeDouble(ProviderDouble):
        def __init__(self):
            self.books = AcmeBooks()
            self.app = acme_app(self.books)

        async def charges(self):
            return tuple(Charge(provider_ref=one.id, merchant_ref=one.ref, ...) for one in self.books)

        async def pay(self, action, merchant_ref):
            self.books.pay(merchant_ref)

    class AcmeSubject(Subject):
        [factory] = acme_pay.kassa_payment_methods()

        def config(self, base_url):
            return {"base_url": base_url, "api_key": Secret(self.api_key), "webhook_secret": Secret(self.webhook_secret)}

        def double(self):
            return AcmeDouble()

    # tests/test_acme_pay.py
    from kassa.ports.conformance.payment_method import PaymentMethodContract
    from acme_pay.conformance import AcmeSubject

    class TestAcmePay(PaymentMethodContract):
        subject = AcmeSubject()

`pytest` then shows one test a check; `kassa plugin check acme_pay.conformance` does the same without pytest: it takes the one
`Subject` that the module defines, or the one named by `acme_pay.conformance:AcmeSubject`.

Only `factory`, `config`, `double`, `charges` (and `pay`, where customers have to act) are needed to begin. Everything else has a
default that leaves the matching check *unproved*: it is skipped and listed with what is missing, never silently passed.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import datetime
from typing import Any, ClassVar, TypeAlias

import msgspec

from kassa.ports.hooks import PaymentMethodFactory
from kassa.ports.money import Money
from kassa.ports.payment import AnyNextAction, Collect, Movement, PaymentMethod
from kassa.ports.values import Value

from .outcome import NotOffered

CANARY = "c4n4ry5ecret"
"""In every secret of the kit, so that a secret is recognised wherever it turns up."""
UNHEARD_OF = "kassa_unheard_of"
"""A status that no provider has."""

Headers: TypeAlias = tuple[tuple[str, str], ...]
Asgi: TypeAlias = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
"""An ASGI 3 application."""


class Charge(Value, frozen=True, kw_only=True):
    """One object in the provider's books: a charge, an order, a virtual account, whatever one START makes there.

    `amount` is what was asked for, in minor units; `movements` is every movement of money so far, with the provider's own
    movement ids (those that a query tells) and the state the provider really knows.
    """

    provider_ref: str
    merchant_ref: str
    amount: Money
    movements: tuple[Movement, ...] = ()


class ProviderDouble(ABC):
    """A stand-in for the provider, made by who knows it: speaks its protocol and keeps books of its own.

    Set `app` (an ASGI application, served within this process; no lifespan) in `__init__`, or `url` (something that listens
    on loopback, such as a process) in `open`. The kit calls it through a proxy that breaks what passes.

    One double serves one check. All its methods run on one event loop, which is not the loop of the payment method: a plugin
    that blocks does not stop its provider. What a method is told by `merchant_ref` was started by the kit before.
    """

    app: Asgi | None = None
    url: str = ""

    async def open(self) -> None:
        """Start what has to be started. `url` is set afterwards, if there is no `app`."""
        return

    async def close(self) -> None:
        """Stop it."""
        return

    @abstractmethod
    async def charges(self) -> tuple[Charge, ...]:
        """The books: everything that was made at this double, in order. The kit counts it and compares totals with it."""

    async def pay(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        """The customer does what the next action says, and when this returns the money has moved, or a query asks to `Collect`
        what a resume takes it with (needed where a START with `Subject.input` leaves something to do). `action` is None when
        the answer with it was lost."""
        raise NotOffered("pay")

    async def pay_other(self, action: AnyNextAction | None, merchant_ref: str, amount: Money) -> None:
        """The customer pays another amount than asked, less or more (`open_amount`). Called as often as money arrives."""
        raise NotOffered("pay_other")

    async def refuse(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        """The customer says no where the next action leads."""
        raise NotOffered("refuse")

    async def collect(self, action: Collect, merchant_ref: str) -> dict[str, str]:
        """What the customer types when asked for `action.field`: the `input` of the resume that follows (`resume`)."""
        raise NotOffered("collect")

    async def decline_next(self) -> None:
        """The provider declines the next START finally, as a bank does. Or set `Subject.declined_input`."""
        raise NotOffered("decline_next")

    async def notices(self) -> tuple[bytes, ...]:
        """The bodies of all genuine webhooks of this double in the order in which they happened, one for every change."""
        raise NotOffered("notices")

    def sign(self, body: bytes, secret: str, at: datetime) -> Headers:
        """The headers with which the provider sends `body` at `at`. Called with `Subject.webhook_secret`, and with wrong
        secrets and stale times to see that those are refused."""
        raise NotOffered("sign")

    def seal(self, body: bytes, secret: str) -> bytes:
        """`body` with the signature in it that the provider writes there, made anew over what the body says now, and all else as
        it is: for a provider that signs in the body and not in a header. A body that holds no place for one is returned as it
        is, as every body is by default."""
        return body

    async def unknown_notice(self) -> bytes:
        """The body of a well-formed event of a type that does not exist yet."""
        raise NotOffered("unknown_notice")

    async def reverse(self, movement: Movement, merchant_ref: str) -> None:
        """A refund that had succeeded comes back: the account it went to is closed."""
        raise NotOffered("reverse")

    async def expire(self, merchant_ref: str) -> None:
        """The time to pay is over, at the provider."""
        raise NotOffered("expire")

    async def pay_late(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        """The money of an expired payment arrives nevertheless."""
        raise NotOffered("pay_late")

    async def dispute(self, merchant_ref: str) -> None:
        """The customer takes the money back through the bank: a chargeback of all that was captured."""
        raise NotOffered("dispute")

    async def statement(self, format: str) -> bytes:
        """A bank file with everything that moved at this double (`statements`)."""
        raise NotOffered("statement")


class Subject(ABC):
    """A payment method before the examination: the method, its settings, its provider.

    Every attribute may be overridden in the class. A subject is made without arguments, holds no state of a check, and is
    shared by all checks of a run.
    """

    factory: ClassVar[PaymentMethodFactory]
    """What the plugin's hook hands over; of a method with several drivers, `factory.driven("<name>")`."""

    @property
    def kind(self) -> type[PaymentMethod[Any]]:
        """The class before the examination."""
        if self.factory.method is None:
            raise TypeError('the factory has drivers: examine one of them, factory.driven("<name>")')
        return self.factory.method

    module: ClassVar[str] = ""
    """The module that the entry point names, where the hook is. By default the nearest package above the method's class that
    has a `kassa_payment_methods`."""

    api_key: str = f"sk_test_{CANARY}"
    """Use it as the key in `config`, so that a leak is found. Override it for another shape; it must contain `CANARY`."""

    webhook_secret: str = f"whsec_{CANARY}"
    """The same for what webhooks are signed with: `ProviderDouble.sign` is called with exactly this."""

    previous_webhook_secret: str = f"whsec_before_{CANARY}"
    """What they were signed with before, while it is being changed: see `rotation`."""

    input: Mapping[str, Any] = {}
    """What a customer tells (fields of the method's `Input`, as in JSON) for a payment that can succeed."""

    waiting_input: Mapping[str, Any] | None = None
    """The same for a payment that waits for its customer (a card with 3-D Secure), where `input` succeeds at once."""

    collecting_input: Mapping[str, Any] | None = None
    """The same for a payment that asks to `Collect` something and is resumed with it, where `input` does not (`resume`)."""

    declined_input: Mapping[str, Any] | None = None
    """The same for a payment that the provider declines finally. Or give the double a `decline_next`."""

    declined_code: str = ""
    """The `Declined.code` that this decline must be mapped to; by default any but `other`."""

    amount: Money | None = None
    """The usual amount of a check, divisible by four within the method's step. By default one that the capabilities allow."""

    status_fields: tuple[str, ...] = ("status",)
    """The JSON fields, at any depth, in which the provider tells the state of a payment or of a movement."""

    webhook_slug: str = "notices"
    """What follows the instance in the address of its webhooks."""

    offline: bool = False
    """True for a method that has no provider, such as a transfer to an account printed in its settings: then not a byte may
    leave, and what needs a provider is skipped and listed."""

    @abstractmethod
    def config(self, base_url: str) -> dict[str, Any]:
        """The settings of an instance as the operator would write them, with the provider at `base_url` (http, loopback) and
        every secret that it needs, and no other, a `kassa.ports.secret.Secret` made of `api_key` and `webhook_secret`."""

    @abstractmethod
    def double(self) -> ProviderDouble:
        """A fresh provider for one check, with empty books, that knows `api_key` and `webhook_secret`."""

    def live_settings(self) -> dict[str, Any] | None:
        """Settings of an invented live account, such as `{"secret_key": Secret("sk_live_" + CANARY)}`: together with
        `mode = "test"` they must be refused, or nothing may leave. Needed where `Config` has a `mode`."""
        return None

    def rotation(self) -> dict[str, Any] | None:
        """Settings to add so that notices signed with `previous_webhook_secret` are taken too, such as
        `{"previous_webhook_secret": Secret(self.previous_webhook_secret)}`. None leaves that unproved."""
        return None

    def unrecognised(self, body: bytes) -> bytes:
        """A reply of the provider with every status in it replaced by `UNHEARD_OF`. By default for JSON, in `status_fields`;
        override it for another format. The body itself, if it holds no status."""
        try:
            told = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return body
        return msgspec.json.encode(_replaced(told, self.status_fields))

    def begin(self) -> None:
        """Called once before the first check: for what is costly, such as starting a process that all doubles share."""
        return

    def end(self) -> None:
        """Called once after the last check."""
        return


def _replaced(told: Any, fields: tuple[str, ...]) -> Any:
    if isinstance(told, dict):
        return {
            name: UNHEARD_OF if name in fields and isinstance(value, str) else _replaced(value, fields)
            for name, value in told.items()
        }
    if isinstance(told, list):
        return [_replaced(value, fields) for value in told]
    return told
