"""What an instance did since the process began: bounded counts for the operator's view and the metrics."""

from bisect import bisect_left
from collections import Counter, deque
from datetime import timedelta
from typing import Literal

from kassa.kernel.plugin_breaker import Breaker
from kassa.kernel.plugin_bulkhead import Bulkhead
from kassa.ports.banking import BankFile, PayoutFile, Unreadable
from kassa.ports.clock import Clock
from kassa.ports.payment import AnyOutcome, AnyVerdict, Report
from kassa.ports.plugins import LATENCY_BOUNDS_S, CallCount, MethodActivity
from kassa.ports.values import Instant

WINDOW = 256
"""The most recent calls over which median and percentile are taken."""
TIMED = frozenset({"start", "capture", "void", "refund", "resume", "query"})


_FILES = ((BankFile, "read"), (Unreadable, "unreadable"), (PayoutFile, "written"))


def name_of(answer: object) -> str:
    """How a call ended, as a word of a small set."""
    if isinstance(answer, Report):
        return "found" if answer.found else "not_found"
    if isinstance(answer, AnyOutcome | AnyVerdict):
        return str(answer.__struct_config__.tag)
    if isinstance(answer, bool):
        return "well" if answer else "unwell"
    return next((word for kind, word in _FILES if isinstance(answer, kind)), "unknown")


class Tally:
    """Counts of one instance."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: Counter[tuple[str, str]] = Counter()
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._within = [0] * (len(LATENCY_BOUNDS_S) + 1)
        self._seconds = 0.0
        self._failure, self._failure_at = "", None
        self._blocked, self._blocked_s, self._blocked_at = 0, 0.0, None
        self._health, self._health_at = "unknown", None

    _failure_at: Instant | None
    _blocked_at: Instant | None
    _health: Literal["unknown", "well", "unwell"]
    _health_at: Instant | None

    def ended(self, call: str, outcome: str, took_s: float) -> None:
        """A call was made and ended so, after `took_s`."""
        self._counts[call, outcome] += 1
        if call in TIMED:
            self._recent.append(took_s)
            self._within[bisect_left(LATENCY_BOUNDS_S, took_s)] += 1
            self._seconds += took_s

    def busy(self, call: str) -> None:
        """A call was not made."""
        self._counts[call, "busy"] += 1

    def failed(self, why: str) -> None:
        """A call failed; `why` in the kernel's words."""
        self._failure, self._failure_at = why[:200], self._clock.now()

    def blocked(self, took_s: float) -> None:
        """A step of a call took long. Called in the instance's lane."""
        began_at = self._clock.now() - timedelta(seconds=took_s)
        self._blocked, self._blocked_s, self._blocked_at = self._blocked + 1, took_s, began_at

    def health(self, is_well: bool) -> None:
        """The plugin's own word."""
        self._health, self._health_at = "well" if is_well else "unwell", self._clock.now()

    def view(self, breaker: Breaker, bulkheads: tuple[Bulkhead, ...], held_s: float) -> MethodActivity:
        """All of it, now."""
        timed = [(key, count) for key, count in self._counts.items() if key[0] in TIMED and key[1] != "busy"]
        recent = sorted(self._recent)
        return MethodActivity(
            counts=tuple(CallCount(call=c, outcome=o, count=n) for (c, o), n in sorted(self._counts.items())),
            calls=sum(count for _, count in timed),
            unclear=sum(count for (_, outcome), count in timed if outcome == "unknown"),
            under_way=sum(bulkhead.under_way for bulkhead in bulkheads),
            waiting=sum(bulkhead.waiting for bulkhead in bulkheads),
            median_ms=_share_ms(recent, 0.5),
            p95_ms=_share_ms(recent, 0.95),
            seconds=round(self._seconds, 6),
            within=tuple(self._within),
            failures_in_a_row=breaker.failures,
            last_failure=self._failure,
            last_failure_at=self._failure_at,
            breaker_tries_at=breaker.tries_at,
            blocked=self._blocked,
            blocked_ms=round(self._blocked_s * 1000),
            blocked_at=self._blocked_at,
            held_s=round(held_s, 3),
            health=self._health,
            health_at=self._health_at,
        )


def _share_ms(ordered: list[float], share: float) -> int:
    """The value that `share` of the values do not exceed, in milliseconds (nearest rank)."""
    if not ordered:
        return 0
    return round(ordered[max(0, -int(-share * len(ordered) // 1) - 1)] * 1000)
