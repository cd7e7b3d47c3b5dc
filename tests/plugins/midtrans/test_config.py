"""What an instance of a Midtrans driver is told must fit together."""

from typing import Any

import msgspec
import pytest

from kassa.plugins.e_wallet.midtrans.config import WalletConfig
from kassa.ports.secret import Secret

TEST = {"driver": "midtrans", "channel": "qris", "mode": "test", "server_key": Secret("SB-Mid-server-c4n4ry")}
LIVE = TEST | {"mode": "live", "server_key": Secret("Mid-server-c4n4ry")}


def configured(told: dict[str, Any]) -> WalletConfig:
    return msgspec.convert(told, WalletConfig)


def test_the_mode_chooses_the_address():
    """Nobody has to know it."""
    assert configured(TEST).url == "https://api.sandbox.midtrans.com"
    assert configured(LIVE).url == "https://api.midtrans.com"
    assert configured(TEST | {"server_key": Secret("Mid-server-new-sandbox-keys-too")}).mode == "test"


@pytest.mark.parametrize(
    "told",
    [
        TEST | {"base_url": "https://api.midtrans.com"},
        TEST | {"base_url": "https://API.MIDTRANS.com:443"},
        LIVE | {"base_url": "https://api.sandbox.midtrans.com"},
        LIVE | {"base_url": "http://127.0.0.1:9000"},
        LIVE | {"server_key": Secret("SB-Mid-server-c4n4ry")},
        TEST | {"server_key": Secret("")},
        TEST | {"server_key": Secret("SB-Mid-server-c4n4ry\n")},
        TEST | {"previous_server_key": Secret(" ")},
        TEST | {"base_url": "ftp://api.sandbox.midtrans.com"},
        TEST | {"base_url": "https://u:p@api.sandbox.midtrans.com"},
        TEST | {"base_url": "https://api.sandbox.midtrans.com/v2"},
        TEST | {"channel": "bca"},
        TEST | {"driver": "midtrans_va"},
    ],
)
def test_what_does_not_fit_is_refused_and_tells_no_secret(told: dict[str, Any]):
    """Live money in a test shop, play money in a live one, keys that no header carries."""
    with pytest.raises(msgspec.ValidationError) as refused:
        configured(told)
    assert "c4n4ry" not in str(refused.value)
