"""Refunds that a person has to send at the bank: which wait, and the file by which the bank sends them."""

from typing import Annotated, Protocol, TypeAlias

import msgspec
from msgspec import Meta

from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.banking import PayoutFile
from kassa.ports.ids import InvoiceId, OperationId, PaymentId
from kassa.ports.money import Money
from kassa.ports.values import Instant, Value

MOST_PAYOUTS = 500
"""Refunds in one list and in one file."""
_Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=70, pattern=r"\S")]
_Account: TypeAlias = Annotated[str, Meta(min_length=1, max_length=50, pattern=r"\S")]
_Operation: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,35}\Z")]


class PendingRefund(Value, frozen=True, kw_only=True):
    """A refund that was ordered and is not done: since when."""

    operation_id: OperationId
    payment_id: PaymentId
    invoice_id: InvoiceId
    amount: Money
    since: Instant


class RefundTasks(Protocol):
    """The refunds that wait for a bank."""

    async def pending_refunds(self, method: str, *, limit: int) -> tuple[PendingRefund, ...]:
        """The refunds of this method that are PENDING, oldest first, at most `limit` (1 to 1000)."""

    async def paid_out(self, audit: AuditEntry) -> None:
        """A file was written. Only the audit trail tells: what is done is what the bank's statement shows."""


class PayoutTask(PendingRefund, frozen=True, kw_only=True):
    """A refund to be sent by the bank. `name` and `account` are the payer's, from the bank's own line of the payment; empty where
    no line tells them, or several tell different ones."""

    method: str
    name: str
    account: str


class Payee(Value, frozen=True, kw_only=True):
    """Where a refund goes whose payer no bank line tells. Only what is not known is taken."""

    name: _Name | None = None
    account: _Account | None = None


class PayoutOrder(Value, frozen=True, kw_only=True):
    """Which refunds to pay out: these operations, or all that wait; `payees` by operation, where the payer is not known."""

    operations: Annotated[tuple[_Operation, ...], Meta(min_length=1, max_length=MOST_PAYOUTS)] | None = None
    payees: Annotated[dict[_Operation, Payee], Meta(max_length=MOST_PAYOUTS)] = msgspec.field(default_factory=dict)


class DroppedPayout(Value, frozen=True, kw_only=True):
    """A refund that the bank will not carry out, and how a person knows: it refused the order, or was never given it."""

    operation: _Operation
    reason: Annotated[str, Meta(min_length=3, max_length=200)]


class Payouts(Protocol):
    """The refunds of a method that writes orders for the bank (`Capabilities.payouts`)."""

    async def tasks(self, method: str) -> tuple[PayoutTask, ...]:
        """What waits, oldest first, at most `MOST_PAYOUTS`. Raises `UnknownMethod`, `NotCapable`."""

    async def file(self, method: str, order: PayoutOrder, origin: Origin) -> PayoutFile:
        """The order for the bank. The same order of the same refunds gives the same file, and nothing is done by it: a refund is
        done when a statement shows its transfer. Raises `UnknownMethod`, `NotCapable`, `InvalidValue` (an operation that does not
        wait, a payer who is not known, or is known already), `Unavailable`."""

    async def drop(self, method: str, word: DroppedPayout, origin: Origin) -> None:
        """A refund that waits has failed, on a person's word: its money can be refunded again. Its transfer, should a statement
        show it nevertheless, is a person's to look at. Raises `UnknownMethod`, `NotCapable`, `InvalidValue` (it does not wait),
        `Conflict`."""
