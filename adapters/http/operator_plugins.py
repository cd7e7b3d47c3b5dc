"""What an operator sees of the payment plugins."""

from kassa.ports.plugins import PluginStatus
from kassa.ports.values import Value

from .route import Access, Answers, Call, NoQuery, Reply, Route, as_json


class PluginList(Value, frozen=True, kw_only=True):
    """Every plugin found and every instance configured."""

    items: tuple[PluginStatus, ...]
    next: str | None = None


async def plugins(call: Call[None, NoQuery]) -> Reply:
    """How the plugins stand."""
    return as_json(PluginList(items=call.shop.cashier.plugins()))


ROUTES = (
    Route(
        method="GET",
        path="/v1/operator/plugins",
        name="listPlugins",
        tag="Operator",
        summary="How the payment plugins stand",
        handler=plugins,
        access=Access.OPERATOR,
        answers=(Answers(status=200, says="Plugins and instances.", type_=PluginList),),
        explain="Distribution, version, state and reason of each; of loaded instances also breaker, health, calls and times, "
        "as the process that answers has seen them since it began. `/metrics` has the same numbers.",
    ),
)
