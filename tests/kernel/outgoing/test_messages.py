"""What integrators are told, how it is signed, and what they are never told."""

import ast
import base64
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

import kassa.kernel as ring
from kassa.kernel.events import mail_event
from kassa.kernel.outgoing_messages import TYPES, filters_of, is_known, message_of
from kassa.kernel.outgoing_signing import Signer
from kassa.ports.audit import AuditEntry
from kassa.ports.endpoints import EndpointChange, EndpointDraft
from kassa.ports.errors import EndpointsFull, InvalidValue, SettingRefused, UnknownEndpoint
from kassa.ports.events import Event, OutboxItem
from kassa.ports.mail import Mail
from kassa.ports.values import Page
from tests.kernel.machine import NOON, SeededIds
from tests.kernel.outgoing.receiver import Teller, make_teller, url_of
from tests.kernel.payment.till import Till, open_till
from tests.kernel.world import OPERATOR, STRANGER, World

MAIL = Mail(id="m-1", to="alice@example.com", subject="Your link", text="https://shop.example/reset/secret-token\n")


@pytest.fixture
def teller(world: World, tmp_path: Path) -> Teller:
    return make_teller(world, tmp_path)


def item(kind: str, **payload: object) -> OutboxItem:
    event = Event(kind=kind, subject="order:KS-1", payload=msgspec.json.encode(payload))
    return OutboxItem(id=7, event=event, at=NOON, attempt=1, fence=1)


def told(kind: str, **payload: object) -> object:
    message = message_of(item(kind, **payload), SeededIds())
    assert message is not None
    return msgspec.json.decode(message.body)


def test_a_payment_is_told_with_amounts_and_without_anything_else() -> None:
    body = told(
        "payment.succeeded",
        invoice_id="KS-1",
        payment_id=3,
        merchant_ref="KS-1-1",
        method="card",
        status="paid",
        nominal=510,
        captured=510,
        refunded=0,
        currency="GBP",
        email="alice@example.com",
        note="says the provider",
    )
    assert body == {
        "type": "payment.succeeded",
        "timestamp": "2026-05-04T12:00:00Z",
        "version": 1,
        "sequence": 7,
        "data": {
            "invoice_id": "KS-1",
            "payment_id": 3,
            "merchant_ref": "KS-1-1",
            "method": "card",
            "status": "paid",
            "nominal": {"amount": 510, "currency": "GBP"},
            "captured": {"amount": 510, "currency": "GBP"},
            "refunded": {"amount": 0, "currency": "GBP"},
        },
    }


@pytest.mark.parametrize("kind", ["mail.send", "account.registered", "order", "session.opened", "webhook.test"])
def test_what_stays_inside_makes_no_message(kind: str) -> None:
    assert message_of(item(kind, token="secret"), SeededIds()) is None


async def test_a_mail_is_sent_and_nobody_else_is_told(teller: Teller, tmp_path: Path) -> None:
    await teller.listen("everything")
    entry = AuditEntry(action="noted", subject="account:1", origin=STRANGER, at=NOON)
    await teller.world.accounts.note(
        (mail_event(MAIL, "account:1"), Event(kind="account.registered", subject="a")), entry
    )
    await teller.relay.run_once()
    await teller.deliver()
    assert (tmp_path / "m-1.eml").exists()
    assert teller.internet.letters == []


async def test_a_payload_that_cannot_be_told_ends_as_a_dead_letter_of_the_outbox(teller: Teller) -> None:
    await teller.listen("books")
    entry = AuditEntry(action="noted", subject="order:KS-1", origin=STRANGER, at=NOON)
    await teller.world.accounts.note((Event(kind="order.paid", subject="order:KS-1", payload=b"[7]"),), entry)
    for _ in range(10):
        await teller.relay.run_once()
        teller.world.clock.advance(hours=2)
    assert await teller.world.outbox.backlog() == (0, 1)


async def test_a_whole_purchase_is_told(tmp_path: Path) -> None:
    till: Till = await open_till()
    teller = make_teller(till.world, tmp_path)
    await teller.listen("books")
    invoice_id = await till.order(1000)
    await till.start(invoice_id)
    await till.cashier.drain()
    assert await till.status(invoice_id) == "paid"
    await teller.relay.run_once()
    await teller.deliver()
    bodies = sorted((letter.json for letter in teller.internet.letters), key=lambda body: body["sequence"])
    assert [body["type"] for body in bodies] == ["order.placed", "payment.started", "payment.succeeded", "order.paid"]
    assert [body["data"]["status"] for body in bodies] == ["awaiting_payment", "processing", "paid", "paid"]
    assert {body["data"]["invoice_id"] for body in bodies} == {invoice_id}
    assert bodies[0]["data"]["total"] == bodies[3]["data"]["total"] == {"amount": 1000, "currency": "GBP"}
    assert bodies[2]["data"]["captured"] == {"amount": 1000, "currency": "GBP"}
    raw = b"".join(letter.body for letter in teller.internet.letters)
    assert b"example.com" not in raw
    assert b"High Street" not in raw
    await till.close()


