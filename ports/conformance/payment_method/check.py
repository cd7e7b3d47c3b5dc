"""What a check is, and what switches it on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from kassa.ports.payment import Capabilities

from .bench import Bench
from .subject import Subject

Condition: TypeAlias = Callable[[Subject], str]
"""Why a check does not apply to a subject; empty if it does."""


@dataclass(frozen=True)
class Check:
    """One question to a payment method.

    `id` is `group.name`. `claim` is the sentence that is true of a good method; `why` is what happens to a shop otherwise.
    `run` returns if the claim holds, and raises `Failed`, `Skipped` or `NotOffered`. `when` are the conditions under which it
    applies. A check without `provider` gets a bench that is not open: it may look at the subject, and nothing else.
    """

    id: str
    claim: str
    why: str
    run: Callable[[Bench], Awaitable[None]]
    when: tuple[Condition, ...] = ()
    provider: bool = True

    @property
    def group(self) -> str:
        """The part of the examination that it belongs to."""
        return self.id.partition(".")[0]

    def skips(self, subject: Subject) -> str:
        """Why it does not apply; empty if it does."""
        return next((reason for reason in (condition(subject) for condition in self.when) if reason), "")


def check(
    id: str, claim: str, why: str, *when: Condition, provider: bool = True
) -> Callable[[Callable[[Bench], Awaitable[None]]], Check]:
    """Make a check of a coroutine function."""

    def made(run: Callable[[Bench], Awaitable[None]]) -> Check:
        return Check(id=id, claim=claim, why=why, run=run, when=when, provider=provider)

    return made


def declares(what: str, test: Callable[[Capabilities], bool]) -> Condition:
    """Applies to methods whose capabilities pass `test`; `what` completes "the method declares no ..."."""

    def condition(subject: Subject) -> str:
        return "" if test(subject.kind.capabilities) else f"the method declares no {what}"

    return condition


def has_provider(subject: Subject) -> str:
    """Applies to methods that speak with somebody."""
    return "the method has no provider" if subject.offline else ""


captures = declares("auth_capture", lambda can: can.auth_capture)
captures_partly = declares("partial_capture", lambda can: can.auth_capture and can.partial_capture)
captures_often = declares("multi_capture", lambda can: can.auth_capture and can.multi_capture)
voids = declares("void", lambda can: can.void)
refunds = declares("refund", lambda can: can.refund != "none")
refunds_partly = declares("partial refund", lambda can: can.refund in ("partial", "multiple"))
refunds_often = declares("multiple refunds", lambda can: can.refund == "multiple")
resumes = declares("resume", lambda can: can.resume)
hears = declares("webhooks", lambda can: can.webhook_trust != "none")
signs_all = declares("signed_body", lambda can: can.webhook_trust == "signed_body")
signs_fields = declares("signed_fields", lambda can: can.webhook_trust == "signed_fields")
signs_less = declares("weaker webhook trust", lambda can: can.webhook_trust in ("signed_fields", "shared_token"))
finds_by_ref = declares("query_by_merchant_ref", lambda can: can.query_by_merchant_ref)
sends_a_key = declares("idempotency by header", lambda can: can.idempotency == "header")
is_idempotent = declares("idempotency", lambda can: can.idempotency != "none")
takes_any_amount = declares("open_amount", lambda can: can.open_amount)
reads_statements = declares("statements", lambda can: bool(can.statements))
writes_orders = declares("payouts", lambda can: can.payouts)
