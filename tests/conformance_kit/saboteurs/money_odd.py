"""Those that read money wrongly where it comes in other ways."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from kassa.ports.banking import BankLine, Payout
from kassa.ports.payment import (
    AnyOutcome,
    Context,
    Declined,
    Movement,
    MovementState,
    Pending,
    QueryRequest,
    Report,
    StartRequest,
    Wait,
)
from tests.conformance_kit.acme.config import AcmeConfig
from tests.conformance_kit.acme.dialogue import Paid
from tests.conformance_kit.acme.double import AcmeSubject
from tests.conformance_kit.acme.method import Acme, Line

from .kit import MODULE, breaks, factory_of


@breaks("money.open-amount")
class TakesAPartForTheWhole(Acme):
    def report(self, paid: Paid) -> Report:
        true = super().report(paid)
        return replace(true, status="succeeded") if paid.status == "waiting" and true.movements else true


@breaks("money.statement")
class NamesLinesAnew(Acme):
    def __init__(self, config: AcmeConfig) -> None:
        super().__init__(config)
        self.count = 0

    def of_line(self, line: Line) -> tuple[BankLine, ...]:
        self.count += 1
        return tuple(replace(told, id=f"line-{self.count}") for told in super().of_line(line))


@breaks("money.payout")
class NumbersItsOrders(Acme):
    def __init__(self, config: AcmeConfig) -> None:
        super().__init__(config)
        self.count = 0

    def order_name(self, payouts: Sequence[Payout]) -> str:
        self.count += 1
        return f"acme-{self.count}.txt"


class Hopes(Acme):
    """Asks nobody, and takes for paid what it has asked for."""

    async def health(self, ctx: Context) -> bool:
        return True

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        return Pending(next_action=Wait()) if self.takes(request) else Declined(code="not_allowed")

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        hoped = Movement(kind="capture", id=request.merchant_ref, state=MovementState.SUCCEEDED, amount=request.amount)
        return Report(found=True, status="succeeded", movements=(hoped,))


@breaks("money.unseen")
class Hopeful(AcmeSubject):
    offline = True
    module = MODULE
    factory = factory_of(Hopes)
