"""Saboteurs of ending and of finding orders."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.checkout import SqliteOrders
from kassa.ports.checkout import EndOrder, Order, OrderPage
from kassa.ports.conformance.ending import OrderEndContract
from kassa.ports.conformance.orders import OrderSearchContract
from kassa.ports.errors import Conflict, OrderNotCancelable, UnknownOrder
from kassa.ports.values import Page
from tests.contracts.saboteurs.kit import Crowded, breaks, leaving, mislabelled, sql

ALL_OF_THEM = Page(limit=100)

# --- ending


@breaks(OrderEndContract, "test_an_ended_order_gives_its_stock_back_and_closes_its_payable",
        "test_an_order_canceled_and_expired_at_once_gives_its_stock_back_once")  # fmt: skip
class KeepsTheStock(SqliteOrders):
    async def end(self, act: EndOrder) -> None:
        await super().end(act)
        await sql(self, "UPDATE products SET quantity = 8")


@breaks(OrderEndContract, "test_an_ended_order_gives_its_stock_back_and_closes_its_payable")
class LeavesThePayableOpen(SqliteOrders):
    async def end(self, act: EndOrder) -> None:
        await super().end(act)
        await sql(self, "UPDATE payables SET state = 'open'")


@breaks(OrderEndContract, "test_ending_writes_its_events_and_its_audit_entry")
class ExpiresInSilence(SqliteOrders):
    async def end(self, act: EndOrder) -> None:
        audit = act.audit if act.status.value == "canceled" else mislabelled(act.audit)
        await super().end(replace(act, audit=audit))


@breaks(OrderEndContract, "test_ending_writes_its_events_and_its_audit_entry")
class TellsNobodyOfAnExpiry(SqliteOrders):
    async def end(self, act: EndOrder) -> None:
        await super().end(replace(act, events=act.events if act.status.value == "canceled" else ()))


@breaks(OrderEndContract, "test_an_order_that_ended_does_not_end_again")
class EndsTwiceQuietly(SqliteOrders):
    async def end(self, act: EndOrder) -> None:
        if act.payable_version == 2 and (await super().order(act.invoice_id)).status.value == "canceled":
            with suppress(OrderNotCancelable):
                await super().end(act)
        else:
            await super().end(act)


@breaks(OrderEndContract, "test_an_order_that_ended_does_not_end_again")
class AuditsASecondEnd(SqliteOrders):
    async def end(self, act: EndOrder) -> Any:
        return await leaving(self, super().end(act), OrderNotCancelable)


@breaks(OrderEndContract, "test_an_order_is_not_ended_on_another_version_of_its_payable")
class EndsOnAnyVersion(SqliteOrders):
    async def end(self, act: EndOrder) -> None:
        await super().end(replace(act, payable_version=1))


@breaks(OrderEndContract, "test_an_order_is_not_ended_on_another_version_of_its_payable")
class GivesBackForARefusedEnd(SqliteOrders):
    async def end(self, act: EndOrder) -> None:
        try:
            await super().end(act)
        except Conflict:
            await sql(self, "UPDATE products SET quantity = quantity + 2")
            raise


@breaks(OrderEndContract, "test_an_order_canceled_and_expired_at_once_gives_its_stock_back_once")
class GivesBackTwiceInACrowd(SqliteOrders):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def end(self, act: EndOrder) -> None:
        async with self.crowded.entered() as crowd:
            await super().end(act)
            if crowd:
                await sql(self, "UPDATE products SET quantity = quantity + 2")


# --- finding


@breaks(OrderSearchContract, "test_an_order_nobody_placed_is_unknown")
class FindsTheLastOrder(SqliteOrders):
    async def order(self, invoice_id: str) -> Order:
        try:
            return await super().order(invoice_id)
        except UnknownOrder:
            return (await super().search("", None, ALL_OF_THEM)).items[0]


@breaks(OrderSearchContract, "test_an_order_is_found_by_its_owner", "test_orders_of_a_customer_are_whole")
class LosesAdjustments(SqliteOrders):
    async def order(self, invoice_id: str) -> Order:
        return replace(await super().order(invoice_id), adjustments=())


@breaks(OrderSearchContract, "test_the_order_of_somebody_else_is_unknown")
class ShowsOrdersToEverybody(SqliteOrders):
    async def order_of(self, account_id: int, invoice_id: str) -> Order:
        return await super().order(invoice_id)


@breaks(OrderSearchContract, "test_orders_of_a_customer_are_their_own_newest_first")
class ListsTheNewestOfAnybody(SqliteOrders):
    async def orders_of(self, account_id: int, page: Any) -> OrderPage:
        found = await super().orders_of(account_id, page)
        anybody = (await super().search("", None, ALL_OF_THEM)).items
        return replace(found, items=(anybody[0], *found.items)) if len(anybody) == 6 and page.limit > 2 else found


@breaks(OrderSearchContract, "test_orders_of_a_customer_are_whole")
class ListsWithoutLines(SqliteOrders):
    async def orders_of(self, account_id: int, page: Any) -> OrderPage:
        found = await super().orders_of(account_id, page)
        return replace(found, items=tuple(replace(order, lines=()) for order in found.items))


@breaks(OrderSearchContract, "test_pages_of_orders_follow_one_another_without_gap_or_repetition")
class RepeatsTheLastOfAPage(SqliteOrders):
    async def orders_of(self, account_id: int, page: Any) -> OrderPage:
        found = await super().orders_of(account_id, page)
        return replace(found, next=str(int(found.next) + 1)) if found.next else found


@breaks(OrderSearchContract, "test_search_for_nothing_finds_all_newest_first")
class SearchesWithoutNext(SqliteOrders):
    async def search(self, text: str, status: Any, page: Any) -> OrderPage:
        return replace(await super().search(text, status, page), next=None)


@breaks(OrderSearchContract, "test_search_finds_a_part_of_invoice_or_address")
class SearchesByPattern(SqliteOrders):
    async def search(self, text: str, status: Any, page: Any) -> OrderPage:
        return await super().search(text.strip("%"), status, page)


@breaks(OrderSearchContract, "test_search_finds_those_of_a_status")
class SearchesEveryStatus(SqliteOrders):
    async def search(self, text: str, status: Any, page: Any) -> OrderPage:
        return await super().search(text, None, page)
