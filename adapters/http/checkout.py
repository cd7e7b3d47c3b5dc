"""Checkout and orders."""

from kassa.ports import errors
from kassa.ports.checkout import CheckoutRequest, Order, OrderPage, Placed
from kassa.ports.values import Page

from . import idempotency
from .refusals import CardNumberRefused
from .route import Access, Answers, Call, KeyRule, NoQuery, Reply, Route, as_json


async def place(call: Call[CheckoutRequest, NoQuery]) -> Reply:
    """One atomic act."""
    answer = await call.shop.checkout.place(call.me.account_id, call.body, call.once, call.origin)
    return idempotency.reply(answer)


async def orders(call: Call[None, Page]) -> Reply:
    """One's orders, newest first."""
    return as_json(await call.shop.checkout.orders(call.me.account_id, call.query))


async def order(call: Call[None, NoQuery]) -> Reply:
    """One order."""
    return as_json(await call.shop.checkout.order(call.me.account_id, call.path["invoice_id"]))


async def cancel(call: Call[None, NoQuery]) -> Reply:
    """Cancel an unpaid order."""
    return as_json(await call.shop.checkout.cancel(call.me.account_id, call.path["invoice_id"], call.origin))


_REFUSALS = (
    errors.CartEmpty,
    errors.OutOfStock,
    errors.PriceChanged,
    errors.CartChanged,
    errors.InvalidValue,
    errors.CurrencyMismatch,
    errors.InvalidMoney,
    errors.Conflict,
    CardNumberRefused,
)
ROUTES = (
    Route(
        method="POST",
        path="/v1/checkout",
        name="placeOrder",
        tag="Checkout",
        summary="Check out",
        handler=place,
        access=Access.CUSTOMER,
        body=CheckoutRequest,
        example={"expected_total": {"amount": 2550, "currency": "GBP"}},
        free_text=("address", "email"),
        key=KeyRule.REQUIRED,
        explain=(
            "One atomic act: takes the stock, freezes the prices, numbers the invoice, writes the order; or refuses with a"
            " reason per line and changes nothing. `expected_total` is compared, never charged."
        ),
        answers=(Answers(status=201, says="The order, what is due, and how it can be paid.", type_=Placed),),
        errors=_REFUSALS,
    ),
    Route(
        method="GET",
        path="/v1/orders",
        name="listOrders",
        tag="Checkout",
        summary="One's orders",
        handler=orders,
        access=Access.CUSTOMER,
        query=Page,
        answers=(Answers(status=200, says="Orders, newest first, and the cursor of the next part.", type_=OrderPage),),
    ),
    Route(
        method="GET",
        path="/v1/orders/{invoice_id}",
        name="getOrder",
        tag="Checkout",
        summary="One order",
        handler=order,
        access=Access.CUSTOMER,
        answers=(Answers(status=200, says="The order.", type_=Order),),
        errors=(errors.UnknownOrder,),
    ),
    Route(
        method="POST",
        path="/v1/orders/{invoice_id}/cancel",
        name="cancelOrder",
        tag="Checkout",
        summary="Cancel an unpaid order",
        handler=cancel,
        access=Access.CUSTOMER,
        explain="Gives the stock back once; canceling again is answered the same.",
        answers=(Answers(status=200, says="The order as it is now.", type_=Order),),
        errors=(
            errors.UnknownOrder,
            errors.OrderNotCancelable,
            errors.PaymentInDoubt,
            errors.PaymentLive,
            errors.Conflict,
        ),
    ),
)
