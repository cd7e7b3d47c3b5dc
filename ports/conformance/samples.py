"""Sample people, goods and origins, and how they come into a store: what every contract begins with."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.cart import Cart, PutLine
from kassa.ports.catalog import Product, ProductDraft
from kassa.ports.events import Event
from kassa.ports.idempotency import Answer, AnswerKind, Claim, Scope
from kassa.ports.identity import LogIn, NewSession, Register, Role, SessionTimes
from kassa.ports.ids import AccountId, ProductId, SessionId
from kassa.ports.money import Money

from .stores import Stores

NOW = datetime(2031, 5, 4, 12, 0, 0, tzinfo=UTC)
"""The moment at which every contract begins; contracts move it by hand and never wait."""
CURRENCY = "EUR"
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
OTHER_HASH = HASH.replace("aGFzaGhhc2g", "b3RoZXJoYXNo", 1)


def after(seconds: float) -> datetime:
    """The moment `seconds` after `NOW` (negative: before it)."""
    return NOW + timedelta(seconds=seconds)


def money(amount: int) -> Money:
    """An amount in the samples' currency, in minor units."""
    return Money(amount=amount, currency=CURRENCY)


def origin(actor: str = "system:contract") -> Origin:
    """On whose behalf a contract acts."""
    return Origin(actor=actor, request_id="contract-0001", address="192.0.2.7")


def entry(
    action: str, subject: str = "contract:1", *, at: datetime = NOW, actor: str = "system:contract"
) -> AuditEntry:
    """An audit entry to hand to an act."""
    return AuditEntry(action=action, subject=subject, origin=origin(actor), at=at, details=b'{"why":"contract"}')


def event(kind: str = "contract.happened", subject: str = "contract:1") -> Event:
    """An event to hand to an act."""
    return Event(kind=kind, subject=subject, payload=b'{"why":"contract"}')


def claim(
    key: str = "key-1", *, principal: str = "account:1", route: str = "POST /v1/orders", body: bytes = b"body"
) -> Claim:
    """An idempotency claim; `body` stands for the request that is fingerprinted."""
    return Claim(scope=Scope(principal=principal, route=route, key=key), fingerprint=sha256(body).digest())


def answer(body: bytes = b'{"answer":1}') -> Answer:
    """The final answer of an idempotent request."""
    return Answer(kind=AnswerKind.CREATED, body=body)


# --- people ---------------------------------------------------------------------------------------------------


def registration(email: str = "Ann@Example.org", *, password_hash: str = HASH, at: datetime = NOW) -> Register:
    """The act of registering `email`, whose key is its lower-case spelling."""
    return Register(
        email=email,
        email_key=email.lower(),
        address="1 Main Street\nSpringfield",
        password_hash=password_hash,
        role=Role.CUSTOMER,
        at=at,
        events=(event("mail.send", f"mail:{email.lower()}"),),
        audit=entry("account.registered", at=at, actor="anonymous"),
    )


async def an_account(stores: Stores, email: str = "Ann@Example.org") -> AccountId:
    """A registered, active customer."""
    return await stores.accounts.register(registration(email))


def token_hash(token: str) -> bytes:
    """What is kept of a session token."""
    return sha256(token.encode()).digest()


def new_session(token: str = "first", *, at: datetime = NOW, idle_s: int = 3600, life_s: int = 86_400) -> NewSession:
    """A session to open, known by the hash of `token`."""
    times = SessionTimes(
        opened_at=at, idle_until=at + timedelta(seconds=idle_s), ends_at=at + timedelta(seconds=life_s)
    )
    return NewSession(token_hash=token_hash(token), label=f"browser of {token}", times=times)


def log_in(
    account_id: AccountId,
    session: NewSession,
    *,
    password_hash: str = HASH,
    rehashed: str | None = None,
    replaces: bytes | None = None,
) -> LogIn:
    """The act of opening `session` for an account whose hash was `password_hash`."""
    return LogIn(
        account_id=account_id,
        password_hash=password_hash,
        rehashed=rehashed,
        session=session,
        replaces=replaces,
        audit=entry("session.opened", f"account:{account_id}", at=session.times.opened_at),
    )


async def a_session(stores: Stores, account_id: AccountId, token: str = "first", *, at: datetime = NOW) -> SessionId:
    """An open session of the account."""
    return await stores.accounts.log_in(log_in(account_id, new_session(token, at=at)))


# --- goods ----------------------------------------------------------------------------------------------------


def draft(sku: str = "MUG-1", *, name: str = "White mug", price: int = 255, quantity: int = 10) -> ProductDraft:
    """A product to create."""
    return ProductDraft(sku=sku, name=name, price=money(price), quantity=quantity)


async def a_product(
    stores: Stores, sku: str = "MUG-1", *, name: str = "White mug", price: int = 255, quantity: int = 10
) -> Product:
    """An active product with stock."""
    made = draft(sku, name=name, price=price, quantity=quantity)
    return await stores.products.create(made, entry("product.created", f"product:{sku}"))


def put(
    account_id: AccountId, product_id: ProductId, quantity: int = 1, *, expected: int | None = None, at: datetime = NOW
) -> PutLine:
    """The act of setting a line."""
    return PutLine(account_id=account_id, product_id=product_id, quantity=quantity, expected_version=expected, at=at)


async def a_cart(stores: Stores, account_id: AccountId, lines: dict[ProductId, int]) -> Cart:
    """The account's open cart with these quantities."""
    for product_id, quantity in lines.items():
        await stores.carts.put_line(put(account_id, product_id, quantity))
    return await stores.carts.cart(account_id)
