"""A payment method with several providers: the configuration chooses, and only what is chosen is imported."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from msgspec import Struct

from kassa.kernel.plugin_vetting import Refused, checked_factory
from kassa.ports.banking import Reserving
from kassa.ports.hooks import API, Driver, PaymentMethodFactory
from kassa.ports.secret import Secret
from tests.plugin_host.plugs import Plain, installed, instance, loaded, method_class


def driver(name: str = "north", load: Any = None, proved: str = "a simulator") -> Driver:
    return Driver(name=name, load=load or method_class, proved=proved)


def driven(*drivers: Any, **more: Any) -> PaymentMethodFactory:
    return PaymentMethodFactory(id="trial", api=API, title="Trial", drivers=drivers, **more)


def north() -> type[Plain]:
    class NorthConfig(Struct, frozen=True, forbid_unknown_fields=True):
        driver: Literal["north"]
        key: Secret

    return method_class(Config=NorthConfig)


CONFIG = {"driver": "north", "key": Secret("sk_canary")}


async def test_the_configuration_chooses_and_the_operator_sees_what_that_was_proved_against():
    methods = await loaded(installed(driven(driver(load=north))), instances=(instance(config=CONFIG),))
    (status,) = methods.statuses()
    assert (status.state, status.driver, status.proved) == ("loaded", "north", "a simulator")


async def test_a_driver_that_nobody_chose_is_never_imported():
    seen = []

    def south() -> type[Plain]:
        seen.append("south")
        return method_class()

    offer = driven(driver(load=north), driver("south", load=south))
    methods = await loaded(installed(offer), instances=(instance(config=CONFIG),))
    assert (methods.statuses()[0].state, seen) == ("loaded", [])


def gone() -> type[Plain]:
    raise ImportError("no module named north_sdk")


def ends_the_shop() -> type[Plain]:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("config", "load", "reason"),
    [
        ({"key": Secret("sk")}, north, "needs a driver, one of north"),
        ({"driver": "west", "key": Secret("sk")}, north, "no such driver, only north"),
        ({"driver": ["north"], "key": Secret("sk")}, north, "no such driver, only north"),
        (CONFIG, gone, "driver north: ImportError: no module named north_sdk"),
        (CONFIG, ends_the_shop, "driver north: SystemExit"),
        (CONFIG, lambda: dict, "no subclass of PaymentMethod"),
        (CONFIG, lambda: method_class(capabilities=None), "declares no capabilities"),
    ],
)
async def test_a_driver_that_cannot_be_takes_only_its_instance_down(config: dict[str, Any], load: Any, reason: str):
    methods = await loaded(installed(driven(driver(load=load))), instances=(instance(config=config),))
    (status,) = methods.statuses()
    assert (status.state, methods.get("main")) == ("failed", None)
    assert reason in status.reason


@pytest.mark.parametrize(
    ("offer", "reason"),
    [
        (driven(driver(), method=method_class()), "one of both"),
        (driven(driver(), driver()), "one driver twice"),
        (driven("north"), "names a str as a driver"),
        (driven(driver("North")), "its driver"),
        (driven(driver(proved="")), "its driver"),
        (driven(Driver(name="north", load="kassa.plugins", proved="x")), "cannot be called"),  # type: ignore[arg-type]
    ],
)
def test_a_factory_whose_drivers_cannot_be_is_refused(offer: PaymentMethodFactory, reason: str):
    with pytest.raises(Refused, match=reason):
        checked_factory(offer)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Reserving(what="number", first=9, last=1), "its range is empty"),
        (Reserving(what="number", first=-1, last=1), "reserving: "),
        ("number", "it is no Reserving"),
    ],
)
async def test_what_a_method_wants_to_be_unique_must_be_possible(wanted: Any, reason: str):
    methods = await loaded(
        installed(driven(driver(load=lambda: method_class(Config=north().Config, reserving=wanted)))),
        instances=(instance(config=CONFIG),),
    )
    (status,) = methods.statuses()
    assert status.state == "failed"
    assert reason in status.reason
