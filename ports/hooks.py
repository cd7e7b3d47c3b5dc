"""How a payment plugin makes itself known: one synchronous hook that hands over factories, called once at start-up."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import pluggy
from msgspec import Meta, structs

from kassa.ports.payment import PaymentMethod
from kassa.ports.values import Value

PROJECT = "kassa"
ENTRY_POINT_GROUP = "kassa.payment_methods"
API = (1, 0)
"""The version of this contract. A plugin of another major, or of a later minor, is not loaded."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Driver(Value, frozen=True, kw_only=True):
    """One provider behind a payment method. A configuration chooses it by `driver = "<name>"`, a field that the class's `Config`
    declares too. `load` imports and returns the class, when it is first configured and not before: a client library that nobody
    uses is never imported. `proved` says against what the driver was proved, for the operator who has to trust it: "the
    provider's test system", "an independent simulator", "its documentation only"."""

    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}\Z")]
    load: Callable[[], type[PaymentMethod[Any]]]
    proved: Annotated[str, Meta(min_length=1, max_length=200)]


class PaymentMethodFactory(Value, frozen=True, kw_only=True):
    """A payment method on offer: `id` is what a configuration names as `plugin` (unique among all that is installed), `api` the
    version of the contract it is made for, `title` what customers read, `method` the class; or, where several providers do the
    same, `drivers` instead of it, each with a class of its own."""

    id: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}\Z")]
    api: tuple[int, int]
    title: Annotated[str, Meta(min_length=1, max_length=60)]
    method: type[PaymentMethod[Any]] | None = None
    drivers: tuple[Driver, ...] = ()

    def driven(self, name: str) -> "PaymentMethodFactory":
        """The same method with the class of one driver, for those who need no choice. Raises `LookupError`, and what the
        driver's `load` raises."""
        for driver in self.drivers:
            if driver.name == name:
                return structs.replace(self, method=driver.load(), drivers=())
        raise LookupError(name)


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
