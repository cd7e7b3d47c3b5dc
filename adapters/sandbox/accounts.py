"""What may become of a virtual account: transfers arrive whatever its state, because a bank does not ask."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from .charges import now, reported_currency
from .model import AccountStatus, Movement, Refused, Transfer, VirtualAccount, new_id, total


def received(account: VirtualAccount, transfer: Transfer) -> tuple[VirtualAccount, Transfer]:
    """Each transfer is its own capture movement, also on a closed, expired or paid account."""
    if transfer.currency != account.currency:
        raise Refused(400, "currency_mismatch", f"the account is in {account.currency}")
    movement = Movement(
        id=new_id("mv"),
        kind="capture",
        status="succeeded",
        amount=transfer.amount + account.plan.extra,
        currency=reported_currency(account),
        created=now(),
        reference=transfer.reference,
        payer_name=transfer.payer_name,
    )
    after = _refolded(replace(account, movements=(*account.movements, movement)))
    return after, replace(transfer, account_id=account.id, movement_id=movement.id)


def closed(account: VirtualAccount, status: Literal["closed", "expired"] = "closed") -> VirtualAccount:
    """Closing twice is harmless; money that still arrives is kept and reported."""
    if account.status in ("closed", "expired"):
        return account
    if status == "expired" and account.status == "paid":
        return account
    return replace(account, status=status)


def _refolded(account: VirtualAccount) -> VirtualAccount:
    if account.status in ("closed", "expired"):
        return account
    status: AccountStatus = (
        "paid" if total(account.movements, "capture", "succeeded") >= account.amount else "partially_paid"
    )
    return replace(account, status=status)
