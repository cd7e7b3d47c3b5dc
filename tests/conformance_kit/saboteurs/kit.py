"""How a saboteur is written down: Acme Pay but for one thing, and the one check that must notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from kassa.ports.conformance.payment_method import Subject
from kassa.ports.hooks import PaymentMethodFactory
from tests.conformance_kit.acme.double import AcmeSubject
from tests.conformance_kit.acme.method import Acme

SABOTEURS: dict[str, list[type[Subject]]] = {}
"""By the check that must notice."""
MODULE = "tests.conformance_kit.saboteurs"
T = TypeVar("T", bound=type)


def factory_of(method: type[Acme]) -> PaymentMethodFactory:
    """As its hook hands it over."""
    return PaymentMethodFactory(id=method.__name__.lower()[:40], api=(1, 0), method=method, title="Saboteur")


def breaks(check: str) -> Callable[[T], T]:
    """Register an Acme method, or a subject, that must fail exactly this check."""

    def register(saboteur: T) -> T:
        subject: Any = saboteur
        if issubclass(saboteur, Acme):
            offered = factory_of(saboteur)
            subject = type(saboteur.__name__, (AcmeSubject,), {"factory": offered, "module": MODULE})
        SABOTEURS.setdefault(check, []).append(subject)
        return saboteur

    return register


def offered() -> tuple[PaymentMethodFactory, ...]:
    """The factories of all of them."""
    return tuple(subject.factory for subjects in SABOTEURS.values() for subject in subjects)
