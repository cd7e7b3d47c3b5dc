"""Stripe's test cards, by the names that its documentation gives their payment methods, as cards that localstripe knows."""

from __future__ import annotations

from typing import NamedTuple


class Card(NamedTuple):
    """A number that localstripe treats as Stripe treats the named card, and what Stripe says when it is refused."""

    number: str
    code: str = "card_declined"
    decline_code: str | None = "generic_decline"


GOOD, REFUSED = "4242424242424242", "4000000000000341"
CARDS: dict[str, Card] = {
    "pm_card_visa": Card(GOOD),
    "pm_card_threeDSecureRequired": Card("4000002760003184"),
    "pm_card_threeDSecureRequiredChargeDeclined": Card("4000008400001629"),
    "pm_card_visa_chargeDeclined": Card(REFUSED),
    "pm_card_visa_chargeDeclinedInsufficientFunds": Card(REFUSED, decline_code="insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": Card(REFUSED, decline_code="lost_card"),
    "pm_card_chargeDeclinedExpiredCard": Card(REFUSED, "expired_card", None),
    "pm_card_chargeDeclinedIncorrectCvc": Card(REFUSED, "incorrect_cvc", None),
}
