"""What a checkout decides, as pure functions over what was read."""

from kassa.ports.cart import Cart, CartLine
from kassa.ports.checkout import LineProblem, OrderLine, OrderStatus
from kassa.ports.errors import CartChanged, CurrencyMismatch, InvalidValue, OutOfStock, PriceChanged
from kassa.ports.money import Money
from kassa.ports.values import MAX_INTEGER


def refuse_missing(cart: Cart) -> None:
    """Raises `OutOfStock` with every line that is withdrawn or exceeds what is available."""
    problems = tuple(problem for line in cart.lines if (problem := _missing(line)) is not None)
    if problems:
        raise OutOfStock(problems)


def _missing(line: CartLine) -> LineProblem | None:
    if line.is_active and line.quantity <= line.available:
        return None
    return LineProblem(
        product_id=line.product_id,
        reason="out_of_stock" if line.is_active else "withdrawn",
        requested=line.quantity,
        available=line.available if line.is_active else 0,
        price=line.price,
    )


def refuse_other_total(cart: Cart, total: Money, expected: Money) -> None:
    """Compares the total with what the customer saw.

    Raises `CurrencyMismatch`; `PriceChanged` with the lines whose price moved since they were added, or, when none did,
    `CartChanged`: then it was the cart that moved. Also `InvalidValue` for a total that JSON cannot carry exactly.
    """
    if expected.currency != total.currency:
        raise CurrencyMismatch(total.currency, expected.currency)
    if total != expected:
        moved = tuple(
            LineProblem(product_id=line.product_id, reason="price_changed", price=line.price)
            for line in cart.lines
            if line.price != line.price_when_added
        )
        raise PriceChanged(moved) if moved else CartChanged(cart)
    if total.amount > MAX_INTEGER:
        raise InvalidValue("expected_total", "more than an order may cost")


def frozen_lines(cart: Cart) -> tuple[OrderLine, ...]:
    """The cart's lines with today's prices for ever."""
    return tuple(
        OrderLine(
            product_id=line.product_id,
            sku=line.sku,
            name=line.name,
            quantity=line.quantity,
            price=line.price,
            total=line.price.times(line.quantity),
        )
        for line in cart.lines
    )


def first_status(total: Money) -> OrderStatus:
    """An order of nothing is paid from the start."""
    return OrderStatus.AWAITING_PAYMENT if total.amount else OrderStatus.PAID


def checked_address(address: str) -> str:
    """Without white space around it. Raises `InvalidValue` for a blank one."""
    if not address.strip():
        raise InvalidValue("address", "there is none")
    return address.strip()


def checked_email(email: str) -> str:
    """An address that mail can be sent to by its looks. Raises `InvalidValue`."""
    local, at, domain = email.partition("@")
    if not (local and at and domain) or "@" in domain or not email.isprintable() or " " in email:
        raise InvalidValue("email", "not an e-mail address")
    return email
