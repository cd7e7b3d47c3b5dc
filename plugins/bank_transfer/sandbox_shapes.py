"""What the sandbox provider writes, and what it means here. Unknown fields are tolerated, unknown types are not."""

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct

from kassa.ports.money import Currency, Money
from kassa.ports.payment import (
    AnyOutcome,
    Declined,
    Movement,
    MovementKind,
    MovementState,
    NotExecuted,
    Pending,
    ProviderStatus,
    Reference,
    Report,
    ShowAccount,
    Succeeded,
    Wait,
)
from kassa.ports.provider_json import ProviderUnclear
from kassa.ports.values import MAX_INTEGER

Text = Annotated[str, Meta(max_length=200)]
Code = Annotated[str, Meta(max_length=100)]
ProviderId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,200}\Z")]
"""What may stand in a path: a provider's id never leads to another address."""
Seconds = Annotated[int, Meta(ge=0, le=2**35)]
Amount = Annotated[int, Meta(ge=1, le=MAX_INTEGER)]


class ProviderMovement(Struct, frozen=True):
    """One fact about money; `merchant_ref` is what we called the command that moved it."""

    id: Reference
    kind: MovementKind
    status: Code
    amount: Amount
    currency: Currency
    created: Seconds
    merchant_ref: str | None = None


class Account(Struct, frozen=True):
    """A virtual account as an answer or a notice shows it: it belongs to one payment."""

    id: ProviderId
    merchant_ref: Reference
    account_number: Text
    bank_name: Text
    holder: Text
    reference: Text
    amount: Amount
    currency: Currency
    status: Code
    movements: tuple[ProviderMovement, ...]
    expires_at: Seconds | None = None


class Transfer(Struct, frozen=True):
    """Money that reached the bank and names no account of ours."""

    id: Reference
    amount: Amount
    currency: Currency
    created: Seconds


class Accounts(Struct, frozen=True):
    """The answer to a search."""

    data: tuple[Account, ...]


class Reason(Struct, frozen=True):
    """Why nothing was done."""

    code: Code


class ErrorAnswer(Struct, frozen=True):
    """The body of a refusal."""

    error: Reason


_STATES = {
    "pending": MovementState.PENDING,
    "failed": MovementState.FAILED,
    "succeeded": MovementState.SUCCEEDED,
    "reversed": MovementState.REVERSED,
}
_CLOSED: dict[str, ProviderStatus] = {"closed": "canceled", "expired": "expired"}
_OPEN = ("open", "partially_paid", "paid")


def opened(account: Account) -> AnyOutcome:
    """What a START led to: an account to pay to, and whatever arrived there already."""
    show = _show(account)
    if account.status in _CLOSED and not _captured(account):
        return Declined(
            provider_ref=account.id, movements=_movements(account), code="other", provider_code=account.status
        )
    if show is None:
        return Succeeded(provider_ref=account.id, movements=_movements(account))
    return Pending(
        provider_ref=account.id,
        movements=_movements(account),
        next_action=show if account.status in _OPEN else Wait(),
        expires_at=None if account.expires_at is None else datetime.fromtimestamp(account.expires_at, UTC),
    )


def report(account: Account) -> Report:
    """The account as it is, for a query or in a signed notice. A closed one may have been paid before, or be paid later; into
    one of a status that nobody knows no customer is told to pay."""
    show = _show(account)
    if show is None:
        status: ProviderStatus = "succeeded"
    elif account.status in _OPEN:
        status = "requires_action"
    else:
        status, show = _CLOSED.get(account.status, "pending"), None
    return Report(
        found=True,
        status=status,
        provider_ref=account.id,
        merchant_ref=account.merchant_ref,
        movements=_movements(account),
        next_action=show,
    )


def closed(account: Account) -> AnyOutcome:
    """What a void led to: done where the account is closed and nothing had arrived on it before."""
    if _captured(account):
        return Declined(
            provider_ref=account.id,
            movements=_movements(account),
            code="not_allowed",
            provider_code="money_arrived",
        )
    if account.status in _CLOSED:
        return Succeeded(provider_ref=account.id, movements=_movements(account))
    return Pending(provider_ref=account.id, movements=_movements(account), next_action=Wait())


def unmatched(transfer: Transfer) -> Movement:
    """The transfer as money without a payment."""
    return Movement(
        kind="capture",
        id=transfer.id,
        state=MovementState.SUCCEEDED,
        amount=Money(amount=transfer.amount, currency=transfer.currency),
        at=datetime.fromtimestamp(transfer.created, UTC),
    )


def mine(account: Account, kind: MovementKind, key: str) -> ProviderMovement | None:
    """The movement that our command made: the one of its kind that bears our key. Raises `ProviderUnclear` for two."""
    found = [told for told in account.movements if told.kind == kind and told.merchant_ref == key]
    if len(found) > 1:
        raise ProviderUnclear("the provider shows two movements of one command")
    return found[0] if found else None


def was_moved(account: Account, kind: MovementKind, key: str) -> AnyOutcome:
    """What became of our refund: its movement tells. Raises `ProviderUnclear` where none is shown."""
    movement = mine(account, kind, key)
    if movement is None:
        raise ProviderUnclear(f"a {kind} is said to be done and is not shown")
    state = _STATES.get(movement.status, MovementState.PENDING)
    if state is MovementState.PENDING:
        return Pending(provider_ref=account.id, movements=_movements(account), next_action=Wait())
    if state in (MovementState.SUCCEEDED, MovementState.REVERSED):  # it was done, and came back later
        return Succeeded(provider_ref=account.id, movements=_movements(account))
    return Declined(provider_ref=account.id, movements=_movements(account), code="other", provider_code=movement.status)


def was_refused(status: int, code: str) -> Declined | NotExecuted:
    """The provider did nothing and said why. That it does not know *us* says nothing of the customer's money."""
    if status in (401, 403):
        return NotExecuted(reason=f"the provider refuses our key: {code}"[:200])
    return Declined(code="invalid_input" if status in (400, 422) else "not_allowed", provider_code=code)


def _captured(account: Account) -> int:
    """Minor units that arrived in the account's own currency."""
    told = account.movements
    return sum(
        m.amount for m in told if m.kind == "capture" and m.status == "succeeded" and m.currency == account.currency
    )


def _show(account: Account) -> ShowAccount | None:
    """Where to pay what is still missing; None when nothing is."""
    missing = account.amount - _captured(account)
    if missing <= 0:
        return None
    return ShowAccount(
        bank=account.bank_name,
        holder=account.holder,
        account_number=account.account_number,
        reference=account.reference,
        amount=Money(amount=missing, currency=account.currency),
    )


def _movements(account: Account) -> tuple[Movement, ...]:
    return tuple(
        Movement(
            kind=told.kind,
            id=told.id,
            state=_STATES.get(told.status, MovementState.PENDING),
            amount=Money(amount=told.amount, currency=told.currency),
            at=datetime.fromtimestamp(told.created, UTC),
        )
        for told in account.movements
    )