def test_everything_the_kernel_can_tell_can_be_asked_for() -> None:
    """Kinds that stand in the kernel's source as they are; those made of a payment's status are derived from its statuses."""
    folder = Path(next(iter(ring.__path__)))
    words = {
        node.value
        for path in folder.glob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and _name(call) in ("Event", "Fact", "event", "told")
        for node in ast.walk(call)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    kinds = {word for word in words if message_kind(word)}
    assert {"payment.started", "suspense.arrived"} <= kinds
    assert kinds - set(TYPES) == {"payment."}, "begins what ends with a status"


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def message_kind(word: str) -> bool:
    return word.partition(".")[0] in ("order", "payment", "suspense", "endpoint") and word.count(".") == 1


@pytest.mark.parametrize("wanted", ["*", "order.*", "endpoint.*", *TYPES])
def test_a_filter_that_can_match_is_known(wanted: str) -> None:
    assert is_known(wanted)
    assert wanted.endswith("*") or wanted in filters_of(wanted)


@pytest.mark.parametrize("wanted", ["order.payed", "mail.*", "mail.send", "account.*", "webhook.test", "order", "**"])
def test_a_filter_that_never_matches_is_refused(wanted: str) -> None:
    assert not is_known(wanted)


async def test_a_secret_is_shown_once_and_never_stored(teller: Teller) -> None:
    issued = await teller.listen("books")
    secret = issued.secret.reveal()
    assert secret.startswith("whsec_")
    raw = base64.b64decode(secret.removeprefix("whsec_"))
    assert len(raw) == 32
    dump = "\n".join(str(row) for row in teller.world.database.connection.connection.driver_connection.iterdump())
    for form in (secret, secret.removeprefix("whsec_"), raw.hex()):
        assert form.lower() not in dump.lower()
    assert secret not in repr(issued)


async def test_two_secrets_sign_for_a_day_after_a_rotation(teller: Teller) -> None:
    first = await teller.listen("books")
    second = await teller.desk.rotate(first.endpoint.id, OPERATOR)
    assert second.endpoint.old_secret_until == teller.world.clock.now() + timedelta(hours=24)
    await teller.happen("order.paid")
    await teller.deliver()
    letter = teller.internet.letters[-1]
    assert len(letter.headers["webhook-signature"].split(" ")) == 2
    assert letter.is_signed_with(first.secret.reveal())
    assert letter.is_signed_with(second.secret.reveal())
    teller.world.clock.advance(hours=24)
    await teller.happen("order.paid")
    await teller.deliver()
    letter = teller.internet.letters[-1]
    assert not letter.is_signed_with(first.secret.reveal())
    assert letter.is_signed_with(second.secret.reveal())


async def test_the_second_rotation_of_a_day_ends_the_first_secret(teller: Teller) -> None:
    first = await teller.listen("books")
    second = await teller.desk.rotate(first.endpoint.id, OPERATOR)
    third = await teller.desk.rotate(first.endpoint.id, OPERATOR)
    await teller.happen("order.paid")
    await teller.deliver()
    letter = teller.internet.letters[-1]
    assert [letter.is_signed_with(one.secret.reveal()) for one in (first, second, third)] == [False, True, True]


async def test_a_shop_with_another_key_sends_nothing_it_cannot_sign(world: World, tmp_path: Path) -> None:
    books = await make_teller(world, tmp_path).listen("books")
    changed = make_teller(world, tmp_path, key=b"another key, as long as it must be, at least")
    await changed.happen("order.paid")
    await changed.deliver()
    assert changed.internet.letters == []
    (one,) = (await changed.desk.deliveries(books.endpoint.id, None, Page())).items
    assert one.reason.startswith("cannot be signed")
    rotated = await changed.desk.rotate(books.endpoint.id, OPERATOR)
    world.clock.advance(60)
    await changed.deliver()
    assert changed.internet.letters[-1].is_signed_with(rotated.secret.reveal())


def test_a_key_that_is_too_short_is_refused() -> None:
    with pytest.raises(SettingRefused):
        Signer(b"k" * 31)


async def test_a_shop_has_twenty_endpoints_at_most(teller: Teller) -> None:
    for number in range(20):
        await teller.listen(f"n{number}")
    with pytest.raises(EndpointsFull):
        await teller.listen("one-too-many")


async def test_what_cannot_be_is_refused_and_nothing_written(teller: Teller) -> None:
    made = (await teller.listen("books")).endpoint
    for draft in (
        EndpointDraft(url="http://books.example/", events=("*",)),
        EndpointDraft(url=url_of("books"), events=("order.payed",)),
        EndpointDraft(url=url_of("books"), events=("*", "*")),
    ):
        with pytest.raises(InvalidValue):
            await teller.desk.create(draft, OPERATOR)
        change = EndpointChange(url=draft.url, events=draft.events)
        with pytest.raises(InvalidValue):
            await teller.desk.change(made.id, change, expected_version=None, origin=OPERATOR)
    with pytest.raises(UnknownEndpoint):
        await teller.desk.change("ep_0", EndpointChange(url="http://x/"), expected_version=None, origin=OPERATOR)
    assert await teller.desk.endpoints() == (made,)
