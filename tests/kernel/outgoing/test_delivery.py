"""Three days of deliveries in milliseconds."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from kassa.adapters.system import SystemFailpoints
from kassa.kernel.outgoing_delivery import LEASE_S, TIMEOUT_S, DeliveryPurge
from kassa.kernel.outgoing_schedule import FAILING_FOR, RETRY_S, pause_s
from kassa.ports.deliveries import DeliveryState
from kassa.ports.endpoints import EndpointChange
from kassa.ports.errors import UnknownDelivery
from kassa.ports.values import Page
from tests.kernel.outgoing.receiver import Teller, make_teller, url_of
from tests.kernel.world import OPERATOR, World

DAY_S = 86_400


@pytest.fixture
def teller(world: World, tmp_path: Path) -> Teller:
    return make_teller(world, tmp_path)


async def states(teller: Teller, endpoint_id: str) -> list[str]:
    page = await teller.desk.deliveries(endpoint_id, None, Page(limit=100))
    return [one.state.value for one in page.items]


async def wait(teller: Teller, seconds: float, *, step_s: float = 600) -> None:
    """Let time pass, sweeping all the while."""
    for _ in range(int(seconds / step_s)):
        teller.world.clock.advance(step_s)
        await teller.deliver()


async def test_an_event_arrives_once_and_is_written_down(teller: Teller) -> None:
    books = await teller.listen("books")
    await teller.happen("order.paid")
    assert await teller.deliver() == 1
    (letter,) = teller.internet.letters
    assert letter.url == url_of("books")
    assert letter.is_signed_with(books.secret.reveal())
    (delivery,) = (await teller.desk.deliveries(books.endpoint.id, None, Page())).items
    log = await teller.desk.log(delivery.id)
    assert (log.delivery.state, log.delivery.status, len(log.attempts)) == (DeliveryState.DELIVERED, 200, 1)
    await wait(teller, DAY_S)
    assert len(teller.internet.letters) == 1


async def test_a_receiver_that_comes_back_gets_everything_under_the_same_ids(teller: Teller) -> None:
    await teller.listen("books")
    teller.internet.answers[url_of("books")] = "no connection"
    await teller.happen("order.placed", "order.paid")
    await teller.deliver()
    await wait(teller, 12 * 3600)
    teller.internet.answers[url_of("books")] = 200
    await wait(teller, 12 * 3600)
    by_id: dict[str, set[bytes]] = {}
    for letter in teller.internet.letters:
        by_id.setdefault(letter.id, set()).add(letter.body)
    assert len(by_id) == 2
    assert all(len(bodies) == 1 for bodies in by_id.values()), "one id, one body"
    assert len({letter.headers["webhook-timestamp"] for letter in teller.internet.letters}) > 2
    assert await teller.world.deliveries.backlog() == (0, 0)


async def test_after_three_days_it_is_a_dead_letter_and_the_endpoint_is_disabled_and_told(teller: Teller) -> None:
    begun = teller.world.clock.now()
    broken = (await teller.listen("broken", "order.*")).endpoint
    await teller.listen("watch", "endpoint.disabled")
    teller.internet.answers[url_of("broken")] = 500
    await teller.happen("order.paid")
    await teller.deliver()
    while await states(teller, broken.id) != ["dead"]:
        await wait(teller, 3600)
        assert teller.world.clock.now() - begun < timedelta(days=4)
    assert teller.world.clock.now() - begun >= FAILING_FOR
    assert len(teller.internet.to(url_of("broken"))) == len(RETRY_S) + 1
    found = await teller.desk.endpoint(broken.id)
    assert (found.is_enabled, found.disabled) == (False, "failing")
    await teller.relay.run_once()
    await teller.deliver()
    (told,) = teller.internet.to(url_of("watch"))
    assert told.json["data"] == {"endpoint_id": broken.id, "reason": "failing"}
    assert await teller.world.deliveries.backlog() == (0, 1)
    assert ("endpoint.disabled", {"endpoint": broken.id, "reason": "failing"}) in teller.log.lines


async def test_pauses_grow_as_documented_and_are_only_lengthened() -> None:
    assert [pause_s(n, 0.0) for n in range(1, 10)] == list(RETRY_S)
    assert [pause_s(n, 0.999) for n in range(1, 10)] == pytest.approx([1.0999 * s for s in RETRY_S])
    assert timedelta(seconds=sum(RETRY_S)) > FAILING_FOR
    assert LEASE_S >= 2 * TIMEOUT_S, "an attempt and its record end within the lease"


async def test_a_receiver_that_is_gone_is_told_nothing_more(teller: Teller) -> None:
    gone = (await teller.listen("gone")).endpoint
    teller.internet.answers[url_of("gone")] = 410
    await teller.happen("order.placed")
    await teller.deliver()
    assert (await teller.desk.endpoint(gone.id)).disabled == "gone"
    await teller.happen("order.paid")
    await wait(teller, DAY_S)
    assert len(teller.internet.to(url_of("gone"))) == 1
    assert await states(teller, gone.id) == ["dead"]


async def test_what_waits_for_a_disabled_endpoint_is_delivered_when_it_is_enabled(teller: Teller) -> None:
    books = (await teller.listen("books")).endpoint
    await teller.happen("order.placed")
    await teller.desk.change(books.id, EndpointChange(is_enabled=False), expected_version=None, origin=OPERATOR)
    await teller.happen("order.paid")
    await wait(teller, DAY_S)
    assert teller.internet.letters == []
    await teller.desk.change(books.id, EndpointChange(is_enabled=True), expected_version=None, origin=OPERATOR)
    await teller.deliver()
    assert [letter.json["type"] for letter in teller.internet.letters] == ["order.placed"]


async def test_a_moved_endpoint_gets_what_waits_at_its_new_address(teller: Teller) -> None:
    books = (await teller.listen("old")).endpoint
    teller.internet.answers[url_of("old")] = 500
    await teller.happen("order.paid")
    await teller.deliver()
    await teller.desk.change(books.id, EndpointChange(url=url_of("new")), expected_version=None, origin=OPERATOR)
    await wait(teller, 600)
    assert [letter.url for letter in teller.internet.letters] == [url_of("old"), url_of("new")]


async def test_a_slow_receiver_holds_up_nobody(teller: Teller) -> None:
    hang = asyncio.Event()
    teller.internet.answers[url_of("slow")] = hang
    await teller.listen("slow")
    await teller.listen("fast")
    for _ in range(10):
        await teller.happen("order.paid")
    for _ in range(6):
        await teller.sweep.run_once()
    assert len(teller.internet.to(url_of("fast"))) == 10
    assert len(teller.internet.to(url_of("slow"))) == 4, "no more than four at once"
    hang.set()
    await teller.deliver()
    assert len(teller.internet.to(url_of("slow"))) == 10


async def test_many_dead_endpoints_leave_room_for_those_that_live(teller: Teller) -> None:
    """Once they are known to fail, they have half of the places at most, one each."""
    hang = asyncio.Event()
    for number in range(15):
        await teller.listen(f"dead-{number}")
        teller.internet.answers[url_of(f"dead-{number}")] = 500
    await teller.happen("order.placed")
    await teller.deliver()
    teller.internet.answers = dict.fromkeys(teller.internet.answers, hang)
    await teller.listen("alive")
    teller.internet.letters.clear()
    teller.world.clock.advance(10)
    for _ in range(5):
        await teller.happen("order.paid")
    for _ in range(6):
        await teller.sweep.run_once()
    assert len(teller.internet.to(url_of("alive"))) == 5
    assert teller.internet.under_way == 8
    hang.set()
    await teller.sweep.drain()


async def test_no_more_are_under_way_than_there_are_places(world: World, tmp_path: Path) -> None:
    teller = make_teller(world, tmp_path, at_once=3, per_endpoint=2)
    for name in ("a", "b", "c"):
        await teller.listen(name)
    for _ in range(4):
        await teller.happen("order.paid")
    await teller.deliver()
    assert len(teller.internet.letters) == 12
    assert teller.internet.most_under_way <= 3


async def test_a_shop_that_dies_after_the_answer_sends_again_under_the_same_id(world: World, tmp_path: Path) -> None:
    teller = make_teller(world, tmp_path)
    books = (await teller.listen("books")).endpoint
    teller.sweep._failpoints = SystemFailpoints("delivery.after_send=raise@1")
    await teller.happen("order.paid")
    await teller.deliver()
    assert await states(teller, books.id) == ["waiting"]
    world.clock.advance(LEASE_S + 1)
    await teller.deliver()
    first, second = teller.internet.letters
    assert (first.id, first.body) == (second.id, second.body)
    assert await states(teller, books.id) == ["delivered"]


async def test_a_delivery_that_kills_every_sender_is_given_up_unsent(world: World, tmp_path: Path) -> None:
    teller = make_teller(world, tmp_path)
    books = (await teller.listen("books")).endpoint
    teller.sweep._failpoints = SystemFailpoints("delivery.after_send=raise")
    await teller.happen("order.paid")
    for _ in range(len(RETRY_S) + 3):
        await teller.deliver()
        world.clock.advance(LEASE_S + 1)
    sent = len(teller.internet.letters)
    teller.sweep._failpoints = SystemFailpoints("")
    await teller.deliver()
    assert len(teller.internet.letters) == sent
    (one,) = (await teller.desk.deliveries(books.id, None, Page())).items
    assert (one.state, one.reason) == (DeliveryState.DEAD, "never came back")


async def test_a_test_is_tried_once_even_while_disabled_and_fails_nobody(teller: Teller) -> None:
    books = (await teller.listen("books")).endpoint
    await teller.desk.change(books.id, EndpointChange(is_enabled=False), expected_version=None, origin=OPERATOR)
    teller.internet.answers[url_of("books")] = 503
    tested = await teller.desk.test(books.id, OPERATOR)
    await wait(teller, DAY_S)
    (letter,) = teller.internet.letters
    assert letter.json["type"] == "webhook.test"
    log = await teller.desk.log(tested.id)
    assert (log.delivery.state, log.delivery.status, log.attempts[0].reason) == (DeliveryState.DEAD, 503, "HTTP 503")
    assert (await teller.desk.endpoint(books.id)).failing_since is None


async def test_dead_letters_are_told_again(teller: Teller) -> None:
    books = (await teller.listen("books")).endpoint
    teller.internet.answers[url_of("books")] = 410
    await teller.happen("order.paid")
    await teller.deliver()
    teller.internet.answers[url_of("books")] = 204
    await teller.desk.change(books.id, EndpointChange(is_enabled=True), expected_version=None, origin=OPERATOR)
    later = await teller.desk.redeliver_dead(books.id, teller.world.clock.now() + timedelta(seconds=1), OPERATOR)
    assert later.redelivered == 0
    again = await teller.desk.redeliver_dead(books.id, teller.world.clock.now(), OPERATOR)
    assert (again.redelivered, again.more) == (1, False)
    await teller.deliver()
    first, second = teller.internet.letters
    assert first.id == second.id
    assert await states(teller, books.id) == ["delivered"]


async def test_what_was_told_long_ago_is_dropped(teller: Teller) -> None:
    books = (await teller.listen("books")).endpoint
    await teller.happen("order.paid")
    await teller.deliver()
    (one,) = (await teller.desk.deliveries(books.id, None, Page())).items
    purge = DeliveryPurge(deliveries=teller.world.deliveries, clock=teller.world.clock)
    teller.world.clock.advance(29 * DAY_S)
    assert await purge.run_once() == 0
    teller.world.clock.advance(DAY_S + 1)
    assert await purge.run_once() == 1
    with pytest.raises(UnknownDelivery):
        await teller.desk.log(one.id)
