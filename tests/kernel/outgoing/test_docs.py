"""What the page for integrators says is so."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kassa.adapters.http.app import SHOP_ROUTES
from kassa.kernel import outgoing_messages
from kassa.kernel.outgoing_messages import TYPES, is_known
from kassa.kernel.outgoing_signing import Signer
from kassa.ports.deliveries import Message, Signing
from tests.architecture.tree import ROOT
from tests.kernel.machine import NOON, SeededIds

PAGE = (ROOT / "docs" / "outgoing-webhooks.md").read_text(encoding="utf-8")
Verify = Callable[[dict[str, str], bytes, str], bool]


@pytest.fixture
def is_genuine(monkeypatch: pytest.MonkeyPatch) -> Verify:
    """The page's own snippet, at noon."""
    monkeypatch.setattr("time.time", NOON.timestamp)
    (snippet,) = re.findall(r"<!-- verify -->\n```python\n(.*?)```", PAGE, re.S)
    there: dict[str, Any] = {}
    exec(snippet, there)
    found: Verify = there["is_genuine"]
    return found


def test_the_snippet_believes_the_shop_and_nobody_else(is_genuine: Verify) -> None:
    signer, ids = Signer(b"k" * 32), SeededIds()
    (seed, secret), (other, other_secret) = signer.new(ids), signer.new(ids)
    message = Message(id="msg_1", type="order.paid", body='{"type":"order.paid","über":1}'.encode())
    signing = [Signing(salt=one.salt, proof=one.proof) for one in (other, seed)]
    given = dict(signer.headers(message, signing, NOON) or ())
    assert is_genuine(given, message.body, secret.reveal())
    assert is_genuine(given, message.body, other_secret.reveal())
    assert not is_genuine(given, message.body + b" ", secret.reveal())
    assert not is_genuine({**given, "webhook-id": "msg_2"}, message.body, secret.reveal())
    later = str(int(given["webhook-timestamp"]) + 1)
    assert not is_genuine({**given, "webhook-timestamp": later}, message.body, secret.reveal())
    assert not is_genuine(given, message.body, signer.new(ids)[1].reveal())
    old = dict(signer.headers(message, signing, NOON.replace(hour=11)) or ())
    assert not is_genuine(old, message.body, secret.reveal())


def test_every_type_is_on_the_page_and_nothing_else_is_called_one() -> None:
    (table,) = re.findall(r"\| type \|.*?\n\n", PAGE, re.S)
    first = [line.split("|")[1] for line in table.strip().splitlines()[2:]]
    named = {word for cell in first for word in re.findall(r"`([^`]+)`", cell)}
    assert named == {*TYPES, outgoing_messages.TEST}
    for filters in re.findall(r'"events": (\[.*?\])', PAGE):
        assert all(map(is_known, msgspec.json.decode(filters)))


def test_the_example_has_the_fields_that_are_sent() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.S)
    body = msgspec.json.decode(example, type=outgoing_messages.Body, strict=True)
    assert set(body.data) <= set(outgoing_messages._FIELDS["payment"])
    assert body.version == outgoing_messages.VERSION


def test_every_address_on_the_page_is_served() -> None:
    served = {(route.method, route.path) for route in SHOP_ROUTES}
    named = re.findall(r"`(GET|POST|PATCH|DELETE) (/v1/[^`? ]+|…/[^`? ]+)", PAGE)
    assert len(named) >= 10
    for method, path in named:
        full = path.replace("…", "/v1/operator/webhook-endpoints")
        assert (method, full) in served, path


def test_the_readme_leads_here() -> None:
    assert "docs/outgoing-webhooks.md" in Path(ROOT / "README.md").read_text(encoding="utf-8")
