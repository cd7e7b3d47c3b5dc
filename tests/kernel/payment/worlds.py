"""Random worlds: several processes of the shop that die anywhere, a faulty provider, impatient customers, thieves, operators.

Everything follows from one seed: what happens, in which order tasks run, when processes die. Afterwards the faults heal, the
sweeps run until nothing is due, and two witnesses are compared: the provider's books and ours.

    python -m tests.kernel.payment.worlds --worlds 20000 --seed 1 --processes 2
    python -m tests.kernel.payment.worlds --replay 4711          one world, with everything that happens in it
"""

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from kassa.kernel.idempotency import KernelClaims
from kassa.ports.failpoints import NAMES
from tests.kernel.payment.worlds_books import S
from tests.kernel.payment.worlds_bugs import CONSTRAINTS
from tests.kernel.payment.worlds_checks import at_rest, at_the_wire, on_the_way
from tests.kernel.payment.worlds_desk import Desk
from tests.kernel.payment.worlds_fate import Fate
from tests.kernel.payment.worlds_life import Life, NobodyThere
from tests.kernel.payment.worlds_loop import Died, Process, SimulatedLoop, StoodStill, outside
from tests.kernel.payment.worlds_provider import FaultyProvider
from tests.kernel.payment.worlds_shop import TOTAL, Shop, Store, Weather, opened

POINTS = tuple(n for n in NAMES if not n.startswith(("checkout.", "outbox.", "delivery.", "statement.")))
"""The failpoints that payment reaches."""
GAPS_S = (0, 0, 0, 0, 0.01, 0.3, 2, 7, 30, 90, 400, 4000)
CRAWLING_GAPS_S = (0, 1, 7, 7, 30, 30, 400)
CLIMATES = ("mixed", "mixed", "mixed", "crawling")
"""In most worlds everything happens; in some, refunds and captures crawl and operators press again and again."""
STEPS = 22
MOST_ROUNDS = 150


@dataclass
class Ended:
    """How a world ended: what is wrong, what happened how often, and every line of its story."""

    seed: int
    wrong: list[str]
    count: Counter[str]
    story: list[str] = field(repr=False)
    favourite: str = ""

    @property
    def hash(self) -> str:
        """The same for the same schedule."""
        return hashlib.sha256("\n".join(self.story).encode()).hexdigest()


