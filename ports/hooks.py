"""How a payment plugin makes itself known: one synchronous hook that hands over factories, called once at start-up."""

from collections.abc import Iterable
from typing import Annotated, Any

import pluggy
from msgspec import Meta

from kassa.ports.payment import PaymentMethod
from kassa.ports.values import Value

PROJECT = "kassa"
ENTRY_POINT_GROUP = "kassa.payment_methods"
API = (1, 0)
"""The version of this contract. A plugin of another major, or of a later minor, is not loaded."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class PaymentMethodFactory(Value, frozen=True, kw_only=True):
    """A payment method on offer: `id` is what a configuration names as `plugin` (unique among all that is installed), `api` the
    version of the contract it is made for, `method` the class, `title` what customers read."""

    id: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}\Z")]
    api: tuple[int, int]
    method: type[PaymentMethod[Any]]
    title: Annotated[str, Meta(min_length=1, max_length=60)]


class Hooks:
    """The hook specifications."""

    @hookspec
    def kassa_payment_methods(self) -> Iterable[PaymentMethodFactory]:  # type: ignore[empty-body]
        """Hand over factories, at most 50. Synchronous and pure: no I/O, no thread, no configuration read; it only says what
        exists. What it raises keeps this plugin out, and no other.

            from kassa.ports.hooks import PaymentMethodFactory, hookimpl

            @hookimpl
            def kassa_payment_methods():
                return [PaymentMethodFactory(id="acme-pay", api=(1, 0), method=AcmePay, title="Acme Pay")]

        Give `api` as the literal version that the plugin was made for, such as `(1, 0)`.
        """
