"""The bank desk: reads a statement through its method, keeps it whole or not at all, and says of each line what became of it."""

import hashlib
import re
from typing import Final

import msgspec
from msgspec.structs import asdict

from kassa.kernel.payment_facts import Unknown
from kassa.kernel.payment_lines import Judgement, judged, learned
from kassa.kernel.payment_lines_sight import AT_ONCE, Sights
from kassa.kernel.payment_lines_work import LEASE_S, LineWork
from kassa.kernel.payment_matching import matched
from kassa.kernel.payment_statements_told import Outcome, cleaned, contradicting, report_of
from kassa.kernel.payment_suspense import unmatched_key
from kassa.kernel.plugin_guard import GuardedMethod
from kassa.kernel.plugin_host import LoadedMethods
from kassa.ports.audit import AuditEntry, Origin
from kassa.ports.bank_desk import BankStatement, Proposal, ProposedSuspense, StatementReport
from kassa.ports.bank_files import (
    BankFiles,
    HeldLine,
    KeepStatement,
    KeptLine,
    LineId,
    LinePage,
    NewLine,
    StatementId,
    StatementPage,
)
from kassa.ports.banking import BankFile, Unreadable
from kassa.ports.clock import Clock
from kassa.ports.errors import NotCapable, StatementRefused, Unavailable, UnknownMethod
from kassa.ports.failpoints import Failpoints
from kassa.ports.ids import Ids
from kassa.ports.payment import Log
from kassa.ports.payment_records import Suspense
from kassa.ports.treasury import Review
from kassa.ports.values import Page

MAX_BYTES: Final = 16 * 1024 * 1024
PATIENCE_S: Final = 5.0
"""So long an import processes its lines itself; what is left then is the sweep's."""
_ASKED: Final = 1000
_PART: Final = re.compile(r"/(?:part|rest)/[^/]*\Z")


