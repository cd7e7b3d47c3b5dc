"""A bank's file on its way in and the report on its way out. Pure."""

import hashlib
import re
from collections import Counter
from datetime import date
from typing import Final

from msgspec.structs import replace

from kassa.kernel.payment_facts import bank_movement
from kassa.kernel.payment_lines import Judgement
from kassa.ports.bank_desk import LineReport, StatementReport
from kassa.ports.bank_files import KeptLine, LineState, NewLine, Statement
from kassa.ports.banking import BankFile, BankLine, Day

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")


MOST_DAYS: Final = 14
"""So far apart two files may tell the booking day of one transfer: when it was announced, and when it was booked."""


class Outcome:
    """What is said of each line of a file, by line id: what became of it, or would; what was known of it before."""

    def __init__(self) -> None:
        self.judgements: dict[str, Judgement] = {}
        self.known: dict[str, KeptLine] = {}
        self.waiting: set[str] = set()


def cleaned(file: BankFile) -> tuple[NewLine, ...]:
    """The lines as they are kept: no control characters, which no database and no page wants; and what their money is called."""
    return tuple(_new(_without_controls(line)) for line in file.lines)


def _new(line: BankLine) -> NewLine:
    return NewLine(line=line, movement_id=bank_movement(" ".join(line.id.split())))


def _without_controls(line: BankLine) -> BankLine:
    return replace(
        line,
        id=_plain(line.id),
        place=_plain(line.place),
        doubt=_plain(line.doubt),
        counterparty=_plain(line.counterparty),
        account=_plain(line.account),
        text=_plain(line.text),
        references=tuple(replace(one, value=_CONTROL.sub("", one.value) or "-") for one in line.references),
    )


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", text)


def contradicting(new: NewLine, known: KeptLine | None) -> NewLine:
    """The line as it is, or, where one with its id was told before with another amount, or of quite another day, under an id of
    its own and doubtful: one of the two is not what it seems, or the bank gave one reference twice."""
    line = new.line
    if known is None:
        return new
    told, was = f"{line.direction}/{line.amount}", f"{known.line.direction} {known.line.amount}"
    if (known.line.amount, known.line.direction) == (line.amount, line.direction):
        if _days_between(known.line.booked_on, line.booked_on) <= MOST_DAYS:
            return new
        told, was = f"{told}/{line.booked_on}", f"{was} of {known.line.booked_on}"
    digest = hashlib.sha256(told.encode()).hexdigest()[:8]
    doubt = f"the reference {line.id} was told before with {was}"[:300]
    return _new(replace(line, id=f"{line.id[:130]}~{digest}", doubt=doubt))


def _days_between(one: Day | None, other: Day | None) -> int:
    if one is None or other is None:
        return 0
    return abs((date.fromisoformat(one) - date.fromisoformat(other)).days)


def report_of(
    method: str,
    file: BankFile,
    lines: tuple[NewLine, ...],
    outcome: Outcome,
    *,
    statement: Statement | None,
    dry_run: bool,
) -> StatementReport:
    """The report on a whole file, line by line."""
    told = tuple(_line(new, outcome) for new in lines)
    return StatementReport(
        dry_run=dry_run,
        method=method,
        account=_plain(file.account),
        statement=statement,
        verdicts=dict(sorted(Counter(line.verdict for line in told).items())),
        lines=told,
        left_out=file.left_out,
    )


def _line(new: NewLine, outcome: Outcome) -> LineReport:
    line = new.line
    known, judgement = outcome.known.get(line.id), outcome.judgements.get(line.id)
    if judgement is None:
        judgement = _known(known)
    return LineReport(
        place=line.place,
        line_id=line.id,
        direction=line.direction,
        amount=line.amount,
        booked_on=line.booked_on,
        payer=line.counterparty,
        account=line.account,
        text=line.text,
        verdict=judgement.verdict,
        reason=judgement.reason,
        payments=judgement.payments,
        state=LineState.WAITING if line.id in outcome.waiting else judgement.state,
    )


def _known(known: KeptLine | None) -> Judgement:
    if known is None:
        return Judgement(verdict="known", reason="imported at this moment by somebody else", does="nothing")
    was = known.verdict or "not processed yet"
    return Judgement(verdict="known", reason=f"imported before: {was}"[:300], does="nothing", payments=known.payments)
