"""From a cart to an order."""

import asyncio

import msgspec
import pytest

from kassa.adapters.system import SystemFailpoints
from kassa.ports.catalog import ProductChange
from kassa.ports.checkout import CheckoutRequest, OrderStatus
from kassa.ports.errors import (
    CartChanged,
    CartEmpty,
    CurrencyMismatch,
    InvalidValue,
    KeyReused,
    OutOfStock,
    PriceChanged,
    UnknownOrder,
)
from kassa.ports.ids import AccountId
from kassa.ports.money import Money
from kassa.ports.payment_records import PayableState
from kassa.ports.values import Page
from tests.kernel.world import OPERATOR, World, buyer, make_world, pence, placed


async def _filled(world: World, quantity: int = 2) -> tuple[AccountId, int]:
    alice, tea = await world.newcomer(), await world.product("TEA", price=255, quantity=5)
    await world.shopping.put_line(alice, tea.id, quantity, expected_version=None)
    return alice, tea.id


async def _place(world: World, account: AccountId, request: CheckoutRequest, key: str | None = None) -> None:
    await world.checkout.place(account, request, world.claim(account, request, key=key), buyer(account))


async def test_an_order_freezes_prices_takes_stock_and_tells_what_is_due() -> None:
    world = make_world(shipping=490, tax_rate_bp=2000)
    alice, tea = await _filled(world)
    answer = await world.check_out(alice, total=1000)
    await world.catalog.change(tea, ProductChange(price=pence(999)), expected_version=None, origin=OPERATOR)
    order = await world.checkout.order(alice, answer.order.invoice_id)
    assert order == answer.order
    assert (order.status, order.total, answer.due) == (OrderStatus.AWAITING_PAYMENT, pence(1000), pence(1000))
    assert [(line.sku, line.price, line.total) for line in order.lines] == [("TEA", pence(255), pence(510))]
    assert [(extra.kind, extra.amount) for extra in order.adjustments] == [
        ("shipping", pence(490)),
        ("tax", pence(167)),
    ]
    assert (order.email, order.address) == ("alice@example.com", "1 High Street")
    assert answer.methods == ("bank_transfer",)
    assert (await world.catalog.product(tea)).quantity == 3
    payable = (await world.payments.file(order.invoice_id)).payable
    assert (payable.amount, payable.state, payable.version, payable.customer_id) == (
        pence(1000), PayableState.OPEN, 1, alice,
    )  # fmt: skip
    assert (await world.shopping.cart(alice)).lines == ()
    await world.assert_sound()
    await world.close()


async def test_an_order_is_in_the_outbox_and_in_the_audit_trail(world: World) -> None:
    alice, _ = await _filled(world)
    order = (await world.check_out(alice, total=510)).order
    subject = f"order:{order.invoice_id}"
    events = [item.event for item in await world.outbox.claim(now=world.clock.now(), limit=100, lease_s=60)]
    assert [event.kind for event in events if event.subject == subject] == ["order.placed"]
    (record,) = await world.audit.entries(subject=subject, actor=None, after=0, limit=10)
    assert (record.entry.action, record.entry.origin) == ("order.placed", buyer(alice))


async def test_a_repeated_checkout_is_answered_byte_for_byte_the_same_and_changes_nothing(world: World) -> None:
    alice, tea = await _filled(world)
    first = await world.check_out_raw(alice, total=510, key="once")
    world.clock.advance(hours=1)
    await world.shopping.put_line(alice, tea, 1, expected_version=None)
    again = await world.check_out_raw(alice, total=510, key="once")
    assert (again.body, again.replayed, first.replayed) == (first.body, True, False)
    assert len((await world.checkout.orders(alice, Page())).items) == 1
    assert (await world.shopping.cart(alice)).version == 1


