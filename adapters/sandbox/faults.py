"""The scripted faults: what each one does, and the tokens, amounts and queue that choose one."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from .model import NextFault, Notify, Plan, RefundOutcome, Refused

Outcome = Literal["ok", "decline", "action", "pending", "late"]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One way to misbehave, in three independent parts: before the work, in the work, and instead of the answer."""

    name: str
    what: str
    before: Literal["", "hang", "slow", "error", "reset", "not_found"] = ""
    outcome: Outcome = "ok"
    after: Literal["", "hang", "error", "garbage", "truncated", "reset"] = ""
    extra: int = 0
    wrong_currency: bool = False
    odd_status: bool = False
    notify: Notify = "once"
    decline_code: str = "do_not_honor"
    delay_ms: int | None = None

    def plan(self, refunds: RefundOutcome = "ok") -> Plan:
        """What of this fault stays with the object it created."""
        return Plan(
            extra=self.extra,
            wrong_currency=self.wrong_currency,
            notify=self.notify,
            refunds=refunds,
            odd_status=self.odd_status,
        )

    @property
    def touches_only_the_wire(self) -> bool:
        """True if it can also strike a repeated call, whose work was done before."""
        return bool(self.before or self.after)


_ALL = (
    Fault(name="ok", what="Works."),
    Fault(
        name="decline",
        what="Declined; decline_code do_not_honor or insufficient_funds.",
        outcome="decline",
    ),
    Fault(
        name="3ds",
        what="requires_action with a redirect_url; the customer approves or declines there.",
        outcome="action",
    ),
    Fault(
        name="timeout_before",
        what="Nothing is done and nothing answered (60 s, or until the caller hangs up).",
        before="hang",
    ),
    Fault(name="timeout_after", what="Done, but the answer is never sent.", after="hang"),
    Fault(name="slow", what="Waits 2 s (--slow-ms, delay_ms), then works.", before="slow"),
    Fault(name="pending", what="Pending until the control endpoint settles it.", outcome="pending"),
    Fault(
        name="late_success",
        what="Pending, then succeeds by itself after 1.5 s (--late-ms, delay_ms), with a webhook.",
        outcome="late",
    ),
    Fault(name="wrong_amount", what="The movement reports one minor unit too much.", extra=1),
    Fault(name="wrong_currency", what="The movement reports another currency.", wrong_currency=True),
    Fault(
        name="unknown_status",
        what="Pending, under a status that nobody was told of, until the control endpoint settles it.",
        outcome="pending",
        odd_status=True,
    ),
    Fault(name="dup_webhook", what="Every event is delivered five times at once.", notify="five_times"),
    Fault(
        name="reorder_webhook",
        what="Pending first; every event is followed by all older snapshots, newest first.",
        notify="newest_first",
    ),
    Fault(name="no_webhook", what="No event is ever delivered.", notify="never"),
    Fault(name="error_500", what="Nothing is done; the answer is a 500.", before="error"),
    Fault(name="error_500_after", what="Done, but the answer is a 500.", after="error"),
    Fault(name="garbage", what="Done, but the answer is 200 with an HTML page.", after="garbage"),
    Fault(
        name="truncated",
        what="Done, but the answer breaks off in the middle of its JSON.",
        after="truncated",
    ),
    Fault(name="reset", what="Done, but the connection is closed without an answer.", after="reset"),
    Fault(
        name="reset_before",
        what="Nothing is done and the connection is closed without an answer.",
        before="reset",
    ),
    Fault(
        name="not_found",
        what="For op query: a 404 or an empty list, although it exists.",
        before="not_found",
    ),
)

FAULTS = {fault.name: fault for fault in _ALL}


class Token(msgspec.Struct, frozen=True):
    """A test source: the fault it stands for and how refunds of its charge end."""

    fault: str
    decline_code: str | None = None
    refunds: RefundOutcome = "ok"


TOKENS = {
    "tok_ok": Token("ok"),
    "tok_decline": Token("decline", "do_not_honor"),
    "tok_insufficient": Token("decline", "insufficient_funds"),
    "tok_3ds": Token("3ds"),
    "tok_timeout_before": Token("timeout_before"),
    "tok_timeout_after": Token("timeout_after"),
    "tok_slow": Token("slow"),
    "tok_pending": Token("pending"),
    "tok_late_success": Token("late_success"),
    "tok_wrong_amount": Token("wrong_amount"),
    "tok_wrong_currency": Token("wrong_currency"),
    "tok_unknown_status": Token("unknown_status"),
    "tok_dup_webhook": Token("dup_webhook"),
    "tok_reorder_webhook": Token("reorder_webhook"),
    "tok_no_webhook": Token("no_webhook"),
    "tok_500": Token("error_500"),
    "tok_500_after": Token("error_500_after"),
    "tok_garbage": Token("garbage"),
    "tok_truncated": Token("truncated"),
    "tok_reset": Token("reset"),
    "tok_reset_before": Token("reset_before"),
    "tok_refund_pending": Token("ok", None, "pending"),
    "tok_refund_decline": Token("ok", None, "decline"),
}

# Only with --amount-faults, only for wallets and virtual accounts: the last two digits of the amount in minor units.
AMOUNTS = {
    71: "decline",
    72: "timeout_before",
    73: "timeout_after",
    74: "slow",
    75: "pending",
    76: "late_success",
    77: "wrong_amount",
    78: "wrong_currency",
    79: "dup_webhook",
    80: "reorder_webhook",
    81: "no_webhook",
    82: "error_500",
    83: "error_500_after",
    84: "garbage",
    85: "truncated",
    86: "reset",
    87: "unknown_status",
}

_CARD_NUMBER = re.compile(r"(?:\d[ -]?){12,18}\d")


def of_source(source: str) -> tuple[Fault, RefundOutcome]:
    """The fault a token stands for; raises Refused for an unknown one and for anything like a card number."""
    if _CARD_NUMBER.search(source):
        raise Refused(400, "card_number_refused", "send a token, never a card number")
    token = TOKENS.get(source)
    if token is None:
        raise Refused(400, "unknown_source", "source is not one of the test tokens")
    fault = FAULTS[token.fault]
    if token.decline_code is not None:
        fault = msgspec.structs.replace(fault, decline_code=token.decline_code)
    return fault, token.refunds


def of_amount(amount: int) -> Fault:
    """The fault the last two digits stand for; `ok` for all others."""
    return FAULTS[AMOUNTS.get(amount % 100, "ok")]


def of_queue(queue: tuple[NextFault, ...], op: str, replay: bool) -> Fault | None:
    """The first waiting fault for this kind of call. A repeated call meets only faults of the wire: its work is done."""
    for waiting in queue:
        fault = FAULTS[waiting.fault]
        if waiting.op == op and (fault.touches_only_the_wire or not replay):
            return msgspec.structs.replace(
                fault,
                decline_code=waiting.decline_code or fault.decline_code,
                delay_ms=waiting.delay_ms,
            )
    return None
