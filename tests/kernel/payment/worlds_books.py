"""The provider's own books in a random world: charges, their movements, and what it showed of them at any moment."""

from bisect import bisect_right
from dataclasses import dataclass, field

from msgspec.structs import replace

from kassa.ports.money import Money
from kassa.ports.payment import AnyNextAction, Collect, Movement, MovementState, Redirect, Report, ShowAccount, Wait

S = MovementState


@dataclass
class Charge:
    """What the provider knows of one payment. `by_command`: a command of the shop took or reserved its money, no customer
    had to do anything. `history` is what a query would have shown, from which moment on."""

    id: str
    method: str
    merchant_ref: str
    asked: Money
    return_url: str
    next_action: AnyNextAction | None = None
    status: str = "pending"
    by_command: bool = False
    movements: dict[str, Movement] = field(default_factory=dict)
    history: list[tuple[float, Report]] = field(default_factory=list)
    changes: int = 0

    @property
    def invoice(self) -> str:
        """The order it is for: our merchant references begin with it."""
        return self.merchant_ref.rpartition("-")[0]

    def total(self, kind: str, *states: MovementState) -> int:
        """Minor units of its movements of a kind in these states (succeeded ones without any)."""
        wanted = states or (S.SUCCEEDED,)
        return sum(m.amount.amount for m in self.movements.values() if m.kind == kind and m.state in wanted)

    def move(
        self, kind: str, name: str, units: int, state: MovementState = S.SUCCEEDED, currency: str = ""
    ) -> Movement:
        """Add a movement of money."""
        amount = Money(amount=units, currency=currency or self.asked.currency)
        movement = Movement(kind=kind, id=name, state=state, amount=amount)
        self.movements[name] = movement
        return movement

    def turn(self, name: str, state: MovementState) -> Movement:
        """A movement that was there ends otherwise."""
        self.movements[name] = replace(self.movements[name], state=state)
        return self.movements[name]

    def kept_by_command(self) -> int:
        """Minor units that commands of the shop took and that never went back, not even for a while."""
        ever = (S.PENDING, S.SUCCEEDED, S.REVERSED)
        gone = self.total("refund", *ever) + self.total("chargeback", *ever)
        taken = sum(
            m.amount.amount
            for m in self.movements.values()
            if m.kind == "capture" and m.state is S.SUCCEEDED and m.amount.currency == self.asked.currency
        )
        return max(0, taken - gone) if self.by_command else 0

    def report(self) -> Report:
        """The whole truth as of now."""
        return Report(
            found=True,
            status=self.status,
            provider_ref=self.id,
            merchant_ref=self.merchant_ref,
            movements=tuple(self.movements.values()),
            next_action=self.next_action if self.status == "pending" else None,
        )

    def written(self, at_s: float) -> None:
        """Remember what is shown from now on."""
        self.changes += 1
        self.history.append((at_s, self.report()))

    def as_of(self, at_s: float) -> Report:
        """What was shown at a moment."""
        number = bisect_right(self.history, at_s, key=lambda entry: entry[0])
        return self.history[number - 1][1] if number else Report(found=False)


@dataclass
class BankLine:
    """Money on the shop's bank account, as its statement tells: nobody but an operator enters it."""

    reference: str
    merchant_ref: str
    amount: Money
    entered: bool = False


def action_for(how: str, charge: Charge) -> AnyNextAction:
    """What a customer has to do where a START ends this way."""
    if how == "redirect":
        return Redirect(url="https://pay.example/" + charge.id)
    if how == "otp":
        return Collect(field="otp", label="Code")
    if how == "account":
        return ShowAccount(
            bank="B", holder="H", account_number=charge.id, reference=charge.merchant_ref, amount=charge.asked
        )
    return Wait()
