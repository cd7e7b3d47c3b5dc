"""The provider of a random world: it executes what arrives, whatever becomes of the reply, and tells in its own time."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from kassa.ports.money import Money
from kassa.ports.payment import (
    AnyOutcome,
    Declined,
    NotExecuted,
    Pending,
    ReplyLost,
    Report,
    StartRequest,
    Succeeded,
)
from tests.kernel.payment.worlds_books import BankLine, Charge, S, action_for
from tests.kernel.payment.worlds_loop import PROCESS, LoopClock, SimulatedLoop, outside
from tests.kernel.payment.worlds_post import Line, Mail, mail_of

SLOW_S, LAG_S = 15.0, 20.0
"""A request may be executed so long after its time-out, and a query may show what was so long ago. Both together, a deadline
and its retries make the `query_consistency_s` that the methods declare."""
CRAWL_S = (46.0, 120.0)
"""A refund or a capture may even arrive after it was sent again, where the provider recognises its key. That is slower than the
methods declare: what is given up meanwhile, after three attempts, may still be executed."""
FAULTS = {
    "ok": 10.0,
    "refused": 1.5,
    "lost_before": 1.5,
    "lost_after": 3.0,
    "slow": 2.0,
    "garbage": 0.7,
    "exit": 0.7,
    "breaks_after": 0.7,
}


class FaultyProvider:
    """Executes commands under random faults. Its `charges` and `lines` are the second witness: they never see our store."""

    def __init__(
        self, loop: SimulatedLoop, luck: random.Random, count: Counter[str], note: Callable[[str], None]
    ) -> None:
        self.loop, self.luck, self.count, self.note = loop, luck, count, note
        self.clock = LoopClock(loop)
        self.is_bad, self.climate = True, "mixed"
        self.charges: list[Charge] = []
        self.statement: list[BankLine] = []
        self.disasters: list[str] = []
        self.executed: Counter[str] = Counter()
        self.moved_by: dict[str, str] = {}
        self.crawled: set[str] = set()
        self.last_sent_s: dict[str, float] = {}
        self.post: list[Mail] = []
        self.posted: list[Mail] = []
        self.watch: Callable[[str, str], None] = lambda name, operation_id: None
        self.deliver: Callable[[Mail], None] = lambda mail: None
        self._done: dict[tuple[str, str], tuple[float, AnyOutcome]] = {}
        self._numbers = 0

    def fresh(self, prefix: str) -> str:
        """A new name of the provider's own."""
        self._numbers += 1
        return f"{prefix}_{self._numbers}"

    def of(self, merchant_ref: str) -> list[Charge]:
        """The charges of one reference; more than one is a disaster that nobody asked for."""
        return [c for c in self.charges if c.merchant_ref == merchant_ref]

    def drawn(self, weights: dict[str, float]) -> str:
        return self.luck.choices(tuple(weights), tuple(weights.values()))[0]

    # --- commands ---------------------------------------------------------------------------------------------

    async def command(self, line: Line, name: str, key: str, operation_id: str, do: Callable[[], AnyOutcome]) -> Any:
        """Send one command over the wire. What arrived is executed even if whoever asked is gone by then."""
        process = PROCESS.get()
        if process is not None:
            process.check()
        self.watch(name, operation_id)
        self.last_sent_s[operation_id] = self.loop.now_s
        fault = self.drawn(FAULTS) if self.is_bad else "ok"
        if self._crawls(line, name, fault):
            fault = "crawls"
            self.crawled.add(operation_id)
        self.count[f"{name}: {fault}"] += 1
        self.note(f"wire {name} {operation_id[:6]} key {key[:6]}: {fault}")
        if fault == "refused":
            return NotExecuted(reason="connection refused")
        if fault == "lost_before":
            raise ReplyLost("before")
        if fault == "exit":
            raise SystemExit(3)
        arrives_s = self.luck.choice((0.0, 0.01, 0.4))
        if fault in ("slow", "crawls"):
            arrives_s = self.luck.uniform(*((5, SLOW_S) if fault == "slow" else CRAWL_S))
        work = outside(self.loop, self._execute(line, name, key, operation_id, do, arrives_s))
        outcome = await asyncio.shield(work)
        if self.luck.random() < 0.3:
            await asyncio.sleep(self.luck.choice((0.0, 0.01, 1.0)))
        if fault == "lost_after":
            raise ReplyLost("after")
        if fault == "breaks_after":
            raise ValueError("the plugin broke on the answer")
        return {"outcome": "succeeded"} if fault == "garbage" else outcome

    def _crawls(self, line: Line, name: str, fault: str) -> bool:
        if not self.is_bad or line.idempotency == "none" or name not in ("refund", "capture"):
            return False
        chance = 0.6 if self.climate == "crawling" else 0.3 * (fault == "slow")
        return self.luck.random() < chance

    async def _execute(
        self, line: Line, name: str, key: str, operation_id: str, do: Callable[[], AnyOutcome], arrives_s: float
    ) -> AnyOutcome:
        await asyncio.sleep(arrives_s)
        now_s, place = self.loop.now_s, (name, key)
        known = self._done.get(place)
        if known is not None and line.idempotency != "none" and now_s < known[0] + line.ttl_s:
            self.count[f"{name}: recognised"] += 1
            return known[1]
        outcome = do()
        self.note(f"provider {name} {operation_id[:6]}: {type(outcome).__name__}")
        self._done[place] = (now_s, outcome)
        if not isinstance(outcome, Declined):
            self.executed[operation_id] += 1
            for movement in outcome.movements:
                self.moved_by[operation_id] = movement.id
        return outcome

    def start(self, method: str, line: Line, request: StartRequest) -> AnyOutcome:
        """Carry out a START that nobody recognised."""
        twins = self.of(request.merchant_ref)
        if twins and line.idempotency == "merchant_ref":
            self.count["start: reference refused"] += 1
            return self.now_of(twins[0])
        is_mixed = self.is_bad and self.climate == "mixed"
        how = self.luck.choice(line.starts) if is_mixed else "direct" if "direct" in line.starts else line.starts[0]
        charge = Charge(
            id=self.fresh("ch"),
            method=method,
            merchant_ref=request.merchant_ref,
            asked=request.amount,
            return_url=request.return_url,
        )
        self.charges.append(charge)
        self.count[f"start as {how}"] += 1
        if how == "decline":
            charge.status = "failed"
            self.changed(charge, sure=False)
            return Declined(code="card_declined", provider_ref=charge.id)
        if how == "direct":
            self._take(charge, request)
        else:
            charge.next_action = action_for(how, charge)
        self.changed(charge, sure=charge.by_command)
        return self.now_of(charge)

    def _take(self, charge: Charge, request: StartRequest) -> None:
        self.taken_by_command(charge)
        units = charge.asked.amount
        if not request.capture:
            charge.status = "authorized"
            charge.move("auth", self.fresh("au"), units)
            return
        chance = self.luck.random() if self.is_bad else 1.0
        if chance < 0.03:
            units += self.luck.choice((-1, 1))
        charge.status = "succeeded"
        charge.move("capture", self.fresh("mv"), units, currency="USD" if 0.03 < chance < 0.04 else "")

    def taken_by_command(self, charge: Charge) -> None:
        """The shop takes or reserves money, and no customer does anything: never more than the order still needs."""
        charge.by_command = True
        others = [c for c in self.charges if c.invoice == charge.invoice and c is not charge]
        kept = sum(c.kept_by_command() or c.total("auth") * (c.status == "authorized") for c in others)
        if kept + charge.asked.amount > self.price:
            self.disasters.append(f"{charge.invoice} was charged {charge.asked.amount} on top of {kept}")

    def now_of(self, charge: Charge) -> AnyOutcome:
        """How a START stands, as a command's answer."""
        if charge.status in ("failed", "canceled", "expired"):
            return Declined(code="card_declined", provider_ref=charge.id)
        if charge.status in ("succeeded", "authorized"):
            return Succeeded(provider_ref=charge.id, movements=tuple(charge.movements.values()))
        assert charge.next_action is not None
        return Pending(
            next_action=charge.next_action, provider_ref=charge.id, movements=tuple(charge.movements.values())
        )

    def void(self, charge: Charge) -> AnyOutcome:
        taken = charge.total("capture", S.SUCCEEDED, S.PENDING)
        if taken and charge.total("auth") <= taken:
            return Declined(code="not_allowed")
        if not taken and charge.status not in ("pending", "authorized"):
            return Declined(code="not_allowed")
        charge.status = "succeeded" if taken else "canceled"
        for movement in tuple(charge.movements.values()):
            if movement.kind == "auth":
                charge.turn(movement.id, S.REVERSED)
        self.changed(charge)
        return Succeeded(movements=tuple(charge.movements.values()))

    def refund(self, charge: Charge, line: Line, amount: Money) -> AnyOutcome:
        gone = charge.total("refund", S.SUCCEEDED, S.PENDING)
        too_much = amount.amount > charge.total("capture") - gone
        if (too_much and not line.takes_too_much) or (self.is_bad and self.luck.random() < 0.1):
            return Declined(code="not_allowed")
        state = S.PENDING if self.is_bad and self.luck.random() < 0.3 else S.SUCCEEDED
        movement = charge.move("refund", self.fresh("rf"), amount.amount, state)
        self.changed(charge)
        return Succeeded(movements=(movement,))

    def capture(self, charge: Charge, line: Line, amount: Money) -> AnyOutcome:
        left = charge.total("auth") - charge.total("capture", S.SUCCEEDED, S.PENDING, S.REVERSED)
        too_much = amount.amount > left
        if not charge.total("auth") or (too_much and not line.takes_too_much):
            return Declined(code="not_allowed")
        if self.is_bad and self.luck.random() < 0.1:
            return Declined(code="not_allowed")
        charge.status = "succeeded"
        state = S.PENDING if self.is_bad and self.luck.random() < 0.15 else S.SUCCEEDED
        movement = charge.move("capture", self.fresh("mv"), amount.amount, state)
        self.changed(charge)
        return Succeeded(movements=(movement,))

    def resume(self, charge: Charge, code: str) -> AnyOutcome:
        if code != "123456":
            return Declined(code="authentication_failed", retry=True)
        if charge.status == "pending":
            self.taken_by_command(charge)
            self.pays(charge, charge.asked.amount)
        return self.now_of(charge)

    # --- what happens there without us ------------------------------------------------------------------------

    def pays(self, charge: Charge, units: int) -> None:
        """The customer pays, in time or not, the right amount or not."""
        sure = charge.status != "pending"
        charge.move("capture", self.fresh("mv"), units)
        if charge.total("capture") >= charge.asked.amount:
            charge.status = "succeeded"
        self.note(f"customer pays {units} on {charge.id}")
        self.changed(charge, sure=sure)

    def changed(self, charge: Charge, *, sure: bool = True, is_told_late: bool = False) -> None:
        """Books are written; a notice of it is on its way, and some are lost where a query would find the same.

        `is_told_late`: a hint is posted when a query shows the same for certain. Nobody asks about a settled payment again,
        so a hint that came before its query knows of it would be for nothing.
        """
        charge.written(self.loop.now_s)
        line = self.lines[charge.method]
        sure = sure or not line.can_be_asked
        if line.trust == "none":
            return
        if is_told_late and line.trust != "signed_body":
            self.loop.call_later(LAG_S, self._post, charge, line, charge.report(), charge.changes)
            return
        if not sure and self.luck.random() < 0.3:
            return
        self._post(charge, line, charge.report(), charge.changes, sure=sure)

    def _post(self, charge: Charge, line: Line, report: Report, number: int, *, sure: bool = True) -> None:
        mail = mail_of(charge, line, report, f"e{charge.id}.{number}", self.clock.now(), sure=sure)
        self.post.append(mail)
        if self.is_bad and self.luck.random() < 0.25:
            self.deliver(mail)

    lines: dict[str, Line]
    price: int

    def query(self, line: Line, merchant_ref: str, provider_ref: str | None) -> Report:
        """What was so a while ago, at most; sometimes nothing at all."""
        process = PROCESS.get()
        if process is not None:
            process.check()
        chance = self.luck.random() if self.is_bad else 1.0
        if chance < 0.2:
            self.count["query: lost"] += 1
            raise ReplyLost("query")
        found = [c for c in self.charges if c.merchant_ref == merchant_ref or c.id == provider_ref]
        lag_s = self.luck.uniform(0, LAG_S) if self.is_bad and chance < 0.6 else 0.0
        report = found[0].as_of(self.loop.now_s - lag_s) if found else Report(found=False)
        self.note(f"wire query {merchant_ref[-6:]}: {report.status if report.found else 'not found'}")
        return report
