"""What an instance of a Xendit driver is told must fit together."""

from typing import Any

import msgspec
import pytest

from kassa.plugins.e_wallet.xendit.config import URL, WalletConfig
from kassa.ports.secret import Secret

TEST = {
    "driver": "xendit", "channel": "SHOPEEPAY", "mode": "test", "secret_key": Secret("xnd_development_c4n4ry"),
    "callback_token": Secret("t0ken"),
}  # fmt: skip
LIVE = TEST | {"mode": "live", "secret_key": Secret("xnd_production_c4n4ry")}


def configured(told: dict[str, Any]) -> WalletConfig:
    return msgspec.convert(told, WalletConfig)


def test_both_modes_have_one_address():
    """The key says which it is."""
    assert configured(TEST).base_url == configured(LIVE).base_url == URL


@pytest.mark.parametrize(
    "told",
    [
        TEST | {"secret_key": Secret("xnd_production_c4n4ry")},
        LIVE | {"secret_key": Secret("xnd_development_c4n4ry")},
        LIVE | {"base_url": "http://127.0.0.1:9000"},
        TEST | {"secret_key": Secret("xnd_development_c4n4ry\r")},
        TEST | {"secret_key": Secret("")},
        TEST | {"callback_token": Secret(" ")},
        TEST | {"previous_callback_token": Secret("")},
        TEST | {"base_url": "https://api.xendit.co/"},
        TEST | {"channel": "OVO"},
        TEST | {"driver": "xendit_va"},
    ],
)
def test_what_does_not_fit_is_refused_and_tells_no_secret(told: dict[str, Any]):
    """Live money in a test shop, play money in a live one, keys that no header carries."""
    with pytest.raises(msgspec.ValidationError) as refused:
        configured(told)
    assert "c4n4ry" not in str(refused.value)
