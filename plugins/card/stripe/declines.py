"""Stripe's reasons for a refusal in the shop's words. Source: docs.stripe.com/declines/codes and docs.stripe.com/error-codes."""

from typing import Literal, TypeAlias

DeclineCode: TypeAlias = Literal[
    "insufficient_funds", "card_declined", "expired_card", "invalid_input", "authentication_failed", "limit_exceeded",
    "fraud_suspected", "canceled_by_customer", "not_allowed", "other",
]  # fmt: skip

_WORDS: dict[DeclineCode, str] = {
    "insufficient_funds": "insufficient_funds withdrawal_count_limit_exceeded",
    "expired_card": "expired_card",
    "invalid_input": (
        "incorrect_number invalid_number incorrect_cvc invalid_cvc incorrect_zip incorrect_address incorrect_pin invalid_pin"
        " invalid_expiry_month invalid_expiry_year invalid_account new_account_information_available resource_missing"
        " payment_method_unactivated"
    ),
    "authentication_failed": (
        "authentication_required authentication_not_handled approve_with_id mobile_device_authentication_required"
        " payment_intent_authentication_failure setup_intent_authentication_failure online_or_offline_pin_required"
    ),
    "limit_exceeded": "card_velocity_exceeded pin_try_exceeded amount_too_large",
    "not_allowed": (
        "amount_too_small currency_not_supported card_not_supported invalid_amount not_permitted restricted_card"
        " service_not_allowed transaction_not_allowed live_mode_test_card test_mode_live_card testmode_charges_only"
        " payment_method_not_available payment_intent_unexpected_state charge_already_captured charge_already_refunded"
        " charge_expired_for_capture charge_disputed payment_method_invalid_parameter"
    ),
    "other": "processing_error issuer_not_available reenter_transaction try_again_later payment_intent_payment_attempt_expired",
}
_CODES: dict[str, DeclineCode] = {word: code for code, words in _WORDS.items() for word in words.split()}


def of_card(decline_code: str | None, code: str | None) -> DeclineCode:
    """What the customer is told of a card that was refused. Everything else is `card_declined`, and so are lost, stolen and
    suspected cards: Stripe asks merchants to present those as any other decline."""
    for word in (decline_code, code):
        if word is not None and word in _CODES:
            return _CODES[word]
    return "card_declined"


def of_request(code: str | None) -> DeclineCode:
    """What the customer is told of a request that Stripe refused as invalid."""
    return _CODES.get(code or "", "not_allowed")
