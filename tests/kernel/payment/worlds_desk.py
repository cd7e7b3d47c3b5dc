"""What operators do in a random world: captures, refunds, voids, evidence, money in suspense, notices once more.

They are honest and look first: what they claim is in the provider's books. They also slip, repeat themselves and work at once.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from kassa.ports.audit import Origin
from kassa.ports.errors import EvidenceRefused, KassaError
from kassa.ports.idempotency import Claim
from kassa.ports.money import Money
from kassa.ports.treasury import (
    Assignment,
    CaptureRequest,
    Confirmation,
    RefundRequest,
    Resolution,
    Return,
    Review,
    VoidRequest,
)
from tests.kernel.payment.worlds_books import BankLine, S
from tests.kernel.payment.worlds_loop import Died

if TYPE_CHECKING:
    from tests.kernel.payment.worlds import World

OPERATOR = Origin(actor="operator:1", request_id="r-2")
REASON = "as it was found"
NO_LONGER_ON_ITS_WAY_S = 300
Things = dict[Callable[[], Awaitable[None]], float]


class Desk:
    """The operators' desk."""

    def __init__(self, world: "World") -> None:
        self.world, self.luck, self.provider = world, world.luck, world.provider
        self.keys: dict[str, tuple[str, int, int | None]] = {}
        self.sent_back: list[BankLine] = []
        self._trying: dict[str, tuple[str, BankLine]] = {}

    def things(self) -> Things:
        """What is possible now, with its weight."""
        ((has_money, has_rest, doubts, aside, flags),) = self.world.rows(
            "SELECT coalesce(max(captured > refunded), 0), coalesce(max(authorized > captured), 0),"
            " coalesce(max(in_doubt), 0), (SELECT count(*) FROM suspense WHERE state = 'open'),"
            " coalesce(max(needs_review), 0) FROM payments"
        )
        return {
            self.refund: 4.0 * has_money,
            self.refunds_at_once: 1.0 * has_money,
            self.capture: 6.0 * has_rest,
            self.captures_at_once: 2.0 * has_rest,
            self.void: 1.0 * has_rest,
            self.order_again: 1.5 * bool(self.keys),
            self.resolve: 0.7 * doubts,
            self.settle_suspense: 1.5 * bool(aside),
            self.review: 0.5 * flags,
            self.replay: 0.4,
        }

    async def _ask(self, name: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
        return await self.world.life.ask(name, lambda shop: work(shop.cashier.treasury))

    # --- commands ---------------------------------------------------------------------------------------------

    async def refund(self) -> None:
        await self._new("refund", "SELECT id, captured - refunded FROM payments WHERE captured > refunded ORDER BY id")

    async def capture(self) -> None:
        await self._new(
            "capture", "SELECT id, authorized - captured FROM payments WHERE authorized > captured ORDER BY id"
        )

    async def _new(self, kind: str, which: str) -> None:
        found = self.world.rows(which)
        if found:
            payment, left = self.luck.choice(found)
            usual = (None, None, 100, 400, left, left + 1)
            amount = self.luck.choice((100, 100, 400) if self.provider.climate == "crawling" else usual)
            key = f"{kind}{len(self.keys)}"
            self.keys[key] = (kind, payment, amount)
            await self._order(key, kind, payment, amount)

    async def order_again(self) -> None:
        """The same key, because nothing was heard or a button was pressed twice."""
        if self.keys:
            key, order = self.luck.choice(list(self.keys.items()))
            await self._order(key, *order)

    async def refunds_at_once(self) -> None:
        """Several operators, one thought."""
        for _ in range(self.luck.choice((2, 3))):
            self.world.begin(self.refund)

    async def captures_at_once(self) -> None:
        for _ in range(2):
            self.world.begin(self.capture)

    async def _order(self, key: str, kind: str, payment: int, amount: int | None) -> None:
        money = None if amount is None else Money(amount=amount, currency="GBP")
        claim: Claim = self.world.life.claim(1, f"{kind}s", key, [payment, amount])
        if kind == "refund":
            refund = RefundRequest(amount=money, reason=REASON)
            answer = await self._ask(kind, lambda desk: desk.refund(payment, refund, claim, OPERATOR))
        else:
            capture = CaptureRequest(amount=money, reason=REASON)
            answer = await self._ask(kind, lambda desk: desk.capture(payment, capture, claim, OPERATOR))
        self.world.life.remember(kind, key, answer.body)

    async def void(self) -> None:
        found = self.world.rows("SELECT id FROM payments WHERE authorized > captured ORDER BY id")
        if found:
            payment = self.luck.choice(found)[0]
            await self._ask("void", lambda desk: desk.void(payment, VoidRequest(reason=REASON), OPERATOR))

    # --- evidence ---------------------------------------------------------------------------------------------

    async def resolve(self) -> None:
        """Tell how a command in doubt ended, as the provider's dashboard shows it long after."""
        until = self.world.now_us - NO_LONGER_ON_ITS_WAY_S * 1_000_000
        found = self.world.rows(
            "SELECT o.id, o.kind, o.payment_id, p.merchant_ref FROM operations o JOIN payments p ON p.id = o.payment_id"
            " WHERE o.state <= 2 AND o.sent_at < ? ORDER BY o.id",
            until,
        )
        if not found:
            return
        operation, kind, payment, reference = self.luck.choice(found)
        if self.world.loop.now_s - self.provider.last_sent_s.get(operation, -1000.0) < NO_LONGER_ON_ITS_WAY_S:
            return
        executed = self.provider.executed[operation] > 0
        charges = self.provider.of(reference)
        movement = self.provider.moved_by.get(operation) if executed else None
        if any(c.movements[movement].state is not S.SUCCEEDED for c in charges if movement in c.movements):
            return  # it is not certain yet
        word = Resolution(
            command=kind,
            executed=executed,
            movement_id=movement,
            provider_ref=charges[0].id if charges and kind == "start" else None,
            reason=REASON,
        )
        await self._ask("resolve", lambda desk: desk.resolve(payment, word, OPERATOR))

    async def enter(self, line: BankLine) -> None:
        """A line of the bank statement, for the payment it names."""
        payment = self._payment_for(line.merchant_ref)
        if payment is not None:
            await self._confirm(payment, line, self.luck.choice((line.reference, f" {line.reference.lower()} ")))
            line.entered = True

    async def enter_wrongly(self, line: BankLine) -> None:
        others = self.world.rows(
            "SELECT id FROM payments WHERE method = 'giro' AND merchant_ref <> ? ORDER BY id", line.merchant_ref
        )
        if line.entered and others:
            try:
                await self._confirm(self.luck.choice(others)[0], line, line.reference)
            except EvidenceRefused:
                self.world.count["bank line refused for another payment"] += 1
                return
            self.world.life.wrong.append(f"{line.reference} was taken for two payments")
        elif line.entered:
            await self.enter(line)

    def _payment_for(self, reference: str) -> int | None:
        found = self.world.rows("SELECT id FROM payments WHERE merchant_ref = ?", reference)
        return found[0][0] if found else None

    async def _confirm(self, payment: int, line: BankLine, reference: str) -> None:
        evidence = Confirmation(amount=line.amount, bank_reference=reference, reason=REASON)
        await self._ask("confirm", lambda desk: desk.confirm(payment, evidence, OPERATOR))

    # --- suspense and notices ---------------------------------------------------------------------------------

    async def settle_suspense(self) -> None:
        """Money without a name gets it, or goes back."""
        found = self.world.rows(
            "SELECT s.key, s.reason, s.amount, s.currency, s.payment_id, p.merchant_ref"
            " FROM suspense s LEFT JOIN payments p ON p.id = s.payment_id WHERE s.state = 'open' ORDER BY s.key"
        )
        if not found:
            return
        key, reason, units, currency, payment, reference = self.luck.choice(found)
        if reason == "unmatched":
            name = key.rpartition("/")[2]
            owner = next((c.merchant_ref for c in self.provider.charges if name in c.movements), "")
            payment = self._payment_for(owner)
        if payment is None:
            return
        if reason in ("unmatched", "surplus", "late") and self.luck.random() < 0.5:
            word = Assignment(key=key, payment_id=payment, reason=REASON)
            await self._ask("assign", lambda desk: desk.assign(word, OPERATOR))
        elif reason != "unmatched":
            line = BankLine(self.provider.fresh("OUT"), reference, Money(amount=units, currency=currency))
            self._trying[line.reference] = (key, line)
            await self._send_back(key, line)

    async def _send_back(self, key: str, line: BankLine) -> None:
        word = Return(key=key, bank_reference=line.reference, reason=REASON)
        try:
            await self._ask("send back", lambda desk: desk.returned_by_hand(word, OPERATOR))
        except Died:
            raise  # nothing was heard: tried again later
        except KassaError:
            self._trying.pop(line.reference, None)
            if self._has_recorded(line):
                self.sent_back.append(line)  # it was recorded the first time
            raise
        self._trying.pop(line.reference, None)
        if line not in self.sent_back:
            self.sent_back.append(line)

    def _has_recorded(self, line: BankLine) -> bool:
        return line not in self.sent_back and bool(
            self.world.rows("SELECT 1 FROM movements WHERE id = ?", f"bank:{line.reference.upper()}")
        )

    async def review(self) -> None:
        found = self.world.rows("SELECT id FROM payments WHERE needs_review ORDER BY id")
        if found:
            payment = self.luck.choice(found)[0]
            await self._ask("to review", lambda desk: desk.to_review(after=0, limit=5))
            await self._ask("reviewed", lambda desk: desk.reviewed(payment, Review(reason=REASON), OPERATOR))

    async def replay(self) -> None:
        found = self.world.rows("SELECT id FROM inbox WHERE state <> 'waiting' ORDER BY id")
        if found:
            notice = self.luck.choice(found)[0]
            await self._ask("replay", lambda desk: desk.replay(notice, OPERATOR))

    async def calm(self) -> None:
        """All that is on the statement is entered, and what was not heard of is tried again."""
        for line in self.provider.statement:
            if not line.entered:
                await self.world.life.happen(lambda line=line: self.enter(line))  # type: ignore[misc]
        for key, line in list(self._trying.values()):
            await self.world.life.happen(lambda key=key, line=line: self._send_back(key, line))  # type: ignore[misc]

    async def end_reserves(self) -> None:
        """What is reserved is taken or let go of."""
        found = self.world.rows("SELECT id FROM payments WHERE authorized > captured AND is_live ORDER BY id")
        for number, (payment,) in enumerate(found):
            if self.luck.random() < 0.5:
                work = lambda payment=payment: self._ask(  # noqa: E731
                    "void", lambda desk: desk.void(payment, VoidRequest(reason=REASON), OPERATOR)
                )
            else:
                key = f"last{len(self.keys)}.{number}"
                work = lambda key=key, payment=payment: self._order(key, "capture", payment, None)  # noqa: E731
            await self.world.life.happen(work)  # type: ignore[arg-type]
