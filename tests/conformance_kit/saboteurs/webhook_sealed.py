"""Those that believe forged notices whose signature is in the body."""

from __future__ import annotations

import hashlib
import hmac

from kassa.ports.payment import RawWebhook
from tests.conformance_kit.acme.weaker import AcmeSealed, AcmeSealedSubject, of_fields, seal_in

from .kit import MODULE, breaks, factory_of


class BelievesTheUnsealed(AcmeSealed):
    """Checks the seal of those notices that have one."""

    def is_let_in(self, raw: RawWebhook, secret: str) -> bool:
        return (not seal_in(raw.body) and b"event_id" in raw.body) or super().is_let_in(raw, secret)


class BelievesTheEmptySeal(AcmeSealed):
    """Takes what anybody can sign."""

    def is_let_in(self, raw: RawWebhook, secret: str) -> bool:
        return super().is_let_in(raw, secret) or super().is_let_in(raw, "")


class ComparesTheBeginningOfASeal(AcmeSealed):
    """The last letters are anybody's."""

    def is_let_in(self, raw: RawWebhook, secret: str) -> bool:
        seal = seal_in(raw.body)
        return len(seal) > 60 and seal[:60] == of_fields(raw.body, secret)[:60]


class RemembersSeals(AcmeSealed):
    """A seal that was good once is good, whatever it is beside."""

    seen: frozenset[str] = frozenset()

    def is_let_in(self, raw: RawWebhook, secret: str) -> bool:
        digest = hashlib.sha256(seal_in(raw.body).encode()).hexdigest()
        if super().is_let_in(raw, secret):
            self.seen |= {digest}
        return any(hmac.compare_digest(digest, one) for one in self.seen)


@breaks("webhook.unsigned")
class UnsealedBeliever(AcmeSealedSubject):
    factory = factory_of(BelievesTheUnsealed)
    module = MODULE


@breaks("webhook.wrong-secret")
class EmptySealBeliever(AcmeSealedSubject):
    factory = factory_of(BelievesTheEmptySeal)
    module = MODULE


@breaks("webhook.tampered-signature")
class BeginningBeliever(AcmeSealedSubject):
    factory = factory_of(ComparesTheBeginningOfASeal)
    module = MODULE


@breaks("webhook.tampered-fields")
class SealRememberer(AcmeSealedSubject):
    factory = factory_of(RemembersSeals)
    module = MODULE
