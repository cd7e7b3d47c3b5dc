"""Payment plugins as the operator configures and sees them."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from kassa.ports.texts import Texts
from kassa.ports.values import Count, Instant, Value


class Fee(Value, frozen=True, kw_only=True):
    """What a provider is expected to keep of a payment: `ppm` millionths of what was taken, and `fixed` minor units once."""

    ppm: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    fixed: Count = 0


class MethodInstance(Value, frozen=True, kw_only=True):
    """A configured payment method: `[payments.<name>]` of the settings, secrets resolved. `config` is what the plugin's
    own `Config` is made from; `late` and `surplus` say what is done with such money. With `capture` "manual" a payment only
    reserves, and an operator takes the money. `title` is what customers read, by language; empty: what the plugin calls
    itself. `min_amount` and `max_amount` (minor units) narrow what the plugin takes. An order that is short by no more than
    `tolerance` (minor units) when money of this method came counts as paid."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}\Z")]
    plugin: str
    slug: str
    optional: bool = False
    allow_hosts: tuple[str, ...] = ()
    late: Literal["fulfil", "refund", "review"] = "fulfil"
    surplus: Literal["refund", "review"] = "review"
    capture: Literal["automatic", "manual"] = "automatic"
    deadline_s: float = 10.0
    title: Texts = msgspec.field(default_factory=dict)
    min_amount: int | None = None
    max_amount: int | None = None
    fee: Fee | None = None
    tolerance: Count = 0
    config: dict[str, Any] = msgspec.field(default_factory=dict)


class PluginRules(Value, frozen=True, kw_only=True):
    """Which plugins may be imported, by name: with a non-empty `allow` only those, and never one of `block`."""

    allow: frozenset[str] = frozenset()
    block: frozenset[str] = frozenset()

    def why_blocked(self, name: str) -> str:
        """The reason, for the operator; empty for a plugin that may be imported."""
        if name in self.block:
            return "on the block list ([plugins] block)"
        if self.allow and name not in self.allow:
            return "not on the allow list ([plugins] allow)"
        return ""


LATENCY_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the classes in which calls are counted by the time they took; one more class holds the rest."""


class CallCount(Value, frozen=True, kw_only=True):
    """How many calls of one kind (start, capture, void, refund, resume, query, webhook, statement, payout, health) ended so:
    succeeded, pending, declined, not_executed, unknown; found, not_found; accept, ignore, reject; read, unreadable; written;
    well, unwell; busy (never made)."""

    call: str
    outcome: str
    count: int


class MethodActivity(Value, frozen=True, kw_only=True):
    """What an instance did since *this process* began; every process of a shop counts for itself.

    Times are of commands and queries that were made: median and 95th percentile over the most recent 256, `within` counts
    all of them by `LATENCY_BOUNDS_S`. `unclear` are those that ended UNKNOWN. A failure is told in the kernel's words, never
    the plugin's. `blocked` counts the steps of more than 50 ms without an await; `held_s` is above 0 while one still lasts.
    `health` is the plugin's own word, asked every half a minute.
    """

    counts: tuple[CallCount, ...]
    calls: int
    unclear: int
    under_way: int
    waiting: int
    median_ms: int
    p95_ms: int
    seconds: float
    within: tuple[int, ...]
    failures_in_a_row: int
    last_failure: str
    last_failure_at: Instant | None
    breaker_tries_at: Instant | None
    blocked: int
    blocked_ms: int
    blocked_at: Instant | None
    held_s: float
    health: Literal["unknown", "well", "unwell"]
    health_at: Instant | None


class PluginStatus(Value, frozen=True, kw_only=True):
    """How a plugin, or a configured instance of one, stands. `instance` is None for a plugin that is not configured.

    A `breaker` that is "open" keeps new payments away; "half_open" lets one through to try; queries and notices always pass.
    `activity` is there for instances that are loaded. `driver` is what the instance chose, where its plugin has several, and
    `proved` against what that one was proved.
    """

    plugin: str
    instance: str | None
    state: Literal["loaded", "blocked", "incompatible", "failed", "unconfigured"]
    distribution: str
    version: str
    reason: str
    optional: bool
    breaker: Literal["closed", "open", "half_open", "none"]
    activity: MethodActivity | None = None
    driver: str = ""
    proved: str = ""
