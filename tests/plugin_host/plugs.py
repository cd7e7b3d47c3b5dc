"""Small plugins, good and bad, and the host's way to them."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

from msgspec import Struct

from kassa.kernel.plugin_discovery import Installed
from kassa.kernel.plugin_guard import GuardedMethod
from kassa.kernel.plugin_host import load_methods
from kassa.kernel.plugin_loaded import LoadedMethods
from kassa.ports.hooks import API, PaymentMethodFactory, hookimpl
from kassa.ports.money import Money
from kassa.ports.payment import (
    AmountRule,
    AnyOutcome,
    Capabilities,
    Context,
    HttpReply,
    PaymentMethod,
    QueryRequest,
    Report,
    StartRequest,
    Succeeded,
)
from kassa.ports.plugins import MethodInstance
from kassa.ports.secret import Secret
from tests.kernel.machine import NOON, SetClock


class Quiet:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **facts: str | int) -> None:
        self.lines.append((event, facts))

    warning = info


class Tools:
    """No network, and threads of nobody's."""

    def __init__(self) -> None:
        self.http, self.log = self, Quiet()

    async def request(self, *args: Any, **more: Any) -> HttpReply:
        raise AssertionError("no network in this test")

    async def blocking(self, call: Callable[[], Any]) -> Any:
        return await asyncio.to_thread(call)

    async def close(self) -> None:
        pass


class NoNetwork:
    def tools(self, instance: str, **more: Any) -> Tools:
        return Tools()


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    key: Secret
    url: str = "https://pay.example"
    retries: int = 1


PLAIN = Capabilities(amounts=(AmountRule(currency="*"),), idempotency="header")


class Plain(PaymentMethod[Config]):
    """Does what it is told by the test: `act` is called with the context."""

    Config: ClassVar[type[Struct]] = Config
    capabilities = PLAIN
    act: ClassVar[Callable[..., Any]]

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        return await type(self).act(ctx)

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        return await type(self).act(ctx)


def method_class(act: Callable[..., Any] | None = None, **changes: Any) -> type[Plain]:
    async def fine(ctx: Context) -> Any:
        return Succeeded()

    return type("Trial", (Plain,), {"act": staticmethod(act or fine), **changes})


def factory(cls: Any = None, **changes: Any) -> PaymentMethodFactory:
    fields = {"id": "trial", "api": API, "method": cls or method_class(), "title": "Trial"} | changes
    return PaymentMethodFactory(**fields)


def installed(
    *offers: Any, name: str = "trial", distribution: str = "acme", load: Any = None, **more: Any
) -> Installed:
    @hookimpl
    def kassa_payment_methods() -> Any:
        return list(offers)

    module = SimpleNamespace(kassa_payment_methods=kassa_payment_methods)
    fields: dict[str, Any] = {"requires": (), "load": load or (lambda: module)} | more
    return Installed(name=name, distribution=distribution, version="1.0", **fields)


def instance(name: str = "main", plugin: str = "trial", **more: Any) -> MethodInstance:
    config = more.pop("config", {"key": Secret("sk_canary")})
    return MethodInstance(name=name, plugin=plugin, slug="notices", config=config, **more)


async def loaded(*plugins: Installed, instances: Any = None, clock: Any = None, **more: Any) -> LoadedMethods:
    wanted = (instance(),) if instances is None else instances
    return await load_methods(wanted, providers=NoNetwork(), clock=clock or SetClock(), installed=plugins, **more)


async def guarded(act: Callable[..., Any], *, deadline_s: float = 0.2, clock: Any = None) -> GuardedMethod:
    methods = await loaded(
        installed(factory(method_class(act))), instances=(instance(deadline_s=deadline_s),), clock=clock
    )
    method = methods.get("main")
    assert method is not None, methods.statuses()
    return method


def start_request(operation_id: str = "0" * 32) -> StartRequest:
    return StartRequest(
        operation_id=operation_id,
        merchant_ref="KS-1-a",
        invoice_id="KS-1",
        amount=Money(amount=100, currency="GBP"),
        capture=True,
        input=None,
        return_url="https://shop.example/v1/returns/t",
        webhook_url="https://shop.example/webhooks/main/notices",
        expires_at=NOON,
    )


QUERY = QueryRequest(merchant_ref="KS-1-a", provider_ref=None, amount=Money(amount=100, currency="GBP"), state=b"")