class World:
    """One or two orders, and a few dozen things that happen to them."""

    def __init__(
        self,
        seed: int,
        store: Store,
        loop: SimulatedLoop,
        *,
        favourite: str = "",
        climate: str = "",
        is_wire_watched: bool = True,
    ) -> None:
        self.seed, self.store, self.loop, self.luck = seed, store, loop, random.Random(seed)
        self.count: Counter[str] = Counter()
        self.story: list[str] = []
        self.wrong: list[str] = []
        self.is_wire_watched = is_wire_watched
        self.claims = KernelClaims(b"k" * 32)
        self.invoices = store.invoices[: self.luck.choice((1, 1, 2))]
        self.weather = Weather(self.luck, self.count, self.note, favourite or self.luck.choice(POINTS))
        self.provider = FaultyProvider(loop, self.luck, self.count, self.note)
        self.provider.price = TOTAL
        self.provider.climate = climate or self.luck.choice(CLIMATES)
        self.provider.watch = self._watch
        self.policies = {
            "late": self.luck.choice(("fulfil", "refund", "review")),
            "surplus": self.luck.choice(("refund", "review")),
            "tolerance": random.Random(f"tolerance {seed}").choice((0, 5)),
        }
        self.has_resolver = self.luck.random() < 0.7
        self.shops: list[Shop] = []
        self.desk = Desk(self)
        self.life = Life(self)
        self.fate = Fate(self)
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun = 0

    def note(self, line: str) -> None:
        """A line of the story."""
        self.story.append(f"{self.loop.now_s:10.2f} {line}")

    @property
    def now_us(self) -> int:
        """The time as the store writes it."""
        return self.store.stored(self.provider.clock.now())

    def rows(self, statement: str, *values: Any) -> list[Any]:
        """Look into the store."""
        return self.store.rows(statement, *values)

    def _watch(self, name: str, operation_id: str) -> None:
        self.wrong += at_the_wire(self, name, operation_id)

    async def live(self) -> None:
        """From noon to rest."""
        self.note(f"seed {self.seed}, {self.provider.climate}, {self.policies}, dies best at {self.weather.favourite}")
        self.store.reset()
        for _ in range(self.luck.choice((1, 1, 2))):
            self.shops.append(await self._opened())
        self.weather.is_bad = True
        for _ in range(STEPS):
            things = self.life.things()
            self.begin(self.luck.choices(tuple(things), tuple(things.values()))[0])
            gap_s = self.luck.choice(GAPS_S if self.provider.climate == "mixed" else CRAWLING_GAPS_S)
            if self.luck.random() < 0.01:
                gap_s = 100_000
            await asyncio.sleep(gap_s)
        await self._finished()
        await self._heal()
        if self.luck.random() < 0.4:
            await self._epilogue()
        self.wrong += [*self.life.wrong, *at_rest(self)]
        for shop in self.shops:
            await shop.process.end()

    def begin(self, thing: Callable[[], Awaitable[None]]) -> None:
        """Let something happen, beside whatever else does."""
        task = outside(self.loop, self._happen(thing))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _happen(self, thing: Callable[[], Awaitable[None]]) -> None:
        await self.life.happen(thing)
        if self.is_wire_watched:
            self.wrong += on_the_way(self)

    async def _finished(self) -> None:
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    # --- processes --------------------------------------------------------------------------------------------

    async def _opened(self) -> Shop:
        self._begun += 1
        process = Process(self._begun)
        process.on_death = lambda: self._has_died(process)
        return await opened(
            process,
            loop=self.loop,
            store=self.store,
            provider=self.provider,
            weather=self.weather,
            seed=self.seed * 1000 + self._begun,
            policies=self.policies,
        )

    def _has_died(self, process: Process) -> None:
        self.begin(lambda: self._replace(process))

    async def _replace(self, process: Process) -> None:
        """Another process takes the place of one that died, at once or later."""
        await process.end()
        await asyncio.sleep(self.luck.choice((0, 0, 1, 30, 200)))
        shop = await self._opened()
        self.shops = [s for s in self.shops if s.process is not process] + [shop]
        self.count["restarts"] += 1
        self.note(f"process {shop.process.number} begins")

    # --- rest -------------------------------------------------------------------------------------------------

    async def _heal(self) -> None:
        """The weather is fine: what the provider still owes is decided and posted, and the sweeps come until nothing is due."""
        self.note("the weather is fine")
        self.weather.is_bad = self.provider.is_bad = False
        await self._finished()
        for charge in self.provider.charges:
            for movement in tuple(charge.movements.values()):
                if movement.state is S.PENDING:
                    charge.turn(movement.id, self.luck.choice((S.SUCCEEDED, S.SUCCEEDED, S.FAILED)))
                    self.provider.changed(charge, is_told_late=True)
            if charge.status == "pending" and type(charge.next_action).__name__ == "Wait":
                self.fate.decide(charge)
        await asyncio.sleep(60)
        await self._settled()

    async def _settled(self) -> None:
        for number in range(MOST_ROUNDS):
            await self._finished()
            if number and number % 8 == 0:
                await self.desk.end_reserves()
                if self.has_resolver:
                    await self.life.happen(self.desk.resolve)
            for mail in [m for m in self.provider.post if m.sure or self.luck.random() < 0.5]:
                await self.life.happen(lambda mail=mail: self.fate.delivered(mail))  # type: ignore[misc]
            self.provider.post = [m for m in self.provider.post if m.sure]
            await self.desk.calm()
            for sweep in self.shops[0].sweeps:
                await self.shops[0].process.run(sweep.run_once)
            await self.shops[0].process.run(self.shops[0].cashier.drain)
            wait_s = self._next_due_s()
            if wait_s is None:
                return
            await asyncio.sleep(
                wait_s if wait_s > 0.1 else 20
            )  # what is due and not done is leased by somebody who died
        self.wrong.append("the sweeps are never done")

    def _next_due_s(self) -> float | None:
        """Seconds until something has to be done; None: nothing, but for what waits for a person."""
        found = self.rows(
            "SELECT min(at) FROM ("
            " SELECT o.next_check_at AS at FROM operations o JOIN payments p ON p.id = o.payment_id"
            "  WHERE NOT (p.needs_review AND o.state <= 3 AND o.checks > 8 AND o.claim IS NULL)"
            " UNION ALL SELECT next_try_at FROM inbox WHERE state = 'waiting'"
            " UNION ALL SELECT y.pay_until FROM payables y WHERE y.state = 'open' AND NOT EXISTS ("
            "  SELECT 1 FROM payments p WHERE p.invoice_id = y.invoice_id AND (p.is_live OR p.in_doubt)))"
        )[0][0]
        if found is None:
            return None
        return (self.store.moment(found) - self.provider.clock.now()) / timedelta(seconds=1)

    async def _epilogue(self) -> None:
        """When all is over, some customers pay."""
        self.count["epilogues"] += 1
        waiting = [c for c in self.provider.charges if c.status == "pending" or c.method in ("bank", "giro")]
        for charge in self.luck.sample(waiting, min(2, len(waiting))):
            if charge.next_action is not None:
                self.life.pay(charge)
                self.provider.changed(charge, is_told_late=True)
        await asyncio.sleep(60)
        await self._settled()


_STORES: dict[str, Store] = {}


def store(bug: str = "") -> Store:
    """The store that this process of the tests uses for all its worlds; a planted bug has one of its own."""
    if bug not in _STORES:
        loop = SimulatedLoop(0)
        try:
            made = loop.run_until_complete(Store.made(2))
        finally:
            loop.close()
        made.run(*CONSTRAINTS.get(bug, ()))
        _STORES[bug] = made
    return _STORES[bug]


def lived(seed: int, *, bug: str = "", favourite: str = "", climate: str = "", is_wire_watched: bool = True) -> Ended:
    """One world, from its seed. `favourite` is where its processes like to die, `climate` one of `CLIMATES`.

    Without `is_wire_watched` only consequences are found, not the sending of a command that should not have been sent.
    """
    loop = SimulatedLoop(seed)
    loop.set_exception_handler(lambda loop, context: None)
    world = World(seed, store(bug), loop, favourite=favourite, climate=climate, is_wire_watched=is_wire_watched)
    try:
        loop.run_until_complete(world.live())
    except (Died, NobodyThere, StoodStill) as error:
        world.wrong.append(f"the world ended: {error!r}")
    finally:
        loop.close()
    wrong = list(dict.fromkeys(world.wrong))
    return Ended(seed=seed, wrong=wrong, count=world.count, story=world.story, favourite=favourite)


if __name__ == "__main__":
    from tests.kernel.payment.worlds_run import main

    main()
