"""`kassa plugin check`: the conformance kit for payment methods, from the command line."""

import sys
from collections.abc import Callable
from pathlib import Path

from kassa.ports.conformance.payment_method import report
from kassa.ports.conformance.payment_method.checks import ALL
from kassa.ports.conformance.payment_method.finding import subject_of
from kassa.ports.conformance.payment_method.runner import Result, run_all


def check(place: str, *, as_json: bool, tell: Callable[[str], None]) -> bool:
    """Examine the subject in `module` or `module:Name`, found from the current directory too, and tell what comes out, line by
    line as it comes. Whether it conforms. Raises `NoSubject`."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    subject = subject_of(place)
    results: list[Result] = []
    group = ""
    for result in run_all(ALL, subject):
        results.append(result)
        if as_json:
            continue
        if result.check.group != group:
            group = result.check.group
            tell(report.heading(group))
        tell(report.line(result))
    tell(report.as_json(subject.factory, results).decode() if as_json else report.summary(subject.factory, results))
    return report.conforms(results)
