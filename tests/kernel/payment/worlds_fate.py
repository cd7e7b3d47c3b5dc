"""What befalls the shop in a random world: the provider's decisions, its post in any order, chargebacks, thieves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from kassa.ports.errors import WebhookRejected
from kassa.ports.payment import Event, RawWebhook
from tests.kernel.payment.worlds_books import Charge, S
from tests.kernel.payment.worlds_methods import LINES
from tests.kernel.payment.worlds_post import Mail, mail_of, notice, signed

if TYPE_CHECKING:
    from tests.kernel.payment.worlds import World


class Fate:
    """The things that nobody at the shop begins, each a coroutine without arguments."""

    def __init__(self, world: "World") -> None:
        self.world, self.luck, self.provider = world, world.luck, world.provider
        self.provider.deliver = self.soon

    def things(self) -> dict[Callable[[], Awaitable[None]], float]:
        """What is possible now, with its weight."""
        charges, waiting = self.provider.charges, self.world.life.open_charges("Wait", "Redirect", "Collect")
        return {
            self.provider_moves_on: 2.0 * bool(waiting),
            self.bank_changes_its_mind: 1.5 * any(c.movements for c in charges),
            self.post_comes: 4.0 * bool(self.provider.post),
            self.old_post_comes: 2.0 * bool(self.provider.posted),
            self.forgery: 1.5 * bool(charges),
        }

    # --- the provider -----------------------------------------------------------------------------------------

    async def provider_moves_on(self) -> None:
        """What waits there is decided, or runs out of time."""
        waiting = self.world.life.open_charges("Wait")
        if waiting and self.luck.random() < 0.7:
            self.decide(self.luck.choice(waiting))
            return
        for charge in self.world.life.open_charges("Redirect", "Collect"):
            if self.world.loop.now_s - charge.history[0][0] > 300 and self.luck.random() < 0.3:
                charge.status = "expired"
                self.provider.changed(charge)
                return

    def decide(self, charge: Charge) -> None:
        if self.luck.random() < 0.7:
            self.provider.pays(charge, charge.asked.amount)
        else:
            charge.status = "failed"
            self.provider.changed(charge, sure=False)

    async def bank_changes_its_mind(self) -> None:
        """What was pending ends; what had ended is taken back; a customer disputes."""
        moved = [(c, m) for c in self.provider.charges for m in c.movements.values() if c.method != "giro"]
        if not moved:
            return
        charge, movement = self.luck.choice(moved)
        if movement.state is S.PENDING:
            charge.turn(movement.id, self.luck.choice((S.SUCCEEDED, S.SUCCEEDED, S.FAILED)))
        elif movement.state is S.SUCCEEDED and movement.kind == "refund" and self.luck.random() < 0.3:
            charge.turn(movement.id, S.REVERSED)
            self.world.count["refunds that failed after success"] += 1
        elif movement.state is S.SUCCEEDED and movement.kind == "chargeback":
            charge.turn(movement.id, S.REVERSED)
        elif movement.state is S.SUCCEEDED and movement.kind == "capture" and self.luck.random() < 0.3:
            if "chargeback" not in {m.kind for m in charge.movements.values()}:
                charge.move("chargeback", self.provider.fresh("cb"), movement.amount.amount)
                self.world.count["chargebacks"] += 1
        else:
            return
        self.provider.changed(charge, is_told_late=True)

    def soon(self, mail: Mail) -> None:
        """The provider posts at once: perhaps before its own reply is with us."""
        self.world.count["notices before the reply"] += 1
        self.world.begin(lambda: self.delivered(mail))

    async def post_comes(self) -> None:
        """Whatever waits there, in any order."""
        for _ in range(min(len(self.provider.post), self.luck.choice((1, 2, 4)))):
            await self.delivered(self.luck.choice(self.provider.post))
            if not self.provider.post:
                return

    async def old_post_comes(self) -> None:
        """Delivered before, and again: now, or twice at once."""
        if self.provider.posted:
            mail = self.luck.choice(self.provider.posted)
            self.world.count["notices again"] += 1
            await asyncio.gather(*(self.delivered(mail) for _ in range(self.luck.choice((1, 2)))))

    async def delivered(self, mail: Mail) -> None:
        raw = replace(mail.raw, received_at=self.provider.clock.now())
        await self.world.life.ask(f"notice of {mail.method}", lambda shop: shop.cashier.webhook(mail.method, raw))
        if mail in self.provider.post:
            self.provider.post.remove(mail)
            self.provider.posted.append(mail)

    # --- thieves ----------------------------------------------------------------------------------------------

    async def forgery(self) -> None:
        """Somebody says that money moved."""
        told = [c for c in self.provider.charges if c.method != "giro"]
        if not told:
            return
        charge = self.luck.choice(told)
        line = LINES[charge.method]
        lie = Charge(charge.id, charge.method, charge.merchant_ref, charge.asked, "", status="succeeded")
        lie.move("capture", self.provider.fresh("lie"), charge.asked.amount)
        now = self.provider.clock.now()
        mail = mail_of(charge, line, lie.report(), self.provider.fresh("forged"), now, sure=False)
        raw, proof = mail.raw, mail.raw.headers[0][1]
        if line.trust != "signed_body" and self.luck.random() < 0.5:
            self.world.count["lies under a weak proof"] += 1
            await self.delivered(mail)  # genuine by its proof, which covers nothing that the kernel may act on
            return
        other = self.luck.choice([m for m in LINES if m not in ("giro", charge.method)])
        event = msgspec.json.decode(raw.body, type=Event)
        forged: RawWebhook = self.luck.choice(
            (
                notice(raw.body, now),
                notice(raw.body, now, proof, proof),
                notice(raw.body, now, "0" + proof[1:] if proof[0] != "0" else "1" + proof[1:]),
                signed(other, LINES[other], event, now),
                notice(raw.body[:-1], now, proof),
            )
        )
        self.world.count["forged notices"] += 1
        try:
            await self.world.life.ask("forged notice", lambda shop: shop.cashier.webhook(charge.method, forged))
        except WebhookRejected:
            return
        self.world.life.wrong.append(f"a forged notice of {charge.method} was accepted")