class KernelBankDesk:
    """`ports.bank_desk.BankDesk`."""

    def __init__(
        self,
        *,
        files: BankFiles,
        methods: LoadedMethods,
        sights: Sights,
        work: LineWork,
        clock: Clock,
        failpoints: Failpoints,
    ) -> None:
        self._files, self._methods, self._sights, self._work = files, methods, sights, work
        self._clock, self._failpoints = clock, failpoints

    async def bring(self, given: BankStatement, origin: Origin, *, dry_run: bool) -> StatementReport:
        """See `ports.bank_desk.BankDesk`."""
        method = self.reader(given.method)
        file = await _read(method, given)
        outcome = Outcome()
        lines = await self._compared(method.name, cleaned(file), outcome)
        fresh = tuple(new for new in lines if new.line.id not in outcome.known)
        if dry_run:
            outcome.judgements = await self._foreseen(method.name, fresh)
            return report_of(method.name, file, lines, outcome, statement=None, dry_run=True)
        act = self._keeping(method.name, given, file, lines, origin)
        await self._failpoints.reach("statement.before_keep")
        kept = await self._files.keep(act, lease_s=LEASE_S)
        await self._failpoints.reach("statement.after_keep")
        await self._process(kept.held, origin, outcome)
        statement = kept.statement and await self._files.statement(method.name, act.sha256)
        return report_of(method.name, file, lines, outcome, statement=statement, dry_run=False)

    async def statements(self, page: Page) -> StatementPage:
        """See `ports.bank_desk.BankDesk`."""
        return await self._files.statements(page)

    async def lines(self, statement_id: StatementId, page: Page) -> LinePage:
        """See `ports.bank_desk.BankDesk`."""
        return await self._files.lines(statement_id, page)

    async def reviewed(self, line_id: LineId, word: Review, origin: Origin) -> KeptLine:
        """See `ports.bank_desk.BankDesk`."""
        note = word.reason.strip()
        audit = AuditEntry(
            action="statement.reviewed",
            subject=f"line:{line_id}",
            origin=origin,
            at=self._clock.now(),
            details=msgspec.json.encode({"note": note}),
        )
        return await self._files.reviewed(line_id, note, audit)

    async def proposed(self, rows: tuple[Suspense, ...]) -> tuple[ProposedSuspense, ...]:
        """See `ports.bank_desk.BankDesk`."""
        proposals: dict[str, tuple[Proposal, ...]] = {}
        for method in {row.method for row in rows if row.reason == "unmatched"}:
            proposals |= await self._proposals(method, tuple(row for row in rows if row.method == method))
        return tuple(ProposedSuspense(**asdict(row), proposals=proposals.get(row.key, ())) for row in rows)

    def reader(self, name: str) -> GuardedMethod:
        """The method of this name that reads bank files; the only one for no name. Raises `UnknownMethod`, `NotCapable`."""
        if not name:
            able = [method for method in self._methods.all() if method.capabilities.statements]
            if len(able) != 1:
                raise UnknownMethod(f"{len(able)} payment methods read bank files: name one")
            return able[0]
        method = self._methods.get(name)
        if method is None:
            raise UnknownMethod(name)
        if not method.capabilities.statements:
            raise NotCapable(f"{name} reads no bank files")
        return method

    async def _compared(self, method: str, lines: tuple[NewLine, ...], outcome: Outcome) -> tuple[NewLine, ...]:
        """The lines, with what is known of them in `outcome`; one that contradicts what is known is another line."""
        known = await self._known(method, lines)
        lines = tuple(contradicting(new, known.get(new.line.id)) for new in lines)
        outcome.known = known | await self._known(method, tuple(n for n in lines if n.line.id not in known))
        return lines

    async def _known(self, method: str, lines: tuple[NewLine, ...]) -> dict[str, KeptLine]:
        found: dict[str, KeptLine] = {}
        for start in range(0, len(lines), _ASKED):
            names = tuple(new.line.id for new in lines[start : start + _ASKED])
            found |= {kept.line.id: kept for kept in await self._files.lines_named(method, names)}
        return found

    async def _foreseen(self, method: str, lines: tuple[NewLine, ...]) -> dict[str, Judgement]:
        """What would be said of lines, one after the other, if they were processed now."""
        found: dict[str, Judgement] = {}
        bills = await self._sights.open_bills(method) if lines else ()
        for start in range(0, len(lines), AT_ONCE):
            some = lines[start : start + AT_ONCE]
            sight = await self._sights.sight(method, some, bills)
            for new in some:
                found[new.line.id] = judged(new.line, new.movement_id, sight)
                sight = learned(sight, new.line, found[new.line.id])
            bills = sight.known.bills.all()
        return found

    async def _process(self, held: tuple[HeldLine, ...], origin: Origin, outcome: Outcome) -> None:
        done = await self._work.process(held, origin, within_s=PATIENCE_S)
        left = tuple(one for one in held if one.id not in done)
        outcome.judgements = {one.line.id: done[one.id] for one in held if one.id in done}
        if left:
            again = tuple(NewLine(line=one.line, movement_id=one.movement_id) for one in left)
            outcome.judgements |= await self._foreseen(left[0].method, again)
            outcome.waiting = {one.line.id for one in left}

    def _keeping(
        self, method: str, given: BankStatement, file: BankFile, lines: tuple[NewLine, ...], origin: Origin
    ) -> KeepStatement:
        digest = hashlib.sha256(given.data).hexdigest()
        name = re.sub(r"[\x00-\x1f\x7f]+", " ", given.name)
        account = re.sub(r"[\x00-\x1f\x7f]+", " ", file.account)
        details = {"name": name, "account": account, "lines": len(lines), "sha256": digest}
        return KeepStatement(
            method=method,
            sha256=digest,
            name=name,
            form=given.form,
            account=account,
            lines=lines,
            left_out=len(file.left_out),
            audit=AuditEntry(
                action="statement.imported",
                subject=f"statement:{method}/{digest[:16]}",
                origin=origin,
                at=self._clock.now(),
                details=msgspec.json.encode(details),
            ),
        )

    async def _proposals(self, method: str, rows: tuple[Suspense, ...]) -> dict[str, tuple[Proposal, ...]]:
        names = {row.key: _PART.sub("", row.key.removeprefix(unmatched_key(method, ""))) for row in rows}
        kept = {line.movement_id: line for line in await self._files.lines_named(method, tuple(names.values()))}
        lines = tuple(NewLine(line=line.line, movement_id=line.movement_id) for line in kept.values())
        sights = [await self._sights.sight(method, lines[n : n + AT_ONCE], await self._sights.open_bills(method))
                  for n in range(0, len(lines), AT_ONCE)]  # fmt: skip
        found: dict[str, tuple[Proposal, ...]] = {}
        for number, new in enumerate(lines):
            match = matched(new.line, sights[number // AT_ONCE].known)
            if match is not None:
                found[new.movement_id] = tuple(
                    Proposal(payment_id=bill.payment_id, invoice_id=bill.invoice_id, reason=match.reason)
                    for bill in match.bills
                )
        return {key: found.get(name, ()) for key, name in names.items()}


async def _read(method: GuardedMethod, given: BankStatement) -> BankFile:
    """Raises `NotCapable`, `StatementRefused`, `Unavailable`."""
    if given.form.partition(":")[0] not in ("auto", *method.capabilities.statements):  # csv:<profile>
        raise NotCapable(f"{method.name} does not read {given.form}, but {', '.join(method.capabilities.statements)}")
    if len(given.data) > MAX_BYTES:
        raise StatementRefused("the file", f"it has more than {MAX_BYTES} bytes")
    told = await method.statement(given.data, given.form)
    if isinstance(told, Unreadable):
        raise StatementRefused(told.place, told.reason)
    if isinstance(told, Unknown):
        if told.reason.startswith("busy"):
            raise Unavailable(f"{method.name}: {told.reason}")
        raise StatementRefused("the file", f"{method.name} could not read it: {told.reason}"[:300])
    return told


class StatementSweep:
    """Sweep: lines whose import did not process them to the end."""

    def __init__(self, *, files: BankFiles, work: LineWork, clock: Clock, ids: Ids, log: Log) -> None:
        self._files, self._work, self._clock, self._ids, self._log = files, work, clock, ids, log

    async def run_once(self) -> int:
        """How many were taken in hand. One that fails is left to its lease."""
        held = await self._files.claim_lines(now=self._clock.now(), limit=AT_ONCE, lease_s=LEASE_S)
        origin = Origin(actor="system:statements", request_id=self._ids.short_token())
        for method in sorted({one.method for one in held}):
            mine = tuple(one for one in held if one.method == method)
            done = await self._work.process(mine, origin, within_s=LEASE_S / 2)
            self._log.info("statement.swept", method=method, lines=len(mine), settled=len(done))
        return len(held)
