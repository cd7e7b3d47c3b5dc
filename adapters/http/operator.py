"""What an operator does to products, orders, accounts."""

from typing import Annotated

from msgspec import Meta

from kassa.ports import errors
from kassa.ports.catalog import Product, ProductChange, ProductDraft, ProductPage
from kassa.ports.checkout import OrderPage, OrderStatus
from kassa.ports.identity import Account
from kassa.ports.values import Page, Value

from .catalog import ProductQuery
from .refusals import CardNumberRefused, Stale
from .route import Access, Answers, Call, NoQuery, Reply, Route, as_json, nothing


class StockRequest(Value, frozen=True, kw_only=True):
    """A correction of stock by `delta` (not 0), with its reason."""

    delta: Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000)]
    reason: Annotated[str, Meta(min_length=3, max_length=200)]


class OrderQuery(Value, frozen=True, kw_only=True):
    """Which orders."""

    q: Annotated[str, Meta(max_length=200, description="Part of invoice id or e-mail.")] = ""
    status: OrderStatus | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    cursor: Annotated[str, Meta(max_length=200)] | None = None


class AccountState(Value, frozen=True, kw_only=True):
    """Whether the account may log in. Deactivating ends all its sessions."""

    is_active: bool


def _told(product: Product, status: int = 200) -> Reply:
    return as_json(product, status, [(b"etag", b'"%d"' % product.version)])


async def products(call: Call[None, ProductQuery]) -> Reply:
    """Active or not."""
    return as_json(await call.shop.catalog.search_all(call.query.q, call.query.page))


async def create_product(call: Call[ProductDraft, NoQuery]) -> Reply:
    """A new product."""
    return _told(await call.shop.catalog.create(call.body, call.origin), 201)


async def change_product(call: Call[ProductChange, NoQuery]) -> Reply:
    """Change name, price or whether it is for sale."""
    product = await call.shop.catalog.change(
        call.number("product_id"), call.body, expected_version=call.expected_version, origin=call.origin
    )
    return _told(product)


async def correct_stock(call: Call[StockRequest, NoQuery]) -> Reply:
    """One move of stock."""
    if call.body.delta == 0:
        raise errors.InvalidValue("delta", "a correction by nothing")
    return _told(
        await call.shop.catalog.correct_stock(call.number("product_id"), call.body.delta, call.body.reason, call.origin)
    )


async def orders(call: Call[None, OrderQuery]) -> Reply:
    """All orders, newest first."""
    wanted = call.query
    page = Page(limit=wanted.limit, cursor=wanted.cursor)
    return as_json(await call.shop.checkout.search(wanted.q, wanted.status, page))


async def account(call: Call[None, NoQuery]) -> Reply:
    """One account."""
    return as_json(await call.shop.identity.account(call.number("account_id")))


async def set_account(call: Call[AccountState, NoQuery]) -> Reply:
    """Activate or deactivate."""
    return as_json(
        await call.shop.identity.set_active(
            call.number("account_id"), is_active=call.body.is_active, origin=call.origin
        )
    )


async def revoke_sessions(call: Call[None, NoQuery]) -> Reply:
    """Log an account out everywhere."""
    await call.shop.identity.revoke_sessions(call.number("account_id"), call.origin)
    return nothing()


_PRODUCT = Answers(status=200, says="The product as it is now.", type_=Product, headers=("ETag",))
_MONEY = (errors.InvalidMoney, errors.CurrencyMismatch, errors.InvalidValue, CardNumberRefused)
ROUTES = (
    Route(
        method="GET",
        path="/v1/operator/products",
        name="searchAllProducts",
        tag="Operator",
        summary="All products, for sale or not",
        handler=products,
        access=Access.OPERATOR,
        query=ProductQuery,
        answers=(Answers(status=200, says="Products by id, and the cursor of the next part.", type_=ProductPage),),
    ),
    Route(
        method="POST",
        path="/v1/operator/products",
        name="createProduct",
        tag="Operator",
        summary="Create a product",
        handler=create_product,
        access=Access.OPERATOR,
        body=ProductDraft,
        example={"sku": "85123A", "name": "Holder", "price": {"amount": 255, "currency": "GBP"}, "quantity": 10},
        free_text=("name",),
        answers=(Answers(status=201, says="The new product.", type_=Product, headers=("ETag",)),),
        errors=(errors.SkuTaken, *_MONEY),
    ),
    Route(
        method="PATCH",
        path="/v1/operator/products/{product_id}",
        name="changeProduct",
        tag="Operator",
        summary="Change a product",
        handler=change_product,
        access=Access.OPERATOR,
        body=ProductChange,
        example={"price": {"amount": 295, "currency": "GBP"}},
        free_text=("name",),
        if_match=True,
        answers=(_PRODUCT,),
        errors=(errors.UnknownProduct, errors.Conflict, Stale, *_MONEY),
    ),
    Route(
        method="POST",
        path="/v1/operator/products/{product_id}/stock",
        name="correctStock",
        tag="Operator",
        summary="Correct the stock of a product",
        handler=correct_stock,
        access=Access.OPERATOR,
        body=StockRequest,
        example={"delta": -2, "reason": "broken in transit"},
        free_text=("reason",),
        answers=(_PRODUCT,),
        errors=(errors.UnknownProduct, errors.OutOfStock, errors.InvalidValue, errors.Conflict, CardNumberRefused),
    ),
    Route(
        method="GET",
        path="/v1/operator/orders",
        name="searchOrders",
        tag="Operator",
        summary="All orders",
        handler=orders,
        access=Access.OPERATOR,
        query=OrderQuery,
        answers=(Answers(status=200, says="Orders, newest first, and the cursor of the next part.", type_=OrderPage),),
    ),
    Route(
        method="GET",
        path="/v1/operator/accounts/{account_id}",
        name="getAccount",
        tag="Operator",
        summary="One account",
        handler=account,
        access=Access.OPERATOR,
        answers=(Answers(status=200, says="The account.", type_=Account),),
        errors=(errors.UnknownAccount,),
    ),
    Route(
        method="PATCH",
        path="/v1/operator/accounts/{account_id}",
        name="setAccountActive",
        tag="Operator",
        summary="Activate or deactivate an account",
        handler=set_account,
        access=Access.OPERATOR,
        body=AccountState,
        example={"is_active": False},
        answers=(Answers(status=200, says="The account as it is now.", type_=Account),),
        errors=(errors.UnknownAccount,),
    ),
    Route(
        method="DELETE",
        path="/v1/operator/accounts/{account_id}/sessions",
        name="revokeSessions",
        tag="Operator",
        summary="Log an account out everywhere",
        handler=revoke_sessions,
        access=Access.OPERATOR,
        answers=(Answers(status=204, says="All its sessions have ended."),),
        errors=(errors.UnknownAccount,),
    ),
)
