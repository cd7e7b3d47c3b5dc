"""The parts of the shop that need neither HTTP nor a payment method: enough for most commands, and quick to load."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from kassa.adapters.argon2 import Argon2Passwords
from kassa.adapters.main import log
from kassa.adapters.main.settings import Settings
from kassa.adapters.main.store import Store, open_store
from kassa.adapters.main.volatile import Volatile, open_volatile
from kassa.adapters.system import NoFailpoints, SystemClock, SystemFailpoints, SystemIds
from kassa.kernel.catalog import KernelCatalog
from kassa.kernel.identity import KernelIdentity
from kassa.kernel.identity_limits import AttemptLimits
from kassa.kernel.identity_passwords import PasswordPolicy
from kassa.ports.clock import Clock
from kassa.ports.failpoints import Failpoints
from kassa.ports.ids import Ids
from kassa.ports.payment import Log
from kassa.ports.throttle import Limit


@dataclass(frozen=True, kw_only=True)
class World:
    """What comes from outside and is the same for everyone: time, randomness, failpoints."""

    clock: Clock
    ids: Ids
    failpoints: Failpoints
    log: Log


def world(settings: Settings) -> World:
    """The real one."""
    failpoints: Failpoints = SystemFailpoints(settings.failpoints) if settings.failpoints else NoFailpoints()
    return World(clock=SystemClock(), ids=SystemIds(), failpoints=failpoints, log=structlog.get_logger("kassa"))


@dataclass(frozen=True, kw_only=True)
class Backroom:
    """The parts that need no payment method: for the command line."""

    world: World
    store: Store
    volatile: Volatile
    identity: KernelIdentity
    catalog: KernelCatalog


@asynccontextmanager
async def open_backroom(settings: Settings) -> AsyncIterator[Backroom]:
    """Raises `SettingRefused`, `SchemaBehind`, `Unavailable`."""
    log.configure(settings)
    outside = world(settings)
    async with open_store(settings) as store, open_volatile(settings, outside.clock) as volatile:
        passwords = Argon2Passwords(
            memory_kib=settings.identity.argon2_memory_kib, passes=settings.identity.argon2_iterations
        )
        try:
            yield Backroom(
                world=outside,
                store=store,
                volatile=volatile,
                identity=KernelIdentity(
                    accounts=store.accounts,
                    passwords=passwords,
                    cache=volatile.sessions,
                    throttle=store.attempts,
                    clock=outside.clock,
                    ids=outside.ids,
                    limits=_limits(settings),
                    policy=PasswordPolicy(least_bytes=settings.identity.password_min_bytes),
                    idle=timedelta(seconds=settings.identity.session_idle_s),
                    absolute=timedelta(seconds=settings.identity.session_absolute_s),
                ),
                catalog=KernelCatalog(products=store.products, clock=outside.clock, currency=settings.shop.currency),
            )
        finally:
            await passwords.close()


def _limits(settings: Settings) -> AttemptLimits:
    identity = settings.identity
    return AttemptLimits(
        pair=Limit(attempts=identity.login_attempts, window_s=900),
        account=Limit(attempts=identity.login_attempts_per_account, window_s=3600),
        address=Limit(attempts=identity.login_attempts_per_address, window_s=900),
        registrations=Limit(attempts=identity.registrations_per_address, window_s=3600),
    )
