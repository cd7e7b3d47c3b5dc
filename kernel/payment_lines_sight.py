"""Fetches what lines of a statement are judged by: payments, reservations, payers, holders of money, refunds of ours."""

from collections.abc import Iterable
from typing import Final

from kassa.kernel.payment_lines import OwnRefund, Sight, named_refunds
from kassa.kernel.payment_lines_doubles import doubles, is_of_the_account, names_of
from kassa.kernel.payment_matching import Known, invoices_in, references_in
from kassa.kernel.payment_shelf import Shelf
from kassa.kernel.payment_time import later
from kassa.kernel.plugin_host import LoadedMethods
from kassa.ports.bank_desk import CONFIRMING, MatchKind
from kassa.ports.bank_files import BankFiles, Holder, NewLine, OpenBill
from kassa.ports.clock import Clock
from kassa.ports.ids import AccountId, OperationId, PaymentId
from kassa.ports.money import Money
from kassa.ports.payment import Movement, MovementState
from kassa.ports.payment_records import PaymentFile, Payments

MOST_OPEN: Final = 2000
"""Payments that are looked through for a line that names none exactly; those it names are found however many there are."""
LATELY_S: Final = 90 * 86_400
MOST_NAMES: Final = 1000
AT_ONCE: Final = 50
"""Lines that are looked up together: what they name stays below what a store is asked at once."""


class Sights:
    """Looks around for the lines of one method."""

    def __init__(
        self,
        *,
        files: BankFiles,
        payments: Payments,
        methods: LoadedMethods,
        clock: Clock,
        confirms: dict[str, tuple[MatchKind, ...]],
    ) -> None:
        self._files, self._payments, self._methods, self._clock = files, payments, methods, clock
        self._confirms = confirms

    async def open_bills(self, method: str) -> tuple[OpenBill, ...]:
        """The payments that are waited for, or were lately."""
        since = later(self._clock.now(), -LATELY_S)
        return await self._files.open_bills(method, ended_since=since, limit=MOST_OPEN)

    async def sight(self, method: str, lines: tuple[NewLine, ...], bills: tuple[OpenBill, ...]) -> Sight:
        """What the judgement on at most `AT_ONCE` lines needs; `bills` are the open ones as they are known."""
        credits = tuple(new for new in lines if new.line.direction == "credit")
        amounts = await self._amounts(method, credits)
        holders = await self._files.holders(_unique(name for new in credits for name in names_of(new.movement_id)))
        named = await self._files.bills_named(
            method,
            references=_unique(name for new in credits for name in references_in(new.line)),
            invoices=_unique(name for new in credits for name in invoices_in(new.line)),
            payments=_unique(amounts.values()),
        )
        have = {bill.payment_id for bill in bills}
        return Sight(
            known=Known(
                bills=Shelf((*bills, *(bill for bill in named if bill.payment_id not in have))),
                amounts=amounts,
                payers=await self._payers(method, credits),
            ),
            holders={one.movement_id: one for one in reversed(holders) if one.method == method},
            doubles=await self._doubles(method, credits, holders),
            by_hand={
                one.payment_id: await self._by_hand(method, one.payment_id, credits) for one in named if one.has_money
            },
            refunds=await self._refunds(method, lines),
            confirms=frozenset(self._confirms.get(method, CONFIRMING)),
        )

    async def _amounts(self, method: str, lines: tuple[NewLine, ...]) -> dict[int, PaymentId]:
        loaded = self._methods.get(method)
        if loaded is None or loaded.reserving is None or loaded.reserving.what != "amount":
            return {}
        values = _unique(str(new.line.amount.amount) for new in lines)
        return {int(value): owner for value, owner in (await self._payments.reserved(method, values)).items()}

    async def _payers(self, method: str, lines: tuple[NewLine, ...]) -> dict[str, frozenset[AccountId]]:
        accounts = _unique(new.line.account for new in lines if new.line.account)
        found: dict[str, frozenset[AccountId]] = {}
        for payer in await self._files.payers(method, accounts) if accounts else ():
            found[payer.account] = found.get(payer.account, frozenset()) | {payer.customer_id}
        return found

    async def _doubles(self, method: str, lines: tuple[NewLine, ...], holders: tuple[Holder, ...]) -> dict[str, str]:
        wholes = _unique(new.movement_id for new in lines)
        names = _unique(name for whole in wholes for name in names_of(whole))
        told = await self._files.alike(names, parts_of=wholes) if wholes else ()
        return doubles(method, lines, told, holders)

    async def _by_hand(self, method: str, payment_id: PaymentId, lines: tuple[NewLine, ...]) -> tuple[Money, ...]:
        """What a person confirmed for a payment, and no line of a statement has told of."""
        file = await self._payments.file_of_payment(payment_id)
        mine = [k.movement for k in file.movements if k.payment_id == payment_id and k.movement.kind == "capture"]
        names = _unique(name for one in mine for name in names_of(one.id))[:MOST_NAMES]
        told = {new.movement_id for new in lines}
        told |= {line.movement_id for line in await self._files.lines_named(method, names)}
        return tuple(one.amount for one in mine if is_of_the_account(one.id) and told.isdisjoint(names_of(one.id)))

    async def _refunds(self, method: str, lines: tuple[NewLine, ...]) -> dict[OperationId, OwnRefund]:
        names = _unique(name for new in lines for name in named_refunds(new.line))
        found: dict[OperationId, OwnRefund] = {}
        for order in await self._files.refunds_named(method, names) if names else ():
            file = await self._payments.file_of_payment(order.payment_id)
            operation = next(o for o in file.operations if o.id == order.operation_id)
            if operation.amount is not None:
                pending = tuple(m for m in _refunds_of(file, order.payment_id) if m.state is MovementState.PENDING)
                found[operation.id] = OwnRefund(operation=operation, amount=operation.amount, pending=pending)
        return found


def _refunds_of(file: PaymentFile, payment_id: PaymentId) -> list[Movement]:
    return [k.movement for k in file.movements if k.payment_id == payment_id and k.movement.kind == "refund"]


def _unique(names: Iterable[PaymentId] | Iterable[str]) -> tuple:  # type: ignore[type-arg]
    return tuple(dict.fromkeys(names))
