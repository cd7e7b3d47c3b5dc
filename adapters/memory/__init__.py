"""What may be lost, kept in the process: the embedded shop's partner of SQLite."""

from .notifications import MemoryNotifications
from .sessions import MemorySessionCache
from .throttle import MemoryThrottle

__all__ = ["MemoryNotifications", "MemorySessionCache", "MemoryThrottle"]
