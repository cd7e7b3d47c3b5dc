"""What a route is: one declaration from which the handler, the wire's checks and the OpenAPI document are made."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import msgspec

from kassa.ports.audit import Origin
from kassa.ports.clock import Clock
from kassa.ports.errors import KassaError, NotAuthenticated
from kassa.ports.idempotency import Claim
from kassa.ports.identity import Principal, Role
from kassa.ports.secret import Secret

from .parameters import number
from .refusals import Malformed
from .settings import HttpSettings, HttpShop
from .visit import HeaderList, Visit, every

if TYPE_CHECKING:
    from .authentication import Doorman

B = TypeVar("B")
Q = TypeVar("Q")
JSON = b"application/json"
_ETAG = re.compile(r'(W/)?"([!#-~]{0,64})"')


class Access(Enum):
    """Who may call a route."""

    ANYONE = "anyone"
    CUSTOMER = "customer"
    OPERATOR = "operator"


class KeyRule(Enum):
    """What a route says to an Idempotency-Key."""

    REQUIRED = "required"
    REFUSED = "refused"
    IGNORED = "ignored"


class Budget(Enum):
    """Which of the settings' limits a route spends."""

    API = "api"
    WEBHOOK = "webhook"
    RETURN = "return"
    NONE = "none"


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No query parameter is known here."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: `headers` hold everything but the length."""

    status: int
    body: bytes = b""
    headers: HeaderList = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Session:
    """The proved session of a call: who, and the token it came with; `by_cookie` says how it came."""

    principal: Principal
    token: Secret
    by_cookie: bool


@dataclass(slots=True)
class Call(Generic[B, Q]):
    """A request that passed all the wire's checks, as a handler sees it. `claim` is set where the route requires a key."""

    shop: HttpShop
    settings: HttpSettings
    doorman: "Doorman"
    visit: Visit
    headers: HeaderList
    path: dict[str, str]
    body: B
    query: Q
    session: Session | None
    claim: Claim | None

    @property
    def me(self) -> Principal:
        """Who calls. Only for routes whose access says that somebody does."""
        return self.signed_in.principal

    @property
    def signed_in(self) -> Session:
        """The caller's session. Only for routes whose access says that there is one."""
        if self.session is None:
            raise NotAuthenticated("no session")
        return self.session

    @property
    def once(self) -> Claim:
        """The claim of an idempotent call."""
        assert self.claim is not None
        return self.claim

    def number(self, name: str) -> int:
        """The id `name` of the path. Raises `NoSuchPage`."""
        return number(self.path[name])

    @property
    def expected_version(self) -> int | None:
        """What If-Match says, as a version; None if it says nothing. A tag that is no version of ours matches none (-1)."""
        given = every(self.headers, b"if-match")
        if not given or given == ["*"]:
            return None
        match = _ETAG.fullmatch(given[0])
        if match is None or len(given) > 1:
            raise Malformed("one entity tag, as it came in ETag", "If-Match")
        return int(match[2]) if not match[1] and match[2].isdecimal() and len(match[2]) <= 15 else -1

    @property
    def clock(self) -> Clock:
        """The shop's clock."""
        return self.shop.clock

    @property
    def origin(self) -> Origin:
        """On whose behalf the kernel acts."""
        if self.session is None:
            actor = "anonymous"
        else:
            who = self.session.principal
            actor = f"{'operator' if who.role is Role.OPERATOR else 'account'}:{who.account_id}"
        return Origin(actor=actor, request_id=self.visit.request_id, address=self.visit.address)


Handler: TypeAlias = Callable[[Call[Any, Any]], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """A possible success: `type_` is None for an empty body; `media` where it is not JSON; `headers` names what is told."""

    status: int
    says: str
    type_: Any = None
    media: str = "application/json"
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A method at an address. `path` is the OpenAPI template; the types of path parameters are told by their names.

    `body` is what is decoded, `body_optional` lets it be left out; `free_text` names the fields in which people write. A
    `raw_body` is taken as it is: at most `raw_bytes` (None: the settings' limit), of one of `raw_types` (none: of any).
    """

    method: str
    path: str
    name: str
    tag: str
    summary: str
    handler: Handler
    answers: tuple[Answers, ...]
    access: Access = Access.ANYONE
    body: type[msgspec.Struct] | None = None
    body_optional: bool = False
    raw_body: bool = False
    raw_bytes: int | None = None
    raw_types: tuple[str, ...] = ()
    example: Any = None
    query: type[msgspec.Struct] = NoQuery
    errors: tuple[type[KassaError], ...] = ()
    key: KeyRule = KeyRule.IGNORED
    if_match: bool = False
    free_text: tuple[str, ...] = ()
    budget: Budget = Budget.API
    explain: str = ""


def as_json(value: object, status: int = 200, headers: HeaderList | None = None) -> Reply:
    """A struct of `ports` (or around one) as the answer, never to be kept by a cache."""
    return Reply(status, msgspec.json.encode(value), [(b"content-type", JSON), *(headers or ())])


def nothing(status: int = 204, headers: HeaderList | None = None) -> Reply:
    """An answer without a body."""
    return Reply(status, b"", headers or [])
