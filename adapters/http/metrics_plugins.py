"""How the payment methods stand, as Prometheus reads it. One series for each configured instance and kind of end: few."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from kassa.ports.plugins import LATENCY_BOUNDS_S, MethodActivity, PluginStatus


class PluginMetrics(Collector):
    """Reads the statuses when it is asked."""

    def __init__(self, plugins: Callable[[], tuple[PluginStatus, ...]]) -> None:
        self._plugins = plugins

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked to register this: names are known by `collect`."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All families, now."""
        statuses = [status for status in self._plugins() if status.instance is not None]
        active = [(str(s.instance), s, s.activity) for s in statuses if s.activity is not None]
        yield _gauge(
            "loaded", "1: the instance works.", [(str(s.instance), float(s.state == "loaded")) for s in statuses]
        )
        yield _gauge(
            "breaker_open", "1: closed to new payments.", [(n, float(s.breaker == "open")) for n, s, _ in active]
        )
        yield _gauge("failures_in_a_row", "Failed calls in a row.", [(n, a.failures_in_a_row) for n, _, a in active])
        yield _gauge("under_way", "Calls under way.", [(n, a.under_way) for n, _, a in active])
        yield _gauge("held_seconds", "How long its thread has not moved.", [(n, a.held_s) for n, _, a in active])
        well = [(n, float(a.health == "well")) for n, _, a in active if a.health != "unknown"]
        yield _gauge("well", "1: the plugin says that its provider answers.", well)
        yield _calls([(name, activity) for name, _, activity in active])
        yield _seconds([(name, activity) for name, _, activity in active])
        blocked = CounterMetricFamily(
            "kassa_payment_method_blocked", "Steps of more than 50 ms without an await.", labels=["instance"]
        )
        for name, _, activity in active:
            blocked.add_metric([name], activity.blocked)
        yield blocked


def _gauge(name: str, says: str, values: list[tuple[str, float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"kassa_payment_method_{name}", says, labels=["instance"])
    for instance, value in values:
        family.add_metric([instance], value)
    return family


def _calls(active: list[tuple[str, MethodActivity]]) -> CounterMetricFamily:
    family = CounterMetricFamily(
        "kassa_payment_method_calls", "Calls of a plugin, by how they ended.", labels=["instance", "call", "outcome"]
    )
    for name, activity in active:
        for one in activity.counts:
            family.add_metric([name, one.call, one.outcome], one.count)
    return family


def _seconds(active: list[tuple[str, MethodActivity]]) -> HistogramMetricFamily:
    family = HistogramMetricFamily("kassa_payment_method_seconds", "Time of commands and queries.", labels=["instance"])
    for name, activity in active:
        bounds = [*(str(bound) for bound in LATENCY_BOUNDS_S), "+Inf"]
        total, buckets = 0, []
        for bound, count in zip(bounds, activity.within, strict=True):
            total += count
            buckets.append((bound, total))
        family.add_metric([name], buckets=buckets, sum_value=activity.seconds)
    return family
