"""The provider's side of a check: its double and the proxy before it, on an event loop of their own, in a thread of their own.

A plugin that blocks its loop, or calls a synchronous SDK from it, still meets a provider that answers.
"""

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from kassa.ports.money import Money
from kassa.ports.payment import AnyNextAction, Collect, Movement

from .outcome import Failed, Skipped
from .proxy import FaultProxy
from .subject import Charge, ProviderDouble, Subject

T = TypeVar("T")
STOP_MAX_S = 5


class Provider:
    """The double of one check, by the methods of `ProviderDouble`, callable from the check's own event loop."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.proxy = FaultProxy()
        self.double: ProviderDouble | None = None
        self._running: tuple[asyncio.AbstractEventLoop, threading.Thread] | None = None

    async def open(self) -> None:
        """Raises `Failed` when the double does not start."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="kassa-provider-double", daemon=True)
        thread.start()
        self._running = loop, thread
        await self._there(self._open())

    async def _open(self) -> None:
        self.double = self._subject.double()
        await self.double.open()
        if self.double.app is None and not self.double.url:
            raise Failed(expected="a double with an app or a url", seen=f"{type(self.double).__name__} has neither")
        await self.proxy.open(self.double.app, self.double.url)

    async def close(self) -> None:
        """Stop the double, its proxy and their loop."""
        if self._running is None:
            return
        loop, thread = self._running
        try:
            await self._there(self._close())
        finally:
            loop.call_soon_threadsafe(loop.stop)
            await asyncio.to_thread(thread.join, STOP_MAX_S)
            if not thread.is_alive():
                loop.close()

    async def _close(self) -> None:
        await self.proxy.close()
        if self.double is not None:
            await self.double.close()
        await asyncio.get_running_loop().shutdown_asyncgens()

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(self.alongside(work))

    def alongside(self, work: Coroutine[Any, Any, T]) -> "concurrent.futures.Future[T]":
        """Let something run on the provider's loop; cancel it yourself."""
        if self._running is None:
            work.close()
            raise RuntimeError("the provider is not open")
        return asyncio.run_coroutine_threadsafe(work, self._running[0])

    async def _asked(self, what: str, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await self._there(work)
        except (Skipped, Failed):
            raise
        except Exception as error:
            raise Failed(
                expected=f"the double can {what}", seen=f"it raised {type(error).__name__}: {error}"
            ) from error

    @property
    def _its(self) -> ProviderDouble:
        if self.double is None:
            raise RuntimeError("the double is not open")
        return self.double

    # --- the connection

    async def refuse(self) -> None:
        """From now on nothing listens."""
        await self._there(self.proxy.refuse())

    async def accept(self) -> None:
        """Listen again."""
        await self._there(self.proxy.accept())

    # --- the books

    async def charges(self) -> tuple[Charge, ...]:
        """Everything that was made, in order."""
        return await self._asked("tell its charges", self._its.charges())

    async def charge(self, merchant_ref: str) -> Charge | None:
        """The charge of that reference; None if there is none. Raises `Failed` if there are several."""
        found = [charge for charge in await self.charges() if charge.merchant_ref == merchant_ref]
        if len(found) > 1:
            raise Failed(expected=f"one object at the provider for {merchant_ref}", seen=f"{len(found)} of them")
        return found[0] if found else None

    async def notices(self) -> tuple[bytes, ...]:
        """Bodies of genuine webhooks, in order."""
        return await self._asked("tell its notices", self._its.notices())

    async def unknown_notice(self) -> bytes:
        """An event of an unknown type."""
        return await self._asked("make an unknown notice", self._its.unknown_notice())

    async def statement(self, format: str) -> bytes:
        """A bank file."""
        return await self._asked("write a statement", self._its.statement(format))

    # --- the customer and the bank

    async def pay(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        """The customer pays."""
        await self._asked("be paid", self._its.pay(action, merchant_ref))

    async def pay_other(self, action: AnyNextAction | None, merchant_ref: str, amount: Money) -> None:
        """The customer pays another amount."""
        await self._asked("be paid another amount", self._its.pay_other(action, merchant_ref, amount))

    async def refuse_payment(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        """The customer says no."""
        await self._asked("be refused", self._its.refuse(action, merchant_ref))

    async def collect(self, action: Collect, merchant_ref: str) -> dict[str, str]:
        """What the customer types."""
        return await self._asked("be told what was typed", self._its.collect(action, merchant_ref))

    async def decline_next(self) -> None:
        """The next START is declined."""
        await self._asked("decline", self._its.decline_next())

    async def reverse(self, movement: Movement, merchant_ref: str) -> None:
        """A refund comes back."""
        await self._asked("reverse a refund", self._its.reverse(movement, merchant_ref))

    async def expire(self, merchant_ref: str) -> None:
        """Time is over."""
        await self._asked("let a payment expire", self._its.expire(merchant_ref))

    async def pay_late(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        """Money comes late."""
        await self._asked("be paid late", self._its.pay_late(action, merchant_ref))

    async def dispute(self, merchant_ref: str) -> None:
        """A chargeback."""
        await self._asked("be disputed", self._its.dispute(merchant_ref))
