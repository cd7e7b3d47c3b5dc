"""Loads, vets and opens payment plugins, each alone, so that a broken one takes nobody else down."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, TypeVar

import pluggy
from msgspec.structs import replace

from kassa.kernel.payment_amounts import narrowed
from kassa.kernel.payment_facts import Unknown
from kassa.kernel.plugin_bulkhead import Overloaded
from kassa.kernel.plugin_discovery import Installed, installed_plugins
from kassa.kernel.plugin_guard import LONGEST_S, GuardedMethod
from kassa.kernel.plugin_lane import UNWIND_S, SharedLanes, contained
from kassa.kernel.plugin_loaded import LoadedMethods
from kassa.kernel.plugin_versions import judge, judge_promise
from kassa.kernel.plugin_vetting import (
    Incompatible,
    Refused,
    checked_factory,
    checked_method,
    chosen,
    configured,
    reserving_of,
    secrets_in,
)
from kassa.ports.clock import Clock
from kassa.ports.errors import PluginRefused
from kassa.ports.hooks import PROJECT, Driver, Hooks, PaymentMethodFactory
from kassa.ports.payment import PaymentMethod
from kassa.ports.plugins import MethodInstance, PluginRules, PluginStatus
from kassa.ports.provider import Lane, Lanes, Providers

__all__ = ["Installed", "LoadedMethods", "installed_plugins", "load_methods"]
MAX_FACTORIES = 50
IMPORT_S = 30.0
"""An import that takes longer has failed."""
T = TypeVar("T")
Offer = tuple[PaymentMethodFactory, Installed]


async def load_methods(
    instances: Iterable[MethodInstance],
    *,
    providers: Providers,
    clock: Clock,
    lanes: Lanes | None = None,
    rules: PluginRules | None = None,
    installed: Iterable[Installed] | None = None,
) -> LoadedMethods:
    """Load what is installed and open what is configured; without `lanes`, on the caller's loop.

    Raises `PluginRefused` when two distributions claim one name."""
    host = _Host(providers, clock, lanes or SharedLanes(clock), rules or PluginRules())
    found = tuple(installed_plugins() if installed is None else installed)
    _refuse_twins([(p.name, p.distribution) for p in found])
    for plugin in found:
        await host.load(plugin)
    methods: dict[str, GuardedMethod] = {}
    ended = []
    for instance in instances:
        status, method = await host.open(instance)
        ended.append(status)
        if method is not None:
            methods[instance.name] = method
    used = {status.plugin for status in ended}
    idle = [_status(p, name, "unconfigured", "") for name, (_, p) in sorted(host.offers.items()) if name not in used]
    broken = [status for name, status in sorted(host.statuses.items()) if name not in used]
    return LoadedMethods(methods, (*ended, *idle, *broken))


def _refuse_twins(claims: list[tuple[str, str]]) -> None:
    owners: dict[str, set[str]] = {}
    for name, distribution in claims:
        owners.setdefault(name, set()).add(distribution)
    for name, rivals in sorted(owners.items()):
        if len(rivals) > 1:
            raise PluginRefused(f"payment plugin {name!r} is claimed by {' and by '.join(sorted(rivals))}: remove one")


def _status(plugin: Installed, name: str, state: str, reason: str) -> PluginStatus:
    return PluginStatus(
        plugin=name,
        instance=None,
        state=state,  # type: ignore[arg-type]
        distribution=plugin.distribution,
        version=plugin.version,
        reason=" ".join(reason.split()),
        optional=False,
        breaker="none",
    )


class _Host:
    """What was found so far: offers by the plugin's id, and how those stand that offer nothing."""

    def __init__(self, providers: Providers, clock: Clock, lanes: Lanes, rules: PluginRules) -> None:
        self._providers, self._clock, self._lanes, self._rules = providers, clock, lanes, rules
        self.offers: dict[str, Offer] = {}
        self.statuses: dict[str, PluginStatus] = {}

    async def load(self, plugin: Installed) -> None:
        """Import one plugin alone and keep what it offers, or why not. Raises `PluginRefused` for a name that is taken."""
        why = self._rules.why_blocked(plugin.name)
        try:
            if why:
                raise _Blocked(why)
            judge(plugin)
            factories = await self._imported(plugin)
        except Refused as error:
            self.statuses[plugin.name] = _status(plugin, plugin.name, _state(error), str(error))
            return
        for factory in factories:
            self._keep(factory, plugin)

    async def _imported(self, plugin: Installed) -> list[PaymentMethodFactory]:
        lane = self._lanes.lane(f"import {plugin.name}", longest_s=IMPORT_S)
        try:
            return await _in(lane, lambda: _offers(plugin), IMPORT_S, "import")
        finally:
            await lane.close()

    def _keep(self, factory: PaymentMethodFactory, plugin: Installed) -> None:
        _, rival = self.offers.get(factory.id, (None, plugin))
        _refuse_twins([(factory.id, rival.distribution), (factory.id, plugin.distribution)])
        why = self._rules.why_blocked(factory.id) if factory.id != plugin.name else ""
        if why:
            self.statuses[factory.id] = _status(plugin, factory.id, "blocked", why)
        else:
            self.offers[factory.id] = (factory, plugin)

    async def open(self, instance: MethodInstance) -> tuple[PluginStatus, GuardedMethod | None]:
        """Configure and open one instance."""
        offer = self.offers.get(instance.plugin)
        if offer is None:
            return replace(self._missing(instance.plugin), instance=instance.name, optional=instance.optional), None
        factory, plugin = offer
        status = replace(_status(plugin, factory.id, "loaded", ""), instance=instance.name, optional=instance.optional)
        longest_s = min(instance.deadline_s, LONGEST_S) + UNWIND_S
        lane = self._lanes.lane(instance.name, longest_s=longest_s)
        try:
            driver = chosen(factory, instance.config)
            if driver is not None:
                status = replace(status, driver=driver.name, proved=driver.proved)
            method = await self._built(instance, factory, driver, lane)
        except Refused as error:
            await lane.close()
            return replace(status, state="failed", reason=str(error)), None
        why = await _opened(method)
        if why:
            await method.close()
            return replace(status, state="failed", reason=why), None
        return status, method

    def _missing(self, name: str) -> PluginStatus:
        """Why nobody offers it; a name that is on no entry point may be hidden behind one that was not imported."""
        known = self.statuses.get(name)
        if known is not None:
            return known
        nobody = Installed(name=name, distribution="", version="", requires=(), load=dict)
        why = self._rules.why_blocked(name)
        if why:
            return _status(nobody, name, "blocked", why)
        silent = ", ".join(sorted(n for n, s in self.statuses.items() if s.state != "unconfigured"))
        more = f" (not loaded: {silent})" if silent else ""
        return _status(nobody, name, "failed", f"no installed plugin offers it{more}")

    async def _built(
        self, instance: MethodInstance, factory: PaymentMethodFactory, driver: Driver | None, lane: Lane
    ) -> GuardedMethod:
        kind = factory.method if driver is None else await _in(lane, lambda: _driven(driver), IMPORT_S, "import")
        assert kind is not None, "a factory without drivers has a method"
        config = configured(kind.Config, instance.config)
        if instance.capture == "manual" and not kind.capabilities.auth_capture:
            raise Refused(f'capture = "manual", but {factory.id} cannot reserve money')
        if not narrowed(kind.capabilities.amounts, instance.min_amount, instance.max_amount):
            raise Refused("min_amount and max_amount leave no amount that it takes")
        method: PaymentMethod[object] = await _in(lane, lambda: _made(kind, config), LONGEST_S, "constructor")
        tools = self._providers.tools(
            instance.name, allow_hosts=instance.allow_hosts, secrets=secrets_in(instance.config)
        )
        return GuardedMethod(
            instance=instance,
            title=factory.title,
            method=method,
            tools=tools,
            lane=lane,
            clock=self._clock,
            reserving=reserving_of(method),
        )


