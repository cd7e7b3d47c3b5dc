"""What an examination found, for a person and for a program."""

from collections import Counter
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from kassa.ports.hooks import API, PaymentMethodFactory

from .runner import Result, Status

GROUPS = {
    "declare": "What it declares, and keeps to itself",
    "command": "START: what is sent, and what is made of the answer",
    "operation": "Capture, void, refund, resume",
    "query": "Queries",
    "webhook": "Webhooks",
    "money": "Money in parts, back, and late",
}
MARKS: dict[Status, str] = {"passed": "ok", "failed": "FAIL", "skipped": "-", "unproved": "?"}


class Found(Struct, kw_only=True):
    """One check, as JSON tells it."""

    id: str
    status: Status
    claim: str
    why: str
    reason: str
    expected: str
    seen: str
    took_s: float


class Examination(Struct, kw_only=True):
    """A whole report, as JSON tells it. `conforms`: nothing failed; `unproved` says what was not looked at for want of a double
    that can do it."""

    method: str
    title: str
    contract: tuple[int, int]
    conforms: bool
    passed: int
    failed: int
    skipped: int
    unproved: int
    took_s: float
    checks: list[Found]


def as_json(factory: PaymentMethodFactory, results: Sequence[Result]) -> bytes:
    """The report for a program."""
    count = Counter(result.status for result in results)
    told = Examination(
        method=factory.id,
        title=factory.title,
        contract=API,
        conforms=conforms(results),
        passed=count["passed"],
        failed=count["failed"],
        skipped=count["skipped"],
        unproved=count["unproved"],
        took_s=round(sum(result.took_s for result in results), 3),
        checks=[_found(result) for result in results],
    )
    return msgspec.json.format(msgspec.json.encode(told), indent=2)


def _found(result: Result) -> Found:
    check = result.check
    return Found(
        id=check.id, status=result.status, claim=check.claim, why=check.why, reason=result.reason,
        expected=result.expected, seen=result.seen, took_s=round(result.took_s, 3),
    )  # fmt: skip


def conforms(results: Sequence[Result]) -> bool:
    """Whether anything was found, and nothing failed."""
    return any(result.status == "passed" for result in results) and all(result.status != "failed" for result in results)


def heading(group: str) -> str:
    """The line above a group of checks."""
    return f"\n{GROUPS.get(group, group)}"


def line(result: Result) -> str:
    """One check; a failure with all that is known of it."""
    check = result.check
    first = f"  {MARKS[result.status]:>4}  {check.id:<30} {check.claim}"
    if result.status == "failed":
        return "\n".join(
            [
                first,
                f"{'':8}expected: {result.expected}",
                f"{'':8}seen:     {result.seen}",
                f"{'':8}why:      {check.why}",
            ]
        )
    return f"{first}\n{'':8}{result.status}: {result.reason}" if result.reason else first


def summary(factory: PaymentMethodFactory, results: Sequence[Result]) -> str:
    """The last lines."""
    count = Counter(result.status for result in results)
    took_s = sum(result.took_s for result in results)
    told = [
        f"\n{factory.id}: {count['passed']} passed, {count['failed']} failed, {count['skipped']} not applicable, "
        f"{count['unproved']} unproved, in {took_s:.1f} s"
    ]
    if count["unproved"]:
        told.append("unproved: these checks apply, and the subject or its double does not offer what they need.")
    if not conforms(results):
        told.append(f"{factory.id} does not conform to the contract {API[0]}.{API[1]}.")
    return "\n".join(told)


def text(factory: PaymentMethodFactory, results: Sequence[Result]) -> str:
    """The report for a person, at once."""
    told, group = [], ""
    for result in results:
        if result.check.group != group:
            group = result.check.group
            told.append(heading(group))
        told.append(line(result))
    return "\n".join([*told, summary(factory, results)])
