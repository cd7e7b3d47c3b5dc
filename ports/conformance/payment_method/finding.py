"""Which subject a module holds."""

import importlib
import inspect

from .subject import Subject


class NoSubject(Exception):
    """There is nothing to examine, in one line for whoever asked."""


def subject_of(place: str) -> Subject:
    """The subject of `module` (its only one) or `module:Name`. Raises `NoSubject`; importing may print whatever it likes."""
    name, _, wanted = place.partition(":")
    try:
        module = importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        told = f"{name} cannot be imported: {type(error).__name__}: {_first_line(error)}"
        raise NoSubject(f"{told}{_hint(name, error)}") from None
    found = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Subject) and one is not Subject and not inspect.isabstract(one)
    ]
    if wanted:
        found = [one for one in found if one.__name__ == wanted]
    else:
        found = [one for one in found if one.__module__ == module.__name__] or found
    if not found:
        raise NoSubject(f"{name} has no {wanted or 'Subject'}: see kassa.ports.conformance.payment_method.subject")
    if len(found) > 1:
        names = ", ".join(f"{name}:{one.__name__}" for one in found)
        raise NoSubject(f"{name} has several subjects; name one of {names}")
    try:
        return found[0]()
    except Exception as error:
        raise NoSubject(f"{found[0].__name__}() raises {type(error).__name__}: {_first_line(error)}") from None


def _hint(name: str, error: BaseException) -> str:
    is_away = isinstance(error, ModuleNotFoundError) and error.name == name.split(".", maxsplit=1)[0]
    return " (install it, or go to the folder that it is in)" if is_away else ""


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]
