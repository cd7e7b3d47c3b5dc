"""Whether a payment method is what it declares, and whether a configuration is what it asks for. Every refusal is a sentence."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from kassa.ports.banking import Reserving
from kassa.ports.hooks import API, Driver, PaymentMethodFactory
from kassa.ports.payment import Capabilities, PaymentMethod
from kassa.ports.secret import Secret


class Refused(Exception):
    """Why a plugin or an instance is not loaded, for the operator."""


class Incompatible(Refused):
    """Made for another version of the contract."""


def checked_factory(offer: object) -> PaymentMethodFactory:
    """A factory whose every field is what it must be, and whose class is what it declares. Of one with drivers, the class is
    judged when a driver is chosen."""
    if type(offer) is not PaymentMethodFactory:
        raise Refused(f"offers a {type(offer).__name__}, not a PaymentMethodFactory")
    try:
        fields = {"id": offer.id, "api": offer.api, "title": offer.title}
        msgspec.convert(fields, _FactoryFields)
    except msgspec.ValidationError as error:
        raise Refused(f"its factory: {error}") from None
    if not is_compatible(offer.api):
        raise Incompatible(f"made for contract {offer.api[0]}.{offer.api[1]}, this is {API[0]}.{API[1]}")
    if offer.drivers:
        _check_drivers(offer)
    else:
        checked_method(offer.method)
    return offer


def checked_method(method: object) -> type[PaymentMethod[Any]]:
    """A class that is what it declares."""
    if not (isinstance(method, type) and issubclass(method, PaymentMethod)):
        raise Refused("its method is no subclass of PaymentMethod")
    problems = list(_problems(method))
    if problems:
        raise Refused(f"{method.__name__} {'; '.join(problems)}")
    return method


def _check_drivers(offer: PaymentMethodFactory) -> None:
    if offer.method is not None:
        raise Refused("its factory names a method and drivers: one of both")
    names = []
    for driver in offer.drivers:
        if type(driver) is not Driver:
            raise Refused(f"names a {type(driver).__name__} as a driver")
        try:
            msgspec.convert({"name": driver.name, "proved": driver.proved}, _DriverFields)
        except msgspec.ValidationError as error:
            raise Refused(f"its driver: {error}") from None
        if not callable(driver.load):
            raise Refused(f"its driver {driver.name} has a load that cannot be called")
        names.append(driver.name)
    if len(set(names)) != len(names):
        raise Refused("names one driver twice")


class _DriverFields(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}\Z")]
    proved: Annotated[str, Meta(min_length=1, max_length=200)]


def chosen(factory: PaymentMethodFactory, config: Mapping[str, Any]) -> Driver | None:
    """The driver that a configuration chooses; None where there is nothing to choose. Raises `Refused`."""
    if not factory.drivers:
        return None
    names = ", ".join(driver.name for driver in factory.drivers)
    if "driver" not in config:
        raise Refused(f"configuration: it needs a driver, one of {names}")
    for driver in factory.drivers:
        if driver.name == config["driver"]:
            return driver
    raise Refused(f"configuration: there is no such driver, only {names}")


class _FactoryFields(Struct, forbid_unknown_fields=True):
    id: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}\Z")]
    api: tuple[int, int]
    title: Annotated[str, Meta(min_length=1, max_length=60)]


def is_compatible(api: tuple[int, int]) -> bool:
    """Whether a plugin made for this version of the contract can be used: same major, no later minor."""
    return api[0] == API[0] and 0 <= api[1] <= API[1]


def _problems(method: type[PaymentMethod[Any]]) -> Iterator[str]:
    missing = sorted(method.__abstractmethods__)
    if missing:
        yield f"does not implement {', '.join(missing)}"
    yield from _shape_problems(method)
    declared = getattr(method, "capabilities", None)
    if type(declared) is not Capabilities:
        yield "declares no capabilities"
        return
    try:
        msgspec.json.decode(msgspec.json.encode(declared), type=Capabilities)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        yield f"declares capabilities that cannot be: {error}"
        return
    if not declared.amounts:
        yield "declares no amounts"
    if any(rule.step < 1 or rule.min > rule.max for rule in declared.amounts):
        yield "declares amounts that cannot be"
    if not 0 < declared.expiry_s[0] <= declared.expiry_s[1]:
        yield "declares an expiry that cannot be"
    if not declared.poll_s or min(declared.poll_s) < 1:
        yield "declares a poll list that cannot be"
    for name, is_declared in _flags(declared).items():
        is_there = getattr(method, name) is not getattr(PaymentMethod, name)
        if is_declared and not is_there:
            yield f"declares {name} but does not implement it"
        if is_there and not is_declared:
            yield f"implements {name} but does not declare it"


def _flags(declared: Capabilities) -> dict[str, bool]:
    return {
        "capture": declared.auth_capture,
        "void": declared.void,
        "refund": declared.refund != "none",
        "resume": declared.resume,
        "webhook": declared.webhook_trust != "none",
        "statement": bool(declared.statements),
        "payout": declared.payouts,
    }


def _shape_problems(method: type[PaymentMethod[Any]]) -> Iterator[str]:
    for name in (
        "open",
        "close",
        "health",
        "start",
        "query",
        "webhook",
        "capture",
        "void",
        "refund",
        "resume",
        "statement",
        "payout",
    ):
        if not inspect.iscoroutinefunction(getattr(method, name)):
            yield f"has a {name} that is not async"
    for name in ("Config", "Input"):
        shape = getattr(method, name, None)
        if not (isinstance(shape, type) and issubclass(shape, Struct)):
            yield f"has no {name} that is a msgspec Struct"
        elif not shape.__struct_config__.forbid_unknown_fields:
            yield f"has a {name} that does not forbid unknown fields"
        elif not shape.__struct_config__.frozen:
            yield f"has a {name} that is not frozen"


def configured(shape: type[Struct], config: Mapping[str, Any]) -> Struct:
    """The plugin's own configuration. Raises `Refused` with the field and what is wrong with it, never with its value."""
    try:
        return msgspec.convert(dict(config), shape, strict=True, dec_hook=_secret)
    except msgspec.ValidationError as error:
        raise Refused(f"configuration: {error}") from None
    except Exception as error:
        raise Refused(f"configuration: {type(error).__name__}") from None


def _secret(kind: type, value: object) -> object:
    if kind is not Secret:
        raise NotImplementedError(kind.__name__)
    if not isinstance(value, Secret):
        raise ValueError("a secret must be given as {env=…} or {file=…}, never as a literal")
    if not value.reveal().strip():
        raise ValueError("this secret is blank")
    return value


def reserving_of(method: PaymentMethod[Any]) -> Reserving | None:
    """What a configured method wants to be unique, checked. Raises `Refused`."""
    wanted = method.reserving
    if wanted is None:
        return None
    if type(wanted) is not Reserving:
        raise Refused("reserving: it is no Reserving")
    try:
        checked = msgspec.json.decode(msgspec.json.encode(wanted), type=Reserving)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise Refused(f"reserving: {error}") from None
    if checked.last < checked.first:
        raise Refused("reserving: its range is empty")
    return checked


def secrets_in(config: object) -> tuple[Secret, ...]:
    """Every secret of a configuration, however deep."""
    if isinstance(config, Secret):
        return (config,)
    inner: list[object] = []
    if isinstance(config, Mapping):
        inner = list(config.values())
    elif isinstance(config, list | tuple | set | frozenset):
        inner = list(config)
    return tuple(secret for item in inner for secret in secrets_in(item))
