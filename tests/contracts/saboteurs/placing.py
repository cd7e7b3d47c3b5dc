"""Saboteurs of placing orders: the act that must be whole."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.checkout import SqliteOrders
from kassa.ports.checkout import CheckoutBasis, PlaceOrder
from kassa.ports.conformance.checkout import OrdersContract
from kassa.ports.conformance.samples import money
from kassa.ports.errors import AlreadyClaimed, Conflict, OutOfStock, PriceChanged
from tests.contracts.saboteurs.kit import Crowded, Turn, breaks, leaving, mislabelled, sql

TWINS = "test_eight_twins_of_one_claim_place_one_order"
TABS = "test_eight_tabs_on_one_cart_place_one_order"
INVARIANTS = "test_a_placed_order_leaves_all_invariants_whole"
BUYERS = "test_twenty_buyers_of_five_get_five"


class Racing(SqliteOrders):
    """Knows when several orders are placed at once."""

    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()


# --- the basis


@breaks(
    OrdersContract,
    "test_the_basis_is_the_open_cart_and_no_answer_yet",
)
class ReadsTheCartWithoutItsLines(SqliteOrders):
    async def basis(self, account_id: int, scope: Any) -> CheckoutBasis:
        found = await super().basis(account_id, scope)
        return replace(found, cart=replace(found.cart, lines=()))


@breaks(OrdersContract, "test_the_basis_tells_the_answer_of_a_request_done_before")
class ForgetsThePriorAnswer(SqliteOrders):
    async def basis(self, account_id: int, scope: Any) -> CheckoutBasis:
        return replace(await super().basis(account_id, scope), prior=None)


# --- placing


@breaks(OrdersContract, "test_an_order_is_kept_as_it_was_placed")
class ForgetsTheAddress(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        await super().place(replace(act, order=replace(act.order, address="")))


@breaks(OrdersContract, "test_placing_takes_the_stock_of_every_line", TWINS, TABS, INVARIANTS, BUYERS,
        "test_carts_with_the_same_goods_in_any_order_do_not_block_one_another")  # fmt: skip
class TakesNoStock(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        await super().place(act)
        for line in act.order.lines:
            await sql(
                self,
                "UPDATE products SET quantity = quantity + :n WHERE id = :id",
                n=line.quantity,
                id=line.product_id,
            )


@breaks(OrdersContract, "test_a_sale_does_not_raise_the_version_of_a_product")
class RaisesTheVersionBySelling(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        await super().place(act)
        await sql(self, "UPDATE products SET version = version + 1")


@breaks(OrdersContract, "test_placing_writes_what_is_to_be_paid")
class CountsAVersionTooMany(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        await super().place(act)
        await sql(self, "UPDATE payables SET version = 2")


@breaks(
    OrdersContract,
    "test_placing_keeps_the_answer_for_a_repetition",
    "test_the_basis_tells_the_answer_of_a_request_done_before",
    "test_a_claim_that_was_used_places_nothing",
    TWINS,
)
class KeepsAnotherAnswer(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        await super().place(replace(act, answer=replace(act.answer, body=act.answer.body + b" ")))


@breaks(OrdersContract, "test_placing_writes_its_events_and_its_audit_entry", INVARIANTS, BUYERS)
class ForgetsTheEvents(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        await super().place(replace(act, events=()))


@breaks(OrdersContract, "test_placing_writes_its_events_and_its_audit_entry", TABS)
class ForgetsTheAuditEntry(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        await super().place(replace(act, audit=mislabelled(act.audit)))


@breaks(OrdersContract, "test_an_order_of_nothing_is_paid_from_the_start")
class WaitsForNothing(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        await super().place(act)
        if act.order.total == money(0):
            await sql(self, "UPDATE payables SET state = 'open'")


@breaks(OrdersContract, INVARIANTS)
class LosesTheNumberOfEvents(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        await super().place(act)
        if len(act.order.lines) == 2:
            await sql(self, "UPDATE orders SET events = 2")


# --- refusing


@breaks(OrdersContract, "test_a_claim_that_was_used_places_nothing", TWINS)
class IgnoresTheClaim(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        try:
            await super().place(act)
        except AlreadyClaimed:
            claim = replace(
                act.claim, scope=replace(act.claim.scope, key=f"{act.claim.scope.key}+{act.order.invoice_id}")
            )
            await super().place(replace(act, claim=claim))


@breaks(OrdersContract, "test_a_claim_that_was_used_places_nothing")
class AuditsAUsedClaim(SqliteOrders):
    async def place(self, act: PlaceOrder) -> Any:
        return await leaving(self, super().place(act), AlreadyClaimed)


@breaks(OrdersContract, "test_a_cart_at_another_version_places_nothing")
class OrdersAnyVersionOfACart(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        now = (await sql(self, "SELECT version FROM carts WHERE id = :id AND is_open", id=act.cart_id)).scalar()
        await super().place(replace(act, cart_version=now or act.cart_version))


@breaks(
    OrdersContract,
    "test_a_cart_at_another_version_places_nothing",
    "test_a_closed_cart_places_nothing",
)
class BurnsTheKeyOfARefusedOrder(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        try:
            await super().place(act)
        except Conflict:
            await sql(
                self,
                "INSERT INTO idempotency (principal, route, key, fingerprint, at)"
                " VALUES (:principal, :route, :key, x'00', 0)",
                principal=act.claim.scope.principal,
                route=act.claim.scope.route,
                key=act.claim.scope.key,
            )
            raise


@breaks(OrdersContract, "test_a_closed_cart_places_nothing")
class AuditsAClosedCart(SqliteOrders):
    async def place(self, act: PlaceOrder) -> Any:
        closed = (await sql(self, "SELECT count(*) FROM carts WHERE NOT is_open")).scalar()
        return await (leaving(self, super().place(act), Conflict) if closed else super().place(act))


@breaks(
    OrdersContract,
    "test_a_line_that_sold_out_places_nothing_and_tells_what_is_there",
    "test_a_refused_order_can_be_placed_with_the_same_key_once_it_fits",
    BUYERS,
)
class Oversells(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        try:
            await super().place(act)
        except OutOfStock:
            await sql(self, "UPDATE products SET quantity = quantity + 100")
            await super().place(act)


@breaks(OrdersContract, "test_a_line_that_sold_out_places_nothing_and_tells_what_is_there")
class TakesTheOtherLines(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        try:
            await super().place(act)
        except OutOfStock as error:
            short = {problem.product_id for problem in error.lines}
            for line in act.order.lines:
                if line.product_id not in short:
                    await sql(self, "UPDATE products SET quantity = quantity - 1 WHERE id = :id", id=line.product_id)
            raise


@breaks(OrdersContract, "test_a_price_that_moved_places_nothing_and_tells_the_price")
class SellsAtTheOldPrice(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        for line in act.order.lines:
            await sql(
                self,
                "UPDATE products SET price = :price WHERE id = :id",
                price=line.price.amount,
                id=line.product_id,
            )
        await super().place(act)


@breaks(OrdersContract, "test_a_price_that_moved_places_nothing_and_tells_the_price")
class DoesNotTellThePrice(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        try:
            await super().place(act)
        except PriceChanged as error:
            raise PriceChanged(tuple(replace(problem, price=None) for problem in error.lines)) from error


@breaks(OrdersContract, "test_a_withdrawn_product_places_nothing_and_is_told")
class SellsTheWithdrawn(SqliteOrders):
    async def place(self, act: PlaceOrder) -> None:
        await sql(self, "UPDATE products SET is_active = 1")
        await super().place(act)


@breaks(OrdersContract, "test_a_refused_order_can_be_placed_with_the_same_key_once_it_fits")
class AnswersARefusalForEver(SqliteOrders):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.refused: set[str] = set()

    async def place(self, act: PlaceOrder) -> None:
        if act.claim.scope.key in self.refused:
            raise AlreadyClaimed
        try:
            await super().place(act)
        except OutOfStock:
            self.refused.add(act.claim.scope.key)
            raise


# --- racing


@breaks(OrdersContract, TWINS)
class AnswersATwinBeforeItEnded(SqliteOrders):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.running: set[str] = set()

    async def place(self, act: PlaceOrder) -> None:
        if act.claim.scope.key in self.running:
            raise AlreadyClaimed
        self.running.add(act.claim.scope.key)
        for _ in range(5):
            await Turn()
        try:
            await super().place(act)
        finally:
            self.running.discard(act.claim.scope.key)


@breaks(OrdersContract, TABS)
class PlacesTwiceInACrowd(Racing):
    async def place(self, act: PlaceOrder) -> None:
        async with self.crowded.entered() as crowd:
            try:
                await super().place(act)
            except Conflict:
                if not crowd:
                    raise


@breaks(OrdersContract, BUYERS)
class OversellsInACrowd(Racing):
    async def place(self, act: PlaceOrder) -> None:
        async with self.crowded.entered() as crowd:
            try:
                await super().place(act)
            except OutOfStock:
                if not crowd:
                    raise
                await sql(self, "UPDATE products SET quantity = quantity + 1")
                await super().place(act)


@breaks(OrdersContract, "test_carts_with_the_same_goods_in_any_order_do_not_block_one_another")
class LocksInTheOrderOfTheCart(Racing):
    async def place(self, act: PlaceOrder) -> None:
        async with self.crowded.entered() as crowd:
            ids = [line.product_id for line in act.order.lines]
            if crowd and ids != sorted(ids):
                raise Conflict("deadlock detected")
            await super().place(act)
