"""The machine's own clock, randomness, and (in a test build) its accidents."""

from .clock import SystemClock
from .failpoints import NoFailpoints, SystemFailpoints
from .ids import SystemIds
from .lanes import ThreadLanes
from .watchdog import Watchdog

__all__ = ["NoFailpoints", "SystemClock", "SystemFailpoints", "SystemIds", "ThreadLanes", "Watchdog"]
