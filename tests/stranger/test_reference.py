"""The author's reference names all that the contract has."""

import msgspec
import pytest

from kassa.adapters.main.settings import PaymentSettings
from kassa.ports.payment import Capabilities, Context, PaymentMethod
from tests.architecture.tree import ROOT

PAGE = (ROOT / "docs/payment-methods.md").read_text()
CAPABILITIES = [field.name for field in msgspec.structs.fields(Capabilities)]
CALLS = [name for name in vars(PaymentMethod) if not name.startswith("_") and name not in ("Input", "parameters")]
CONTEXT = [name for name in vars(Context) if not name.startswith("_")]
SETTINGS = [field.name for field in msgspec.structs.fields(PaymentSettings) if field.name not in ("config", "slug")]


@pytest.mark.parametrize("word", [*CAPABILITIES, *CALLS])
def test_every_capability_and_every_call_is_named(word: str):
    """In the words of `kassa.ports.payment`."""
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize("word", CONTEXT)
def test_everything_that_a_call_is_given_is_named(word: str):
    """`ctx.something`."""
    assert f"`ctx.{word}" in PAGE


@pytest.mark.parametrize("word", SETTINGS)
def test_every_setting_of_an_instance_is_shown(word: str):
    """In the example."""
    assert f"\n{word} = " in PAGE


def test_there_are_words_to_look_for():
    """A test about nothing checks nothing."""
    assert len(CAPABILITIES) > 15
    assert {"start", "query", "webhook", "refund"} <= {*CALLS}
    assert {"http", "key", "deadline_s"} <= {*CONTEXT}
    assert "allow_hosts" in SETTINGS
