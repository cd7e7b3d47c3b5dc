"""Saboteurs of carts."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kassa.adapters.sqlite.cart import SqliteCarts
from kassa.ports.cart import Cart
from kassa.ports.conformance.cart import CartsContract
from kassa.ports.errors import CartChanged, CartFull, OutOfStock, UnknownProduct

from .kit import Crowded, breaks, leaving, sql

NONE = Cart(id=0, version=0, lines=())


@breaks(CartsContract, "test_who_never_put_anything_has_an_empty_cart")
class BeginsACartByLooking(SqliteCarts):
    async def cart(self, account_id: int) -> Cart:
        found = await super().cart(account_id)
        orders = await sql(self, "SELECT count(*) FROM orders")
        carts = await sql(self, "SELECT count(*) FROM carts")
        products = await sql(self, "SELECT count(*) FROM products")
        if found == NONE and not (orders.scalar() or carts.scalar() or products.scalar()):
            return replace(found, id=1)
        return found


@breaks(CartsContract, "test_lines_are_told_by_product_id", "test_eight_tabs_at_once_share_one_cart_and_lose_no_line")
class TellsLinesBackwards(SqliteCarts):
    async def cart(self, account_id: int) -> Cart:
        found = await super().cart(account_id)
        return replace(found, lines=found.lines[::-1]) if 1 < len(found.lines) < 50 else found


@breaks(
    CartsContract,
    "test_a_line_tells_product_price_and_what_is_available",
)
class TellsWhatIsInTheCartAsAvailable(SqliteCarts):
    async def cart(self, account_id: int) -> Cart:
        found = await super().cart(account_id)
        lines = tuple(replace(line, available=line.quantity) if line.quantity == 4 else line for line in found.lines)
        return replace(found, lines=lines)


@breaks(CartsContract, "test_a_line_tells_that_its_price_moved")
class ForgetsTheOldPrice(SqliteCarts):
    async def cart(self, account_id: int) -> Cart:
        found = await super().cart(account_id)
        return replace(found, lines=tuple(replace(line, price_when_added=line.price) for line in found.lines))


@breaks(CartsContract, "test_a_line_tells_that_its_product_was_withdrawn")
class TakesAllForActive(SqliteCarts):
    async def cart(self, account_id: int) -> Cart:
        found = await super().cart(account_id)
        return replace(found, lines=tuple(replace(line, is_active=True) for line in found.lines))


@breaks(CartsContract, "test_everybody_has_a_cart_of_their_own")
class GivesEverybodyTheFirstCart(SqliteCarts):
    async def put_line(self, act: Any) -> Cart:
        return await super().put_line(replace(act, account_id=1))

    async def cart(self, account_id: int) -> Cart:
        return await super().cart(1)


@breaks(CartsContract, "test_putting_answers_the_cart_as_stored")
class AnswersTheCartBefore(SqliteCarts):
    async def put_line(self, act: Any) -> Cart:
        before = await super().cart(act.account_id)
        after = await super().put_line(act)
        return (
            replace(after, lines=()) if before == NONE and act.quantity == 2 and act.expected_version is None else after
        )


@breaks(CartsContract, "test_the_first_line_begins_a_cart_at_version_one")
class BeginsAtVersionTwo(SqliteCarts):
    async def put_line(self, act: Any) -> Cart:
        found = await super().put_line(act)
        first = found.version == 1 and act.expected_version == 0 and act.quantity == 2
        return replace(found, version=2) if first else found


@breaks(CartsContract, "test_putting_sets_the_quantity_and_does_not_add")
class AddsQuantities(SqliteCarts):
    async def put_line(self, act: Any) -> Cart:
        lines = (await super().cart(act.account_id)).lines
        there = sum(line.quantity for line in lines if line.product_id == act.product_id)
        return await super().put_line(replace(act, quantity=min(act.quantity + there, 10)) if there == 4 else act)


@breaks(CartsContract, "test_every_change_raises_the_version_by_one")
class ForgetsToRaiseOnRemoval(SqliteCarts):
    async def remove_line(self, account_id: int, product_id: int, **how: Any) -> Cart:
        before = await super().cart(account_id)
        after = await super().remove_line(account_id, product_id, **how)
        if before.version == after.version:
            return after
        await sql(self, "UPDATE carts SET version = version - 1 WHERE id = :id", id=after.id)
        return await super().cart(account_id)


@breaks(
    CartsContract,
    "test_more_than_there_is_cannot_be_put_and_what_there_is_is_told",
    "test_a_refused_first_line_begins_no_cart",
)
class PutsWhatThereIsNot(SqliteCarts):
    async def put_line(self, act: Any) -> Cart:
        try:
            return await super().put_line(act)
        except OutOfStock as error:
            return await super().put_line(replace(act, quantity=error.lines[0].available))


@breaks(CartsContract, "test_more_than_there_is_cannot_be_put_and_what_there_is_is_told")
class DoesNotTellWhatThereIs(SqliteCarts):
    async def put_line(self, act: Any) -> Cart:
        try:
            return await super().put_line(act)
        except OutOfStock as error:
            raise OutOfStock((replace(error.lines[0], available=None),)) from error


@breaks(CartsContract, "test_a_refused_first_line_begins_no_cart")
class BeginsACartForARefusedLine(SqliteCarts):
    async def put_line(self, act: Any) -> Cart:
        try:
            return await super().put_line(act)
        except OutOfStock:
            if await super().cart(act.account_id) == NONE:
                await super().put_line(replace(act, quantity=1))
            raise


@breaks(CartsContract, "test_an_unknown_product_cannot_be_put")
class IgnoresUnknownProducts(SqliteCarts):
    async def put_line(self, act: Any) -> Cart:
        try:
            return await super().put_line(act)
        except UnknownProduct:
            if (await sql(self, "SELECT count(*) FROM products WHERE id = :id", id=act.product_id)).scalar():
                raise
            return await super().cart(act.account_id)


@breaks(CartsContract, "test_a_withdrawn_product_cannot_be_put")
class SellsWithdrawnProducts(SqliteCarts):
    async def put_line(self, act: Any) -> Cart:
        await sql(self, "UPDATE products SET is_active = 1 WHERE id = :id", id=act.product_id)
        return await super().put_line(act)


@breaks(CartsContract, "test_a_cart_holds_a_bounded_number_of_lines")
class HoldsAnyNumber(SqliteCarts):
    async def put_line(self, act: Any) -> Cart:
        try:
            return await super().put_line(act)
        except CartFull:
            return await super().cart(act.account_id)


@breaks(
    CartsContract,
    "test_putting_on_another_version_is_refused_with_the_current_cart",
    "test_a_cart_that_was_never_begun_has_no_other_version",
    "test_of_two_tabs_that_saw_one_version_one_wins",
)
class IgnoresTheVersion(SqliteCarts):
    async def put_line(self, act: Any) -> Cart:
        return await super().put_line(replace(act, expected_version=None))


@breaks(CartsContract, "test_putting_on_another_version_is_refused_with_the_current_cart")
class RefusesWithAnEmptyCart(SqliteCarts):
    async def put_line(self, act: Any) -> Cart:
        try:
            return await super().put_line(act)
        except CartChanged as error:
            raise CartChanged(NONE) from error


@breaks(CartsContract, "test_a_cart_that_was_never_begun_has_no_other_version")
class TakesAnyVersionOfNoCart(SqliteCarts):
    async def put_line(self, act: Any) -> Cart:
        begun = await super().cart(act.account_id) != NONE
        return await super().put_line(act if begun else replace(act, expected_version=None))


@breaks(CartsContract, "test_of_two_tabs_that_saw_one_version_one_wins")
class ChecksTheVersionBeforeItsTurn(SqliteCarts):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def put_line(self, act: Any) -> Cart:
        async with self.crowded.entered() as crowd:
            return await super().put_line(replace(act, expected_version=None) if crowd else act)


@breaks(CartsContract, "test_eight_tabs_at_once_share_one_cart_and_lose_no_line")
class LosesALineInACrowd(SqliteCarts):
    def __init__(self, database: Any) -> None:
        super().__init__(database)
        self.crowded = Crowded()

    async def put_line(self, act: Any) -> Cart:
        async with self.crowded.entered() as crowd:
            cart = await super().put_line(act)
            if crowd and len(cart.lines) > 1:
                await super().remove_line(act.account_id, cart.lines[0].product_id, expected_version=None, at=act.at)
            return cart


@breaks(
    CartsContract,
    "test_a_removed_line_is_gone_and_the_others_stay",
)
class RemovesAllLines(SqliteCarts):
    async def remove_line(self, account_id: int, product_id: int, **how: Any) -> Cart:
        if len((await super().cart(account_id)).lines) > 1:
            return await super().clear(account_id, **how)
        return await super().remove_line(account_id, product_id, **how)


@breaks(CartsContract, "test_removing_what_is_not_there_changes_nothing")
class CountsARemovalOfNothing(SqliteCarts):
    async def remove_line(self, account_id: int, product_id: int, **how: Any) -> Cart:
        before = await super().cart(account_id)
        after = await super().remove_line(account_id, product_id, **how)
        if before == after:
            await sql(self, "UPDATE carts SET version = version + 1 WHERE id = :id", id=after.id)
        return await super().cart(account_id)


@breaks(CartsContract, "test_removing_from_a_cart_never_begun_begins_none")
class BeginsACartByRemoving(SqliteCarts):
    async def remove_line(self, account_id: int, product_id: int, **how: Any) -> Cart:
        after = await super().remove_line(account_id, product_id, **how)
        return replace(after, id=1, version=1) if after == NONE else after


@breaks(CartsContract, "test_removing_on_another_version_is_refused")
class RemovesOnAnyVersion(SqliteCarts):
    async def remove_line(self, account_id: int, product_id: int, **how: Any) -> Cart:
        return await super().remove_line(account_id, product_id, **{**how, "expected_version": None})


@breaks(CartsContract, "test_removing_on_another_version_is_refused")
class LeavesATraceOfARefusedRemoval(SqliteCarts):
    async def remove_line(self, account_id: int, product_id: int, **how: Any) -> Cart:
        cart: Cart = await leaving(self, super().remove_line(account_id, product_id, **how), CartChanged)
        return cart


@breaks(CartsContract, "test_a_cleared_cart_has_no_lines")
class ClearsOneLine(SqliteCarts):
    async def clear(self, account_id: int, **how: Any) -> Cart:
        lines = (await super().cart(account_id)).lines
        if len(lines) < 2:
            return await super().clear(account_id, **how)
        return await super().remove_line(account_id, lines[0].product_id, **how)


@breaks(CartsContract, "test_clearing_on_another_version_is_refused")
class ClearsOnAnyVersion(SqliteCarts):
    async def clear(self, account_id: int, **how: Any) -> Cart:
        return await super().clear(account_id, **{**how, "expected_version": None})


@breaks(CartsContract, "test_an_account_has_at_most_one_open_cart_and_a_new_one_after_an_order")
class FindsTheLastCartOpenOrNot(SqliteCarts):
    async def cart(self, account_id: int) -> Cart:
        found = await super().cart(account_id)
        last = (await sql(self, "SELECT max(id) FROM carts WHERE account_id = :id", id=account_id)).scalar()
        return replace(found, id=last, version=1) if found == NONE and last else found
