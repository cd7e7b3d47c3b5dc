"""Those that hear a decline, or proof, where the provider said nothing: one for every kind of silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kassa.ports.payment import AnyOutcome, Context, Declined, HttpReply, NotExecuted, ReplyLost, StartRequest
from tests.conformance_kit.acme.method import Acme

from .kit import breaks


class Hears(Acme):
    """Acme, which remembers the last answer."""

    last: HttpReply | None = None

    async def _send(self, ctx: Context, method: str, path: str, body: object = None) -> HttpReply:
        self.last = None
        self.last = await super()._send(ctx, method, path, body)
        return self.last


def _declines_on(name: str, test: Callable[[HttpReply], bool], said: AnyOutcome) -> type[Acme]:
    async def start(self: Hears, ctx: Context, request: StartRequest) -> AnyOutcome:
        try:
            return await Acme.start(self, ctx, request)
        except ReplyLost:
            raise
        except Exception:
            if self.last is not None and test(self.last):
                return said
            raise

    return type(name, (Hears,), {"start": start})


def _declines_when_lost(name: str, reason: str, said: AnyOutcome) -> type[Acme]:
    async def start(self: Any, ctx: Context, request: StartRequest) -> AnyOutcome:
        try:
            return await Acme.start(self, ctx, request)
        except ReplyLost as error:
            if str(error) == reason:
                return said
            raise

    return type(name, (Acme,), {"start": start})


NO, NEVER = Declined(code="other", provider_code="?"), NotExecuted(reason="it seems")

breaks("command.lost-reply")(_declines_when_lost("TakesAResetForADecline", "ReadError", NO))
breaks("command.lost-reply")(_declines_when_lost("TakesAResetForProof", "ReadError", NEVER))
breaks("command.broken-reply")(_declines_when_lost("TakesHalfAnAnswerForADecline", "RemoteProtocolError", NO))
breaks("command.error-500")(_declines_on("TakesA500ForADecline", lambda r: r.status == 500, NO))
breaks("command.error-502")(_declines_on("TakesA502ForProof", lambda r: r.status == 502, NEVER))
breaks("command.error-503")(_declines_on("TakesA503ForProof", lambda r: r.status == 503, NEVER))
breaks("command.redirect-reply")(_declines_on("TakesA302ForADecline", lambda r: r.status == 302, NO))
breaks("command.truncated-reply")(
    _declines_on("TakesTruncatedJsonForADecline", lambda r: r.status == 201 and r.body.startswith(b"{"), NO)
)
breaks("command.html-reply")(_declines_on("TakesAPageForADecline", lambda r: r.body.startswith(b"<!doctype"), NO))
breaks("command.empty-reply")(_declines_on("TakesNothingForADecline", lambda r: (r.status, r.body) == (200, b""), NO))
breaks("command.null-reply")(_declines_on("TakesNullForADecline", lambda r: r.body == b"null", NO))
breaks("command.binary-reply")(_declines_on("TakesNoiseForADecline", lambda r: r.body == b"\xff\xfe\x00", NO))
breaks("command.list-reply")(_declines_on("TakesAListForADecline", lambda r: r.body == b"[]", NO))
