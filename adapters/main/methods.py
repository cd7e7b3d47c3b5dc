"""Opens the payment methods that are configured, each in a lane of its own under one watchdog."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog

from kassa.adapters.main.settings import PaymentSettings, Settings
from kassa.adapters.provider_http import HttpxProviders
from kassa.adapters.system import SystemClock, SystemIds, ThreadLanes, Watchdog
from kassa.kernel.plugin_host import LoadedMethods, load_methods
from kassa.ports.errors import SettingRefused
from kassa.ports.plugins import Fee, MethodInstance, PluginRules
from kassa.ports.texts import FALLBACK


@asynccontextmanager
async def open_methods(settings: Settings, *, serving: bool = False) -> AsyncIterator[LoadedMethods]:
    """Find, load and open the payment methods; a broken one is a status here, not an error. `serving`: for as long as a shop
    is open, their health is asked and a process that stalls is ended.

    Raises `SettingRefused`, and `PluginRefused` when two distributions claim one name."""
    clock, log = SystemClock(), structlog.get_logger("kassa")
    with Watchdog(log, stall_limit_s=settings.plugins.stall_limit_s if serving else 0) as watchdog:
        methods = await load_methods(
            instances_of(settings),
            providers=HttpxProviders(),
            clock=clock,
            lanes=ThreadLanes(watchdog, log),
            rules=PluginRules(allow=frozenset(settings.plugins.allow), block=frozenset(settings.plugins.block)),
        )
        asking = asyncio.create_task(methods.watch_health(clock, SystemIds())) if serving else None
        try:
            yield methods
        finally:
            if asking is not None:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
            await methods.close()


def instances_of(settings: Settings) -> tuple[MethodInstance, ...]:
    """Every configured method. Raises `SettingRefused`."""
    try:
        return tuple(
            MethodInstance(
                name=_instance_name(name),
                plugin=given.plugin,
                slug=given.slug,
                optional=given.optional,
                allow_hosts=given.allow_hosts,
                late=given.late,
                surplus=given.surplus,
                capture=given.capture,
                deadline_s=given.deadline_s,
                **_terms(name, given),
                config=given.config,
            )
            for name, given in settings.payments.items()
        )
    except ValueError as error:
        raise SettingRefused(str(error)) from None


def _terms(name: str, given: PaymentSettings) -> dict[str, Any]:
    """On which terms the shop offers the method. Raises `ValueError`."""
    least, most = given.min_amount, given.max_amount
    if least is not None and most is not None and least > most:
        raise ValueError(f"payments.{name}: min_amount is above max_amount")
    title = {FALLBACK: given.title} if isinstance(given.title, str) else given.title or {}
    if title and FALLBACK not in title:
        raise ValueError(f"payments.{name}: title needs {FALLBACK}, for those whose language is missing")
    fee = None if given.fee is None else Fee(ppm=_ppm(given.fee.percent), fixed=given.fee.fixed)
    return {"title": title, "min_amount": least, "max_amount": most, "fee": fee, "tolerance": given.tolerance}


def _ppm(percent: str) -> int:
    """A percentage with up to four digits after the point as millionths: exact."""
    whole, _, part = percent.partition(".")
    return int(whole + part.ljust(4, "0"))


def _instance_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", name):
        raise ValueError(f"payments.{name}: a name is lower-case letters, digits, _ and -, at most 40")
    return name
