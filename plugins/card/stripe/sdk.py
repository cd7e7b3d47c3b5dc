"""Stripe's official SDK, made to go through `ctx.http` and to send the operation's key and nothing else of its own.

Two things of the SDK are global to the process: its telemetry (on by default; it makes a file in the home directory) is switched
off there, and its logger, which writes bodies at DEBUG and addresses at INFO, is raised to WARNING. Everything else is an object
for each call, which costs some ten microseconds. The SDK's own answers are not used: the body is read again, strictly.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import stripe
from msgspec import Struct
from stripe import RequestOptions, V1Services

from kassa.ports.errors import KassaError
from kassa.ports.payment import Context, HttpReply
from kassa.ports.provider_json import ProviderUnclear, decoded

from .config import StripeConfig
from .shapes import Error, ErrorAnswer

T = TypeVar("T")
Question: TypeAlias = Callable[[V1Services], Awaitable[object]]
Command: TypeAlias = Callable[[V1Services, RequestOptions], Awaitable[object]]
API_VERSION = "2026-10-28.endive"
"""The version that this driver is written for, whatever the account's default is and whatever a later SDK would ask for."""
_SENT = ("Authorization", "Content-Type", "Idempotency-Key", "Stripe-Version")
_HEADERS = (("User-Agent", "Kassa (stripe-python)"), ("Accept", "application/json"))
_BUSY = ("rate_limit", "lock_timeout", "idempotency_key_in_use")
_TYPES = {400: "invalid_request_error", 402: "card_error", 404: "invalid_request_error"}


class Refusal(Struct, frozen=True):
    """Stripe did nothing and said why; with status 402 the bank did."""

    status: int
    error: Error


class _Line(stripe.HTTPClient):
    """The SDK's transport for one call. Its exceptions are those of `ctx.http`, which the SDK lets pass."""

    name = "kassa"

    def __init__(self, ctx: Context) -> None:
        super().__init__()
        self._ctx = ctx
        self.key = ""
        self.reply: HttpReply | None = None

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """One request. The SDK invents a key where it is given none: that is not let through."""
        if headers.get("Idempotency-Key", "") != self.key:
            raise RuntimeError("the SDK would send a key of its own")
        kept = [(name, headers[name]) for name in _SENT if name in headers]
        body = None if post_data is None else str(post_data).encode()
        self.reply = await self._ctx.http.request(method.upper(), url, headers=(*kept, *_HEADERS), body=body)
        return self.reply.body, self.reply.status, {}


class Sdk:
    """The way to one account. Keeps nothing but its configuration."""

    def __init__(self, config: StripeConfig) -> None:
        self._config = config
        stripe.enable_telemetry = False
        logging.getLogger("stripe").setLevel(logging.WARNING)

    def warm_up(self) -> None:
        """Let the SDK import its classes (a fifth of a second), which it would do in the first answer. Blocks; sends nothing."""
        client = stripe.StripeClient("sk_test_nobody", http_client=stripe.HTTPClient())
        told: list[Any] = [{"object": kind} for kind in ("payment_intent", "charge", "refund", "dispute")]
        client.deserialize({"object": "list", "data": told}, api_mode="V1")
        client.deserialize({"object": "search_result", "data": []}, api_mode="V1")
        str((client.v1.payment_intents, client.v1.refunds, client.v1.disputes))

    def _v1(self, line: _Line) -> V1Services:
        base = self._config.base_url
        client = stripe.StripeClient(
            self._config.secret_key.reveal(),
            stripe_version=API_VERSION,
            base_addresses={"api": base, "connect": base, "files": base, "meter_events": base},
            max_network_retries=0,
            http_client=line,
        )
        return client.v1

    async def told(self, ctx: Context, shape: type[T], call: Question) -> T:
        """What Stripe answers to a question. Raises `ProviderUnclear`, also for a refusal."""
        said = await self._asked(ctx, "", shape, lambda v1, _: call(v1))
        if isinstance(said, Refusal):
            raise ProviderUnclear(f"Stripe answered {said.status} to a question")
        return said

    async def found(self, ctx: Context, shape: type[T], call: Question) -> T | None:
        """The same for one object by its id; None where Stripe says that it has none of this id."""
        said = await self._asked(ctx, "", shape, lambda v1, _: call(v1))
        if not isinstance(said, Refusal):
            return said
        if said.status == 404 and said.error.code == "resource_missing":
            return None
        raise ProviderUnclear(f"Stripe answered {said.status} to a question")

    async def done(
        self,
        ctx: Context,
        shape: type[T],
        call: Command,
    ) -> T | Refusal:
        """What Stripe answers to a command, which bears the operation's key. Raises `ProviderUnclear`."""
        return await self._asked(ctx, ctx.key(), shape, call)

    async def _asked(
        self,
        ctx: Context,
        key: str,
        shape: type[T],
        call: Command,
    ) -> T | Refusal:
        line = _Line(ctx)
        line.key = key
        try:
            await call(self._v1(line), {"idempotency_key": key, "max_network_retries": 0})
        except KassaError:
            raise
        except Exception as error:  # its words hold whole bodies, so it is judged by the reply, and named at most
            if line.reply is None:
                raise ProviderUnclear(f"the SDK sent nothing: {type(error).__name__}") from None
        return _judged(line.reply, shape)


def _judged(reply: HttpReply | None, shape: type[T]) -> T | Refusal:
    if reply is None:
        raise ProviderUnclear("the SDK sent nothing")
    if reply.status == 200:
        return decoded(reply.body, shape)
    if reply.status not in (400, 401, 402, 403, 404):  # 409 and 429 as well: somebody else may be at work with this key
        raise ProviderUnclear(f"Stripe answered {reply.status}")
    error = decoded(reply.body, ErrorAnswer).error
    if error.type != _TYPES.get(reply.status, error.type) or error.code in _BUSY:
        raise ProviderUnclear("Stripe refused, and not because of what was asked")
    return Refusal(reply.status, error)
