"""What a plugin returned, decoded as if it had come over a wire: exact types, sizes, enums, money above zero."""

from datetime import date
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kassa.ports.banking import BankFile, PayoutFile, Unreadable
from kassa.ports.payment import (
    Accept,
    AnyOutcome,
    AnyVerdict,
    Declined,
    Event,
    Ignore,
    Movement,
    NextAction,
    NotExecuted,
    Pending,
    Redirect,
    Reject,
    Report,
    Succeeded,
)

MAX_ANSWER_BYTES = 512 * 1024
MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_MOVEMENTS = 1000
MAX_EVENTS = 1000
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Malformed(Exception):
    """Not an answer of this contract; the message holds no value of it."""


def outcome_of(answer: object) -> AnyOutcome:
    """A command's result. Raises `Malformed`."""
    outcome: AnyOutcome = _decoded(answer, (Succeeded, Pending, Declined, NotExecuted), AnyOutcome)
    _check_movements(outcome.movements)
    if isinstance(outcome, Pending):
        _check_action(outcome.next_action)
    return outcome


def report_of(answer: object) -> Report:
    """A provider's word on a payment. Raises `Malformed`."""
    return _checked_report(_decoded(answer, (Report,), Report))


def verdict_of(answer: object) -> AnyVerdict:
    """A judged notice. Raises `Malformed`."""
    verdict: AnyVerdict = _decoded(answer, (Accept, Ignore, Reject), AnyVerdict)
    if isinstance(verdict, Accept):
        check_events(verdict.events)
    return verdict


def bank_file_of(answer: object) -> BankFile | Unreadable:
    """What a bank's file tells. Raises `Malformed`."""
    if type(answer) is Unreadable:
        unreadable: Unreadable = _decoded(answer, (Unreadable,), Unreadable)
        return unreadable
    file: BankFile = _decoded(answer, (BankFile,), BankFile, MAX_FILE_BYTES)
    if len({line.id for line in file.lines}) != len(file.lines):
        raise Malformed("one line twice")
    if any(line.amount.amount <= 0 for line in file.lines):
        raise Malformed("a line of nothing")
    if not all(_is_day(line.booked_on) for line in file.lines if line.booked_on is not None):
        raise Malformed("a day that is none")
    return file


def _is_day(written: str) -> bool:
    try:
        return date.fromisoformat(written).isoformat() == written
    except ValueError:
        return False


def payout_file_of(answer: object) -> PayoutFile:
    """An order for the bank. Raises `Malformed`."""
    file: PayoutFile = _decoded(answer, (PayoutFile,), PayoutFile, MAX_FILE_BYTES)
    return file


def flag_of(answer: object) -> bool:
    """A plain yes or no. Raises `Malformed`."""
    if type(answer) is not bool:
        raise Malformed(f"returned {type(answer).__name__[:60]}")
    return answer


def check_events(events: tuple[Event, ...]) -> None:
    """Raises `Malformed` for too many events, or one whose report or money is not possible."""
    if len(events) > MAX_EVENTS:
        raise Malformed("too many events")
    for event in events:
        if event.report is not None:
            _checked_report(event.report)
        if event.unmatched is not None:
            _check_movements((event.unmatched,))


def _decoded(answer: object, kinds: tuple[type, ...], shape: Any, most: int = MAX_ANSWER_BYTES) -> Any:
    """The very classes of the contract, every field of its declared type: encoded and decoded again, strictly."""
    if type(answer) not in kinds:
        raise Malformed(f"returned {type(answer).__name__[:60]}")
    try:
        wire = msgspec.json.encode(answer)
        if len(wire) > most:
            raise Malformed("returned too much")
        return msgspec.json.decode(wire, type=shape, strict=True)
    except Malformed:
        raise
    except Exception as error:
        raise Malformed(f"returned a {type(answer).__name__} that cannot be ({type(error).__name__})") from None


def _checked_report(report: Report) -> Report:
    _check_movements(report.movements)
    if report.next_action is not None:
        _check_action(report.next_action)
    return report


def _check_movements(movements: tuple[Movement, ...]) -> None:
    if len(movements) > MAX_MOVEMENTS:
        raise Malformed("too many movements")
    names = {(movement.kind, movement.id) for movement in movements}
    if len(names) != len(movements):
        raise Malformed("one movement twice")
    for movement in movements:
        if movement.amount.amount <= 0:
            raise Malformed("a movement of nothing")


def _check_action(action: NextAction) -> None:
    """The customer's browser is sent to https only (plain http on loopback, for the sandbox)."""
    if not isinstance(action, Redirect):
        return
    try:
        target = urlsplit(action.url)
        host = target.hostname
    except ValueError:
        raise Malformed("a redirect to no address") from None
    if not host or not (target.scheme == "https" or (target.scheme == "http" and host in _LOOPBACK)):
        raise Malformed("a redirect to a place that is not https")
