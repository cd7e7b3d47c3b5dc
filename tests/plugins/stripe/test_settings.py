"""What an instance is told: a key of its mode, Stripe's own host where the money is real, and no card number ever."""

import re

import msgspec
import pytest

from kassa.kernel.plugin_vetting import Refused
from kassa.plugins.card.stripe.method import StripeCards
from kassa.ports.secret import Secret
from tests.plugins.stripe.till import built

LIVE = {"mode": "live", "secret_key": Secret("sk_live_canary"), "webhook_secret": Secret("whsec_x")}


@pytest.mark.parametrize(("mode", "key"), [("test", "rk_test_x"), ("live", "sk_live_x"), ("live", "rk_live_x")])
def test_a_key_of_its_mode_is_taken_a_restricted_one_too(mode: str, key: str):
    assert built(mode=mode, secret_key=Secret(key)).config.base_url == "https://api.stripe.com"


@pytest.mark.parametrize(
    ("mode", "key"),
    [("test", "sk_live_canary"), ("live", "sk_test_canary"), ("test", "pk_test_canary"), ("live", "rk_test_canary"),
     ("test", "sk_test_canary\r\nx: y"), ("test", "sk_test_ canary"), ("test", "canary")],
)  # fmt: skip
def test_a_key_of_another_mode_is_refused_and_not_shown(mode: str, key: str):
    with pytest.raises(Refused) as refused:
        built(mode=mode, secret_key=Secret(key))
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("base_url", ["https://api.stripe.com.example", "http://api.stripe.com", "https://127.0.0.1:1"])
def test_real_money_goes_to_stripe_and_nowhere_else(base_url: str):
    built(**LIVE)
    with pytest.raises(Refused, match=re.escape("https://api.stripe.com")):
        built(**LIVE, base_url=base_url)


@pytest.mark.parametrize("name", ["webhook_secret", "previous_webhook_secret"])
def test_a_blank_webhook_secret_is_refused(name: str):
    with pytest.raises(Refused, match="blank"):
        built(**{name: Secret(" ")})


@pytest.mark.parametrize("changes", [{"payment_methods": "cash"}, {"three_d_secure": "never"}, {"api_version": "x"}])
def test_what_it_does_not_know_is_refused(changes: dict[str, str]):
    with pytest.raises(Refused):
        built(**changes)


@pytest.mark.parametrize(
    "told",
    [
        {}, {"payment_method": "pm_1", "confirmation_token": "ctoken_1"}, {"payment_method": "4242424242424242"},
        {"payment_method": "tok_visa"}, {"payment_method": "pm_1&amount=1"}, {"payment_method": "pm_" + "x" * 100},
        {"confirmation_token": "pm_1"}, {"payment_method": "pm_1", "card": {"number": "4242424242424242"}},
    ],
    ids=str,
)  # fmt: skip
def test_a_customer_sends_one_token_and_never_a_card(told: dict[str, object]):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(told, StripeCards.Input)
