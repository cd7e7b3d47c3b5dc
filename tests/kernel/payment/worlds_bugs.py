"""Bugs planted on purpose, one at a time: a suite of worlds that no longer finds them is broken.

The four rules, the write-ahead and `max()` are each taken out of the kernel; where a constraint of the database is a second
defence of the same rule, it is taken out too, so that what is found are consequences, not the refusal of a wrong row.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from kassa.kernel import (
    payment_apply,
    payment_books,
    payment_clearing,
    payment_desk,
    payment_fold,
    payment_ledger,
    payment_rules,
    payment_start,
    payment_webhooks,
)
from kassa.kernel.payment_draft import Draft
from kassa.kernel.payment_facts import Facts, Unknown, from_outcome
from kassa.kernel.payment_states import Merged, total
from kassa.kernel.plugin_context import GuardedContext
from kassa.ports.payment_records import OperationState

Plant = Callable[[Any, str, Any], None]

CONSTRAINTS = {"rule a: one live payment": ("DROP INDEX payments_one_live",)}
"""What a bug takes out of the database as well."""


@contextmanager
def planted(bug: str) -> Iterator[None]:
    """The kernel with one of `BUGS` in it; none for an empty name."""
    changed: list[tuple[Any, str, Any]] = []

    def plant(where: Any, name: str, what: Any) -> None:
        changed.append((where, name, getattr(where, name)))
        setattr(where, name, what)

    try:
        if bug:
            BUGS[bug](plant)
        yield
    finally:
        for where, name, was in reversed(changed):
            setattr(where, name, was)


# --- the four rules -------------------------------------------------------------------------------------------


def _two_may_live(plant: Plant) -> None:
    """A new payment begins whatever lives beside it."""
    plant(payment_start, "live_payment", lambda file: None)


def _doubt_is_no_obstacle(plant: Plant) -> None:
    """Money commands go out although an earlier one may have moved money without our knowing."""
    for where in (payment_start, payment_clearing):
        plant(where, "is_doubtful", lambda file: False)
    plant(payment_clearing, "has_stale_doubt", lambda file, now: False)


def _refunds_without_end(plant: Plant) -> None:
    """What went out already, or is on its way, is not counted."""
    for where in (payment_rules, payment_ledger):
        plant(where, "refundable", lambda movements, operations: total(movements, "capture"))


def _captures_without_end(plant: Plant) -> None:
    plant(payment_rules, "capturable", lambda movements, operations: total(movements, "auth"))


# --- the write-ahead and max() --------------------------------------------------------------------------------


def _call_first(plant: Plant) -> None:
    """The provider is called, and then the command is written: as SENT, with the same key, and everything as it was."""
    told: dict[str, Any] = {}
    begin_start, begin, send = payment_start.Starting._begin, payment_books.Books.begin, payment_desk.ProviderDesk.send

    async def started(self: Any, file: Any, plan: Any, claim: Any, origin: Any) -> Any:
        told[plan.operation.id] = await self._desk.start(plan.payment, plan.operation, plan.given, plan.token, 5.0)
        return await begin_start(self, file, plan, claim, origin)

    async def called(self: Any, file: Any, plan: Any, ends_at: float, origin: Any) -> Any:
        return told.pop(file.operations[-1].id), file

    async def begun(self: Any, file: Any, operation: Any, claim: Any, entry: Any) -> Any:
        if operation.kind != "resume":
            told[operation.id] = await send(self._desk, file, operation)
        return await begin(self, file, operation, claim, entry)

    async def sent(self: Any, file: Any, operation: Any, within_s: Any = None, given: Any = None) -> Any:
        return told.pop(operation.id) if operation.id in told else await send(self, file, operation, within_s, given)

    plant(payment_start.Starting, "_begin", started)
    plant(payment_start.Starting, "_call", called)
    plant(payment_books.Books, "begin", begun)
    plant(payment_desk.ProviderDesk, "send", sent)


def _last_word_wins(plant: Plant) -> None:
    plant(payment_apply, "merged", lambda known, told: Merged(movement=told, conflict=False))


# --- and others -----------------------------------------------------------------------------------------------


def _fresh_key(plant: Plant) -> None:
    numbers = iter(range(10**9))
    plant(GuardedContext, "key", lambda self, step="": f"fresh-{next(numbers)}")


def _silence_is_a_decline(plant: Plant) -> None:
    def wrong(operation_id: str, outcome: Any) -> Facts:
        if isinstance(outcome, Unknown):
            return Facts(word="reply", operation_id=operation_id, said=OperationState.FAILED, executed=True)
        return from_outcome(operation_id, outcome)

    async def asks_nobody(self: Any, payment: Any, operation_id: str, outcome: Any, ends_at: float) -> Facts:
        return wrong(operation_id, outcome)

    plant(payment_desk.ProviderDesk, "resolved", asks_nobody)
    plant(payment_books, "from_outcome", wrong)
    plant(payment_clearing, "from_outcome", wrong)


def _no_posting(plant: Plant) -> None:
    plant(payment_ledger, "_post_movement", lambda draft, step, now: None)


def _doubt_is_the_end(plant: Plant) -> None:
    """A payment without an answer counts as over: neither live nor in the way."""
    real = payment_fold.fold

    def fold(draft: Draft) -> None:
        real(draft)
        if draft.start.state is OperationState.UNKNOWN:
            draft.note(is_live=False)

    for where in (payment_fold, payment_apply):
        plant(where, "fold", fold)
    for where in (payment_start, payment_clearing):
        plant(where, "is_doubtful", lambda file: False)


def _crashed_calls_are_forgotten(plant: Plant) -> None:
    real = payment_desk.ProviderDesk.command

    def command(self: Any, *args: Any) -> Any:
        return replace(real(self, *args), next_check_at=None)

    plant(payment_desk.ProviderDesk, "command", command)


def _hints_are_believed(plant: Plant) -> None:
    """What a notice says counts, whatever its proof covers."""
    real = payment_webhooks.Webhooks._keep

    async def keep(self: Any, instance: str, raw: Any, verdict: Any, *, is_trusted: bool) -> None:
        await real(self, instance, raw, verdict, is_trusted=True)

    plant(payment_webhooks.Webhooks, "_keep", keep)


BUGS: dict[str, Callable[[Plant], None]] = {
    "rule a: one live payment": _two_may_live,
    "rule b: no command in doubt": _doubt_is_no_obstacle,
    "rule c: refunds within captures": _refunds_without_end,
    "rule d: captures within reserves": _captures_without_end,
    "write-ahead": _call_first,
    "max(): the last word wins": _last_word_wins,
    "a fresh key on retry": _fresh_key,
    "a time-out taken as a decline": _silence_is_a_decline,
    "no posting": _no_posting,
    "paying beside a doubt": _doubt_is_the_end,
    "crashed calls are forgotten": _crashed_calls_are_forgotten,
    "hints are believed": _hints_are_believed,
}
