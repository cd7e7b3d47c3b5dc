"""Signed webhooks: delivered in the background, retried, every attempt in the journal."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from typing import TYPE_CHECKING

import msgspec

from .books import Books
from .journal import Journal
from .model import Delivered, Event, Merchant

if TYPE_CHECKING:
    import httpx

RETRY_AFTER_S = (0.0, 0.2, 1.0, 3.0, 10.0)
TIMEOUT_S = 5.0
AT_ONCE_MAX = 32
IN_FLIGHT_MAX = 10_000


def signature(secret: str, body: bytes, at: int) -> str:
    """The value of `Sandbox-Signature`: `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t." + raw body>`."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def payload(event: Event) -> bytes:
    return msgspec.json.encode(
        {
            "event_id": event.event_id,
            "type": event.type,
            "created": event.created,
            "merchant": event.merchant,
            "data": event.data,
        }
    )


class Deliverer:
    """Sends each event until a 2xx or the end of the schedule. Duplicates are possible by design, as everywhere."""

    def __init__(self, books: Books, journal: Journal) -> None:
        self._books = books
        self._journal = journal
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_once = asyncio.Semaphore(AT_ONCE_MAX)
        self._client: httpx.AsyncClient | None = None
        self._loading = asyncio.Lock()

    def resume(self) -> None:
        """After a restart: go on with what was not finished."""
        for event, attempts in self._books.undelivered():
            self._begin(event, attempts)

    def announce(self, event: Event) -> None:
        """Begin to deliver a new event, the way its object was scripted."""
        if event.notify != "never":
            self._begin(event, 0)

    def _begin(self, event: Event, attempts: int) -> None:
        merchant = self._books.merchants.get(event.merchant)
        if merchant is None or merchant.webhook_url is None:
            self._note(event, attempts, final=True, error="the merchant has no webhook_url")
            return
        if len(self._tasks) >= IN_FLIGHT_MAX:
            self._note(event, attempts, final=True, error="too many events in flight")
            return
        task = asyncio.create_task(self._deliver(event, attempts))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def in_flight(self) -> int:
        return len(self._tasks)

    async def _deliver(self, event: Event, attempts: int) -> None:
        for attempt, wait_s in enumerate(RETRY_AFTER_S[attempts:], start=attempts + 1):
            await asyncio.sleep(wait_s)
            await self._journal.durable()  # the merchant never hears of what could still be lost
            copies = 5 if event.notify == "five_times" else 1
            results = await asyncio.gather(*(self._post(event) for _ in range(copies)))
            status, error = next((r for r in results if _is_2xx(r)), results[0])
            final = _is_2xx((status, error)) or attempt == len(RETRY_AFTER_S)
            self._note(event, attempt, final=final, status=status, error=error)
            if final:
                break
        if event.notify == "newest_first":
            for older in reversed(self._older(event)):
                await self._post(older)
        await self._journal.durable()

    def _older(self, event: Event) -> list[Event]:
        same = [e for e in self._books.events.values() if e.object_id == event.object_id]
        return same[: next((i for i, e in enumerate(same) if e.event_id == event.event_id), 0)]

    async def resend(self, event: Event, times: int) -> list[int | None]:
        """Deliver an event again, `times` at once, without retries; the HTTP statuses (None: no answer)."""
        results = await asyncio.gather(*(self._post(event) for _ in range(times)))
        return [status for status, _ in results]

    def _note(
        self, event: Event, attempt: int, *, final: bool, status: int | None = None, error: str | None = None
    ) -> None:
        fact = Delivered(event.event_id, attempt, final, status, error)
        self._journal.append(fact)
        self._books.apply(fact)

    async def _post(self, event: Event) -> tuple[int | None, str | None]:
        merchant = self._books.merchants.get(event.merchant)
        if merchant is None or merchant.webhook_url is None:
            return None, "the merchant has no webhook_url"
        async with self._at_once:
            return await self._send(merchant, merchant.webhook_url, payload(event))

    async def _send(self, merchant: Merchant, url: str, body: bytes) -> tuple[int | None, str | None]:
        headers = {
            "content-type": "application/json",
            "user-agent": "kassa-sandbox/1",
            "sandbox-signature": signature(merchant.webhook_secret, body, int(time.time())),
        }
        client = await self._http()
        import httpx

        try:
            async with asyncio.timeout(TIMEOUT_S), client.stream("POST", url, content=body, headers=headers) as answer:
                return answer.status_code, None
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            return None, type(error).__name__

    async def _http(self) -> httpx.AsyncClient:
        async with self._loading:
            if self._client is None:
                self._client = await asyncio.to_thread(_new_client)
            return self._client

    async def forget(self) -> None:
        """Stop every delivery; what was not final is resumed by the next process."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        await self.forget()
        if self._client is not None:
            await self._client.aclose()


def _is_2xx(result: tuple[int | None, str | None]) -> bool:
    return result[0] is not None and 200 <= result[0] < 300


def _new_client() -> httpx.AsyncClient:
    """Imported on first use and beside the event loop: the library takes longer to load than the sandbox to start."""
    import httpx

    limits = httpx.Limits(max_connections=AT_ONCE_MAX, max_keepalive_connections=AT_ONCE_MAX)
    return httpx.AsyncClient(timeout=TIMEOUT_S, limits=limits, follow_redirects=False, trust_env=False)