async def test_another_request_under_the_same_key_is_refused(world: World) -> None:
    alice, tea = await _filled(world)
    await world.check_out(alice, total=510, key="once")
    await world.shopping.put_line(alice, tea, 1, expected_version=None)
    with pytest.raises(KeyReused):
        await world.check_out(alice, total=255, key="once")
    bob = await world.newcomer("bob@example.com")
    await world.shopping.put_line(bob, tea, 1, expected_version=None)
    await world.check_out(bob, total=255, key="once")  # his key, not hers


async def test_an_empty_cart_is_nothing_to_check_out(world: World) -> None:
    alice = await world.newcomer()
    with pytest.raises(CartEmpty):
        await world.check_out(alice, total=0)


async def test_every_line_that_cannot_be_had_is_named_and_nothing_is_changed(world: World) -> None:
    alice = await world.newcomer()
    gone, short, fine = [await world.product(sku, quantity=5) for sku in ("GONE", "SHORT", "FINE")]
    for product in (gone, short, fine):
        await world.shopping.put_line(alice, product.id, 4, expected_version=None)
    await world.catalog.change(gone.id, ProductChange(is_active=False), expected_version=None, origin=OPERATOR)
    await world.catalog.correct_stock(short.id, -3, "broken", OPERATOR)
    with pytest.raises(OutOfStock) as refused:
        await world.check_out(alice, total=3060)
    assert [(line.product_id, line.reason, line.requested, line.available) for line in refused.value.lines] == [
        (gone.id, "withdrawn", 4, 0),
        (short.id, "out_of_stock", 4, 2),
    ]
    assert (await world.catalog.product(fine.id)).quantity == 5
    assert (await world.checkout.orders(alice, Page())).items == ()


async def test_a_total_that_is_not_what_the_customer_saw_is_never_charged(world: World) -> None:
    alice, tea = await _filled(world)
    for seen in (509, 511):
        with pytest.raises(CartChanged) as changed:
            await world.check_out(alice, total=seen)
        assert changed.value.cart.version == 1
    await world.catalog.change(tea, ProductChange(price=pence(300)), expected_version=None, origin=OPERATOR)
    with pytest.raises(PriceChanged) as moved:
        await world.check_out(alice, total=510)
    assert [(line.product_id, line.price) for line in moved.value.lines] == [(tea, pence(300))]
    with pytest.raises(CurrencyMismatch):
        await _place(world, alice, CheckoutRequest(expected_total=Money(amount=600, currency="EUR")))
    assert (await world.check_out(alice, total=600)).due == pence(600)


async def test_the_address_of_the_order_wins_over_the_address_of_the_account(world: World) -> None:
    alice, _ = await _filled(world)
    request = CheckoutRequest(expected_total=pence(510), address=" 2 Low Road ", email="office@example.com")
    answer = await world.checkout.place(alice, request, world.claim(alice, request), buyer(alice))
    order = placed(answer).order
    assert (order.address, order.email) == ("2 Low Road", "office@example.com")


@pytest.mark.parametrize("email", ["office", "@example.com", "a@b@c", "a b@example.com", "a@exam\nple.com"])
async def test_an_address_that_mail_cannot_go_to_is_refused(world: World, email: str) -> None:
    alice, _ = await _filled(world)
    with pytest.raises(InvalidValue):
        await _place(world, alice, CheckoutRequest(expected_total=pence(510), email=email))


async def test_without_an_address_nothing_is_sold(world: World) -> None:
    nomad, tea = await world.newcomer("nomad@example.com", address="  "), await world.product()
    await world.shopping.put_line(nomad, tea.id, 1, expected_version=None)
    with pytest.raises(InvalidValue) as refused:
        await world.check_out(nomad, total=255)
    assert refused.value.field == "address"


async def test_an_order_of_nothing_is_paid_from_the_start(world: World) -> None:
    alice, sample = await world.newcomer(), await world.product("SAMPLE", price=0)
    await world.shopping.put_line(alice, sample.id, 1, expected_version=None)
    answer = await world.check_out(alice, total=0)
    assert (answer.order.status, answer.methods, answer.due) == (OrderStatus.PAID, (), pence(0))
    assert (await world.payments.file(answer.order.invoice_id)).payable.state is PayableState.PAID


