"""What may be lost, shared by all processes: in Redis 6.2 or later."""

from .link import RedisLink
from .notifications import RedisNotifications
from .sessions import RedisSessionCache
from .throttle import RedisThrottle

__all__ = ["RedisLink", "RedisNotifications", "RedisSessionCache", "RedisThrottle"]