class _Blocked(Refused):
    """The operator said so."""


def _state(error: Refused) -> str:
    if isinstance(error, _Blocked):
        return "blocked"
    return "incompatible" if isinstance(error, Incompatible) else "failed"


async def _in(lane: Lane, work: Callable[[], T], within_s: float, what: str) -> T:
    """Do `work`, which raises `Refused` alone, in a lane. Raises `Refused`."""

    async def done() -> object:
        try:
            return (work(),)
        except Refused as error:
            return error

    try:
        answer = await contained(lane, done, within_s)
    except Overloaded as error:
        raise Refused(f"{what}: {error}") from None
    if isinstance(answer, Refused):
        raise answer
    if not isinstance(answer, tuple):
        raise Refused(f"{what}: {answer.reason if isinstance(answer, Unknown) else 'ended oddly'}")
    result: T = answer[0]
    return result


def _offers(plugin: Installed) -> list[PaymentMethodFactory]:
    """Import in isolation, register alone, ask the one hook. Raises `Refused`."""
    try:
        module = plugin.load()
        manager = pluggy.PluginManager(PROJECT)
        manager.add_hookspecs(Hooks)
        manager.register(module, plugin.name)
        manager.check_pending()
        answers = manager.hook.kassa_payment_methods()
        offers = [offer for answer in answers for offer in islice(iter(answer), MAX_FACTORIES + 1)]
    except BaseException as error:  # an import may raise SystemExit: it does not end the shop
        raise Refused(f"import: {type(error).__name__}: {str(error)[:200]}") from None
    if not offers:
        raise Refused("offers no payment method (no hookimpl kassa_payment_methods)")
    if len(offers) > MAX_FACTORIES:
        raise Refused("offers too many payment methods")
    try:
        factories = [checked_factory(offer) for offer in offers]
    except Refused:
        raise
    except Exception as error:
        raise Refused(f"its declaration: {type(error).__name__}") from None
    for factory in factories:
        judge_promise(plugin, factory.api)
    return factories


def _driven(driver: Driver) -> type[PaymentMethod[Any]]:
    """The class of a driver, imported now. Raises `Refused`."""
    try:
        method = driver.load()
    except BaseException as error:  # an import may raise SystemExit: it does not end the shop
        raise Refused(f"driver {driver.name}: {type(error).__name__}: {str(error)[:200]}") from None
    try:
        return checked_method(method)
    except Refused:
        raise
    except Exception as error:
        raise Refused(f"its declaration: {type(error).__name__}") from None


def _made(kind: type[PaymentMethod[Any]], config: object) -> PaymentMethod[object]:
    try:
        return kind(config)
    except BaseException as error:  # a constructor is the plugin's code too
        raise Refused(f"constructor: {type(error).__name__}") from None


async def _opened(method: GuardedMethod) -> str:
    """Why it would not open; empty when it did."""
    try:
        answer = await method.open()
    except Overloaded as error:
        return f"open: {error}"
    return f"open: {answer.reason}" if isinstance(answer, Unknown) else ""
