"""What happens in a random world, and what its people do: customers, the provider's post, thieves, operators, sweeps."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from kassa.ports.cashier import StartPayment
from kassa.ports.errors import KassaError, KeyReused, Unavailable
from kassa.ports.idempotency import Claim, Scope
from tests.kernel.payment.till import ALICE, BUYER
from tests.kernel.payment.worlds_books import Charge
from tests.kernel.payment.worlds_loop import Died
from tests.kernel.payment.worlds_methods import transferred
from tests.kernel.payment.worlds_shop import Shop

if TYPE_CHECKING:
    from tests.kernel.payment.worlds import World

METHODS = {"card": 5.0, "wallet": 3.0, "debit": 3.0, "voucher": 1.0, "bank": 3.0, "giro": 1.5, "hold": 4.0}


class NobodyThere(Exception):
    """Every process is down: the connection was refused."""


class Life:
    """The things that may happen, each a coroutine without arguments."""

    def __init__(self, world: "World") -> None:
        self.world, self.luck, self.provider = world, world.luck, world.provider
        self.keys: dict[tuple[str, str], str] = {}
        self.answers: dict[tuple[str, str], set[bytes]] = {}
        self.wrong: list[str] = []

    def things(self) -> dict[Callable[[], Awaitable[None]], float]:
        """What is possible now, with its weight."""
        charges, statement = self.provider.charges, self.provider.statement
        is_open = bool(
            self.world.rows("SELECT 1 FROM payables WHERE state = 'open' AND invoice_id IN (?, ?)", *self._pair())
        )
        weights: dict[Callable[[], Awaitable[None]], float] = {
            self.start: 6 if is_open else 0.7,
            self.sweep: 5,
            self.cancel_order: 0.5 if charges else 0.1,
            self.start_again: 3 * bool(self.keys),
            self.customer_pays: 5 * bool(self.open_charges("Redirect", "ShowAccount")),
            self.customer_gives_code: 4 * bool(self.open_charges("Collect")),
            self.browser_returns: 1.5 * bool(charges),
            self.cancel_payment: 1.5 * bool(charges),
            self.operator_enters_statement: 2 * any(not line.entered for line in statement),
            self.operator_slips: 0.5 * bool(statement),
            **self.world.fate.things(),
            **self.world.desk.things(),
        }
        return {thing: weight for thing, weight in weights.items() if weight}

    def _pair(self) -> tuple[str, str]:
        return self.world.invoices[0], self.world.invoices[-1]

    async def happen(self, thing: Callable[[], Awaitable[None]]) -> None:
        """One thing; refusals, deaths and closed doors are part of life, anything else is a defect."""
        try:
            await thing()
        except (Died, NobodyThere):
            self.world.count["without an answer"] += 1
        except KassaError as error:
            self.world.count[f"refused: {type(error).__name__}"] += 1
            if isinstance(error, Unavailable):
                self.wrong.append(f"{thing.__name__}: {error!r}")
        except Exception as error:
            self.wrong.append(f"{thing.__name__} raised {error!r}")

    async def ask(self, name: str, work: Callable[[Shop], Awaitable[Any]]) -> Any:
        """Have one of the shop's processes do something. Raises `Died`, `NobodyThere` and what the shop raises."""
        shops = [shop for shop in self.world.shops if not shop.process.is_dead]
        if not shops:
            raise NobodyThere
        shop = shops[0] if len(shops) == 1 else self.luck.choice(shops)
        self.world.count[name] += 1
        self.world.note(f"process {shop.process.number}: {name}")

        async def call() -> Any:
            return await work(shop)

        try:
            answer = await shop.process.run(call)
        except BaseException as error:
            self.world.note(f"process {shop.process.number}: {name} -> {type(error).__name__}")
            raise
        self.world.note(f"process {shop.process.number}: {name} is done")
        return answer

    def claim(self, account: int, route: str, key: str, body: Any) -> Claim:
        scope = Scope(principal=f"account:{account}", route=route, key=key)
        return self.world.claims.claim(scope, msgspec.json.encode(body))

    def remember(self, scope: str, key: str, body: bytes) -> None:
        known = self.answers.setdefault((scope, key), set())
        known.add(body)
        if len(known) > 1:
            self.wrong.append(f"{scope} {key} was answered in two ways")

    # --- customers --------------------------------------------------------------------------------------------

    async def start(self) -> None:
        invoice = self.luck.choice(self.world.invoices)
        method = self.provider.drawn(METHODS)
        key = f"k{len(self.keys)}"
        self.keys[invoice, key] = method
        await self._start(invoice, method, key)
        if self.luck.random() < 0.2:
            await self._start(invoice, method, key)

    async def start_again(self) -> None:
        """The same key with the same body, or (a mistake) with another."""
        if not self.keys:
            return
        (invoice, key), method = self.luck.choice(list(self.keys.items()))
        if self.luck.random() < 0.8:
            await self._start(invoice, method, key)
            return
        has_answer = bool(self.answers.get((invoice, key)))
        other = "bank" if method != "bank" else "card"
        try:
            await self._start(invoice, other, key, is_mistaken=True)
        except KeyReused:
            self.world.count["other body refused"] += 1
            return
        if has_answer:
            self.wrong.append(f"{key} was accepted with another body")
        else:
            self.keys[invoice, key] = other

    async def _start(self, invoice: str, method: str, key: str, *, is_mistaken: bool = False) -> None:
        request = StartPayment(invoice_id=invoice, method=method)
        claim = self.claim(ALICE, "payments", key, [invoice, method])
        name = f"start by {method}" + (" under a used key" if is_mistaken else "")
        answer = await self.ask(name, lambda shop: shop.cashier.start(ALICE, request, claim, BUYER))
        self.remember(invoice, f"{key}-{method}", answer.body)
        if not is_mistaken:
            self.remember(invoice, key, answer.body)

    def open_charges(self, *actions: str) -> list[Charge]:
        """Open charges at which the customer has this to do."""
        return [
            c
            for c in self.provider.charges
            if c.status == "pending" and c.next_action is not None and type(c.next_action).__name__ in actions
        ]

    async def customer_pays(self) -> None:
        waiting = self.open_charges("Redirect", "ShowAccount")
        if waiting:
            self.pay(self.luck.choice(waiting))

    def pay(self, charge: Charge) -> None:
        asked = charge.asked.amount
        amounts = [asked, asked, asked // 2 or 1, asked + 7]
        if self.world.policies["tolerance"]:
            amounts += [max(1, asked - 5), max(1, asked - 6)]
        if charge.method == "giro":
            transferred(self.provider, charge, self.luck.choice(amounts))
        elif charge.method == "bank":
            self.provider.pays(charge, self.luck.choice(amounts))
        else:
            self.provider.pays(charge, asked)
        self.world.count[f"paid by {charge.method}"] += 1

    async def customer_gives_code(self) -> None:
        waiting = self.open_charges("Collect")
        payment = self.payment_of(self.luck.choice(waiting)) if waiting else None
        if payment is not None:
            given = {"otp": self.luck.choice(("123456", "123456", "000000"))}
            await self.ask("resume", lambda shop: shop.cashier.give_input(ALICE, payment, given, BUYER))

    async def browser_returns(self) -> None:
        if self.provider.charges:
            charge = self.luck.choice(self.provider.charges)
            token = charge.return_url.rpartition("/")[2] if self.luck.random() < 0.9 else "forged" * 4
            await self.ask("return", lambda shop: shop.cashier.returned(token))

    async def cancel_payment(self) -> None:
        found = self.world.rows("SELECT id FROM payments ORDER BY is_live DESC, id")
        if found:
            payment = found[0][0] if self.luck.random() < 0.7 else self.luck.choice(found)[0]
            await self.ask("cancel payment", lambda shop: shop.cashier.cancel(ALICE, payment, BUYER))

    async def cancel_order(self) -> None:
        invoice = self.luck.choice(self.world.invoices)
        await self.ask("cancel order", lambda shop: shop.checkout.cancel(ALICE, invoice, BUYER))

    def payment_of(self, charge: Charge) -> int | None:
        found = self.world.rows("SELECT id FROM payments WHERE merchant_ref = ?", charge.merchant_ref)
        return found[0][0] if found else None

    # --- operators and the shop itself ------------------------------------------------------------------------

    async def operator_enters_statement(self) -> None:
        waiting = [line for line in self.provider.statement if not line.entered]
        if waiting:
            await self.world.desk.enter(self.luck.choice(waiting))

    async def operator_slips(self) -> None:
        """A line entered again, in another spelling, for another payment or with another amount."""
        if self.provider.statement:
            await self.world.desk.enter_wrongly(self.luck.choice(self.provider.statement))

    async def sweep(self) -> None:
        which = self.luck.choice((0, 0, 0, 1, 1, 2))
        await self.ask(("sweep", "inbox sweep", "order sweep")[which], lambda shop: shop.sweeps[which].run_once())