async def test_a_total_that_json_cannot_carry_exactly_is_refused(world: World) -> None:
    alice = await world.newcomer()
    for number in range(10):
        gold = await world.product(f"GOLD{number}", price=10**12, quantity=1_000_000)
        await world.shopping.put_line(alice, gold.id, 1_000_000, expected_version=None)
    with pytest.raises(InvalidValue):
        await world.check_out(alice, total=10**19)


async def test_an_order_of_somebody_else_is_unknown(world: World) -> None:
    alice, _ = await _filled(world)
    order = (await world.check_out(alice, total=510)).order
    bob = await world.newcomer("bob@example.com")
    for call in (world.checkout.order(bob, order.invoice_id), world.checkout.order(alice, "KS-0000-0000-0")):
        with pytest.raises(UnknownOrder):
            await call
    assert (await world.checkout.orders(bob, Page())).items == ()
    assert [found.invoice_id for found in (await world.checkout.search("alice", None, Page())).items] == [
        order.invoice_id
    ]


async def test_the_last_item_is_sold_once(world: World) -> None:
    tea = await world.product("TEA", quantity=1)
    buyers = [await world.newcomer(f"buyer{number}@example.com") for number in range(5)]
    for account in buyers:
        await world.shopping.put_line(account, tea.id, 1, expected_version=None)
    results = await asyncio.gather(*(world.check_out(account, total=255) for account in buyers), return_exceptions=True)
    refused = [result for result in results if isinstance(result, OutOfStock)]
    assert len(refused) == 4
    assert {line.available for error in refused for line in error.lines} == {0}
    assert (await world.products.product(tea.id)).quantity == 0


async def test_eight_tabs_on_one_cart_are_one_order(world: World) -> None:
    alice, tea = await _filled(world)
    results = await asyncio.gather(*(world.check_out(alice, total=510) for _ in range(8)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["CartEmpty"] * 7 + ["Placed"]
    assert (await world.catalog.product(tea)).quantity == 3


async def test_one_key_eight_times_at_once_is_one_order_and_one_answer(world: World) -> None:
    alice, _ = await _filled(world)
    answers = await asyncio.gather(*(world.check_out_raw(alice, total=510, key="once") for _ in range(8)))
    assert len({answer.body for answer in answers}) == 1
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 7
    assert len((await world.checkout.orders(alice, Page())).items) == 1


async def test_a_cart_that_moves_under_the_checkout_is_read_and_decided_again() -> None:
    moved: list[str] = []

    async def interfere() -> None:
        await world.shopping.put_line(alice, tea, 3, expected_version=None)

    class Moving(SystemFailpoints):
        async def reach(self, name: str) -> None:
            if name == "checkout.before_commit" and not moved:
                moved.append(name)
                await interfere()

    world = make_world(failpoints=Moving(""))
    alice, tea = await _filled(world)
    with pytest.raises(CartChanged):
        await world.check_out(alice, total=510)
    assert (await world.catalog.product(tea)).quantity == 5
    assert (await world.check_out(alice, total=765)).due == pence(765)
    await world.assert_sound()
    await world.close()


async def test_an_answer_lost_after_the_commit_is_given_to_whoever_asks_again() -> None:
    world = make_world(failpoints=SystemFailpoints("checkout.after_commit=raise@1"))
    alice, tea = await _filled(world)
    with pytest.raises(RuntimeError):
        await world.check_out(alice, total=510, key="once")
    assert (await world.check_out_raw(alice, total=510, key="once")).replayed
    assert (await world.catalog.product(tea)).quantity == 3
    await world.assert_sound()
    await world.close()


async def test_the_stored_answer_is_the_order_as_it_was(world: World) -> None:
    alice, _ = await _filled(world)
    answer = await world.check_out_raw(alice, total=510)
    assert set(msgspec.json.decode(answer.body)) == {"order", "due", "methods"}
