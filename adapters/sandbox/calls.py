"""One merchant's call from arrival to answer: who calls, was it answered before, which fault strikes, what was done."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from .faults import Fault
from .model import (
    Called,
    Charge,
    Merchant,
    Movement,
    Refused,
    Stored,
    VirtualAccount,
    shown,
    shown_movement,
)
from .provider import Chosen, Provider
from .wire import Answer, Request, error_answer, json_answer

KEY_MAX_CHARS = 255


class Done(msgspec.Struct, frozen=True):
    """What a command did: the object after it, and one before it if that deserves its own event."""

    status: int
    cause: str
    after: Charge | VirtualAccount
    changed: bool = True
    earlier: Charge | None = None
    movement: Movement | None = None


Act = Callable[[Merchant, Chosen], Done]


class Calls:
    """Runs commands and queries of merchants under idempotency and scripted faults."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def merchant(self, request: Request) -> Merchant:
        """The merchant whose secret key the request bears; raises Refused 401."""
        scheme, _, key = (request.header("authorization") or "").partition(" ")
        found = self._provider.books.merchant_by_key(key.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            raise Refused(401, "unauthorized", "send Authorization: Bearer <secret key>")
        return found

    async def command(
        self, request: Request, op: str, act: Act, *, source: str | None = None, amount: int | None = None
    ) -> Answer:
        """Carry out `act` at most once for each Idempotency-Key, in one step with the answer kept for repeats."""
        merchant = self.merchant(request)
        key = _key(request) if merchant.keeps_keys else None
        earlier = self._earlier(merchant, key, request)
        chosen = self._provider.choose_fault(
            merchant.name, op, source=source, amount=amount, replay=earlier is not None
        )
        self._witness(request, merchant, op, chosen, replay=earlier is not None)
        instead = await self._before(chosen.fault, request)
        if instead is not None:
            return instead
        answer = earlier or self._earlier(merchant, key, request)  # a twin may have finished meanwhile
        if answer is None:
            answer = self._carry_out(act(merchant, chosen), merchant, key, request)
        return await self._after(chosen.fault, answer, request)

    async def query(self, request: Request, look: Callable[[Merchant], object], *, missing: Any) -> Answer:
        """Answer a question; a scripted `not_found` answers `missing` (None: a 404)."""
        merchant = self.merchant(request)
        chosen = self._provider.choose_fault(merchant.name, "query", source=None, amount=None, replay=False)
        if chosen.queued:
            self._witness(request, merchant, "query", chosen, replay=False)
        instead = await self._before(chosen.fault, request)
        if instead is not None:
            return instead
        if chosen.fault.before == "not_found":
            if missing is None:
                raise Refused(404, "not_found", "there is no such object")
            return json_answer(200, missing)
        return await self._after(chosen.fault, json_answer(200, look(merchant)), request)

    def _witness(self, request: Request, merchant: Merchant, op: str, chosen: Chosen, *, replay: bool) -> None:
        self._provider.record(
            Called(
                merchant=merchant.name,
                op=op,
                method=request.method,
                path=request.path,
                key=_key(request),
                fault=chosen.fault.name,
                queued=chosen.queued,
                replay=replay,
            )
        )

    def _earlier(self, merchant: Merchant, key: str | None, request: Request) -> Answer | None:
        stored = self._provider.books.stored(merchant.name, key)
        if stored is None:
            return None
        if stored.fingerprint != _fingerprint(request):
            raise Refused(409, "idempotency_conflict", "this Idempotency-Key was used for another request")
        return Answer(stored.status, stored.body.encode(), headers=[("idempotent-replayed", "true")])

    def _carry_out(self, done: Done, merchant: Merchant, key: str | None, request: Request) -> Answer:
        view = shown(done.after)
        if done.movement is not None:
            view["movement"] = shown_movement(done.movement)
        answer = json_answer(done.status, view)
        stored = None
        if key is not None:
            stored = Stored(key, _fingerprint(request), done.status, answer.body.decode())
        if done.earlier is not None:
            self._provider.change("received", done.earlier)
        if done.changed:
            self._provider.change(done.cause, done.after, stored=stored)
        elif stored is not None:
            self._provider.store(merchant.name, stored)
        return answer

    async def _before(self, fault: Fault, request: Request) -> Answer | None:
        if fault.before == "hang":
            await self._hang(request)
            return Answer(500, ending="reset")
        if fault.before == "slow":
            await self._pause(fault.delay_ms or 0)
        if fault.before == "error":
            return error_answer(500, "internal_error", "scripted: nothing was done")
        if fault.before == "reset":
            return Answer(500, ending="reset")
        return None

    async def _after(self, fault: Fault, answer: Answer, request: Request) -> Answer:
        match fault.after:
            case "hang":
                await self._hang(request)
                return Answer(500, ending="reset")
            case "error":
                return error_answer(500, "internal_error", "scripted: it was done")
            case "garbage":
                page = b"<!doctype html><title>Bad gateway</title><h1>Something went wrong</h1>"
                return Answer(200, page, content_type="text/html; charset=utf-8")
            case "truncated":
                return Answer(answer.status, answer.body, headers=answer.headers, ending="truncated")
            case "reset":
                return Answer(500, ending="reset")
        return answer

    async def _hang(self, request: Request) -> None:
        """Wait until the caller hangs up, at most as long as configured; what was done is on disk before."""
        await self._provider.journal.durable()
        await _first_of(
            asyncio.sleep(self._provider.options.hang_ms / 1000),
            self._provider.stopping.wait(),
            request.gone(),
        )

    async def _pause(self, pause_ms: int) -> None:
        await _first_of(asyncio.sleep(pause_ms / 1000), self._provider.stopping.wait())


async def _first_of(*waits: Any) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _key(request: Request) -> str | None:
    key = request.header("idempotency-key")
    if key is not None and not 1 <= len(key) <= KEY_MAX_CHARS:
        raise Refused(400, "invalid_idempotency_key", f"an Idempotency-Key has 1 to {KEY_MAX_CHARS} characters")
    return key


def _fingerprint(request: Request) -> str:
    """The same for the same method, path and parsed body, whatever the spacing and order of its members."""
    parsed = msgspec.json.encode(request.json(object), order="sorted")
    return hashlib.sha256(b"\n".join((request.method.encode(), request.path.encode(), parsed))).hexdigest()


def merchant_ref_of(request: Request) -> str:
    """What a search looks for; raises Refused 400 if it is not said."""
    merchant_ref = request.query.get("merchant_ref", "")
    if not merchant_ref:
        raise Refused(400, "invalid_request", "name the merchant_ref to look for")
    return merchant_ref
