"""The Cart API: what a customer is about to buy, with a version."""

from kassa.ports import errors
from kassa.ports.cart import LineQuantity, PricedCart
from kassa.ports.values import Value

from .route import Access, Answers, Call, NoQuery, Reply, Route, as_json


class LineRequest(Value, frozen=True, kw_only=True):
    """How many of the product shall be in the cart."""

    quantity: LineQuantity


def _told(cart: PricedCart) -> Reply:
    return as_json(cart, 200, [(b"etag", b'"%d"' % cart.version)])


async def cart(call: Call[None, NoQuery]) -> Reply:
    """The open cart, priced now."""
    return _told(await call.shop.shopping.cart(call.me.account_id))


async def put_line(call: Call[LineRequest, NoQuery]) -> Reply:
    """Set one line."""
    return _told(
        await call.shop.shopping.put_line(
            call.me.account_id,
            call.number("product_id"),
            call.body.quantity,
            expected_version=call.expected_version,
        )
    )


async def remove_line(call: Call[None, NoQuery]) -> Reply:
    """Remove one line."""
    return _told(
        await call.shop.shopping.remove_line(
            call.me.account_id, call.number("product_id"), expected_version=call.expected_version
        )
    )


async def clear(call: Call[None, NoQuery]) -> Reply:
    """Remove all lines."""
    return _told(await call.shop.shopping.clear(call.me.account_id, expected_version=call.expected_version))


_CART = (Answers(status=200, says="The cart as it is now.", type_=PricedCart, headers=("ETag",)),)
ROUTES = (
    Route(
        method="GET",
        path="/v1/cart",
        name="getCart",
        tag="Cart",
        summary="The cart, priced now",
        handler=cart,
        access=Access.CUSTOMER,
        explain="A price that moved since a line was added is announced in `price_was`.",
        answers=_CART,
    ),
    Route(
        method="PUT",
        path="/v1/cart/lines/{product_id}",
        name="putLine",
        tag="Cart",
        summary="Put a product into the cart, or change how many",
        handler=put_line,
        access=Access.CUSTOMER,
        body=LineRequest,
        example={"quantity": 2},
        if_match=True,
        explain="More than is available is refused, with what is available.",
        answers=_CART,
        errors=(
            errors.OutOfStock,
            errors.UnknownProduct,
            errors.CartChanged,
            errors.CartFull,
            errors.InvalidValue,
            errors.Conflict,
        ),
    ),
    Route(
        method="DELETE",
        path="/v1/cart/lines/{product_id}",
        name="removeLine",
        tag="Cart",
        summary="Take a product out of the cart",
        handler=remove_line,
        access=Access.CUSTOMER,
        if_match=True,
        answers=_CART,
        errors=(errors.CartChanged, errors.Conflict),
    ),
    Route(
        method="DELETE",
        path="/v1/cart",
        name="clearCart",
        tag="Cart",
        summary="Empty the cart",
        handler=clear,
        access=Access.CUSTOMER,
        if_match=True,
        answers=_CART,
        errors=(errors.CartChanged, errors.Conflict),
    ),
)
