"""Opens what may be lost: session cache, request limits, notices between processes; and the way to the mail."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kassa.adapters.main.settings import Settings
from kassa.adapters.memory import MemoryNotifications, MemorySessionCache, MemoryThrottle
from kassa.ports.clock import Clock
from kassa.ports.errors import SettingRefused
from kassa.ports.events import Notifications
from kassa.ports.identity import SessionCache
from kassa.ports.mail import Mailer
from kassa.ports.throttle import Throttle


@dataclass(frozen=True, kw_only=True)
class Volatile:
    """What the shop can lose without harm."""

    sessions: SessionCache
    throttle: Throttle
    notifications: Notifications


@asynccontextmanager
async def open_volatile(settings: Settings, clock: Clock) -> AsyncIterator[Volatile]:
    """In this process's memory, or in Redis with this process's memory to fall back on."""
    scheme = settings.cache_url.partition(":")[0]
    if scheme == "memory":
        yield Volatile(
            sessions=MemorySessionCache(clock), throttle=MemoryThrottle(), notifications=MemoryNotifications()
        )
    elif scheme in ("redis", "rediss"):
        from kassa.adapters.redis import RedisLink, RedisNotifications, RedisSessionCache, RedisThrottle

        link = RedisLink(settings.cache_url, clock)
        try:
            yield Volatile(
                sessions=RedisSessionCache(link),
                throttle=RedisThrottle(link, MemoryThrottle()),
                notifications=RedisNotifications(link),
            )
        finally:
            await link.close()
    else:
        raise SettingRefused(f"cache_url: {scheme}: is neither memory nor redis")


def open_mailer(settings: Settings, clock: Clock) -> Mailer:
    """Raises `SettingRefused` for an address that is none."""
    from kassa.adapters.mail import FolderMailer, SmtpMailer

    mail = settings.mail
    scheme, _, rest = mail.url.partition(":")
    if scheme == "folder":
        return FolderMailer(Path(rest or f"{settings.data_dir}/mail"), clock, sender=mail.sender)
    parts = urlsplit(mail.url)
    try:
        port = parts.port
    except ValueError:
        raise SettingRefused("mail.url: the port is not a number") from None
    if scheme not in ("smtp", "smtps") or not parts.hostname:
        raise SettingRefused("mail.url: must be folder:PATH, smtp://HOST:PORT or smtps://HOST:PORT")
    return SmtpMailer(
        host=parts.hostname,
        port=port or (587 if scheme == "smtps" else 25),
        starttls=scheme == "smtps",
        sender=mail.sender,
        clock=clock,
        user=mail.user or None,
        password=mail.password,
    )
