"""Delivery of what was committed."""

from pathlib import Path

import msgspec
import pytest

from kassa.adapters.mail import FolderMailer
from kassa.adapters.system import SystemFailpoints
from kassa.adapters.system.failpoints import FailpointReached
from kassa.kernel.events import AuditSeal, OutboxRelay, mail_event, pause_s
from kassa.ports.audit import AuditEntry
from kassa.ports.events import Event
from kassa.ports.mail import Mail
from tests.kernel.world import STRANGER, World

LETTER = Mail(id="m-1", to="alice@example.com", subject="Hello", text="How are you?\n")


async def _note(world: World, *events: Event) -> None:
    entry = AuditEntry(action="test.noted", subject="test:1", origin=STRANGER, at=world.clock.now())
    await world.accounts.note(events, entry)


def _relay(
    world: World, folder: Path, *, attempts: int = 10, failpoints: SystemFailpoints | None = None
) -> OutboxRelay:
    return OutboxRelay(
        outbox=world.outbox,
        deliveries=world.deliveries,
        mailer=FolderMailer(folder, world.clock),
        notifications=world.notifications,
        clock=world.clock,
        ids=world.ids,
        failpoints=failpoints or world.failpoints,
        attempts=attempts,
    )


async def test_a_mail_is_sent_and_a_change_is_announced_each_once(world: World, tmp_path: Path) -> None:
    told: list[str] = []
    world.notifications.listen(told.append)
    await _note(world, mail_event(LETTER, "account:1"), Event(kind="order.placed", subject="order:KS-1"))
    relay = _relay(world, tmp_path)
    assert await relay.run_once() == 2
    assert await relay.run_once() == 0
    assert told == ["order:KS-1"]
    assert "How are you?" in (tmp_path / "m-1.eml").read_text()
    assert await world.outbox.backlog() == (0, 0)


async def test_a_mail_that_cannot_be_sent_is_tried_again_later_and_holds_nothing_up(
    world: World, tmp_path: Path
) -> None:
    told: list[str] = []
    world.notifications.listen(told.append)
    await _note(world, mail_event(LETTER, "account:1"), Event(kind="order.paid", subject="order:KS-1"))
    relay, folder = _relay(world, tmp_path / "mail"), tmp_path / "mail"
    folder.rmdir()
    await relay.run_once()
    assert told == ["order:KS-1"]
    assert await world.outbox.backlog() == (1, 0)
    assert await relay.run_once() == 0, "its pause is not over"
    folder.mkdir()
    world.clock.advance(8)
    assert await relay.run_once() == 1
    assert (folder / "m-1.eml").exists()
    assert await world.outbox.backlog() == (0, 0)


async def test_after_enough_attempts_a_mail_is_a_dead_letter(world: World, tmp_path: Path) -> None:
    poisoned = Event(kind="mail.send", subject="account:1", payload=b'{"to": 7}')
    await _note(world, poisoned)
    relay = _relay(world, tmp_path, attempts=3)
    for backlog in ((1, 0), (1, 0), (0, 1)):
        assert await relay.run_once() == 1
        assert await world.outbox.backlog() == backlog
        world.clock.advance(hours=2)
    assert await relay.run_once() == 0


async def test_a_relay_that_dies_after_delivery_leaves_the_mail_to_be_sent_again(world: World, tmp_path: Path) -> None:
    await _note(world, mail_event(LETTER, "account:1"))
    dying = _relay(world, tmp_path, failpoints=SystemFailpoints("outbox.after_delivery=raise"))
    with pytest.raises(FailpointReached):
        await dying.run_once()
    world.clock.advance(60)
    assert await _relay(world, tmp_path).run_once() == 0, "the lease of the dead one still holds"
    world.clock.advance(61)
    assert await _relay(world, tmp_path).run_once() == 1
    assert await world.outbox.backlog() == (0, 0)


async def test_an_event_that_kills_every_relay_ends_as_a_dead_letter(world: World, tmp_path: Path) -> None:
    await _note(world, mail_event(LETTER, "account:1"))
    for _ in range(2):
        with pytest.raises(FailpointReached):
            await _relay(world, tmp_path, failpoints=SystemFailpoints("outbox.after_claim=raise")).run_once()
        world.clock.advance(hours=1)
    await _relay(world, tmp_path / "never", attempts=2).run_once()
    assert await world.outbox.backlog() == (0, 1)
    assert not list((tmp_path / "never").iterdir())


async def test_what_a_slow_relay_lost_to_another_is_not_settled_by_it(world: World, tmp_path: Path) -> None:
    await _note(
        world, Event(kind="order.placed", subject="order:KS-1"), Event(kind="order.placed", subject="order:KS-2")
    )
    told: list[str] = []

    def slow(subject: str) -> None:
        told.append(subject)
        world.clock.advance(121)  # longer than the lease

    world.notifications.listen(slow)
    assert await _relay(world, tmp_path).run_once() == 1, "a round stops at half of its lease"
    assert told == ["order:KS-1"]


@pytest.mark.parametrize(("attempt", "low", "high"), [(1, 2.5, 7.5), (2, 5, 15), (5, 40, 120), (60, 1800, 5400)])
def test_pauses_double_up_to_an_hour_and_are_spread(attempt: int, low: float, high: float) -> None:
    assert pause_s(attempt, 0.0) == low
    assert low < pause_s(attempt, 0.5) < pause_s(attempt, 0.999) < high


async def test_the_audit_trail_is_sealed_once(world: World) -> None:
    for _ in range(5):
        await _note(world)
    seal = AuditSeal(audit=world.audit, clock=world.clock, limit=3)
    assert [await seal.run_once() for _ in range(3)] == [3, 2, 0]


def test_a_mail_event_holds_the_mail() -> None:
    event = mail_event(LETTER, "account:1")
    assert msgspec.json.decode(event.payload, type=Mail) == LETTER
