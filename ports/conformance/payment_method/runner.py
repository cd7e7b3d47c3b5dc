"""Runs checks, each in a thread and an event loop of its own, each for a bounded time."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .bench import Bench
from .check import Check
from .outcome import Failed, NotOffered, Skipped
from .subject import CANARY, Subject

LIMIT_S = 20.0
GRACE_S = 10.0
Status: TypeAlias = Literal["passed", "failed", "skipped", "unproved"]


@dataclass(frozen=True)
class Result:
    """How one check ended. `skipped`: does not apply, by what the method declares. `unproved`: applies, and the subject does
    not offer what it needs. `reason` explains these two; `expected` and `seen` a failure."""

    check: Check
    status: Status
    reason: str = ""
    expected: str = ""
    seen: str = ""
    took_s: float = 0.0


def run_check(check: Check, subject: Subject) -> Result:
    """Examine one thing. Never raises for what the plugin or its double does, and never hangs: a thread that does not come
    back is left behind."""
    reason = check.skips(subject)
    if reason:
        return Result(check, "skipped", reason)
    results: queue.Queue[Result] = queue.Queue(1)
    thread = threading.Thread(
        target=lambda: asyncio.run(_examined(check, subject, results)), name=f"kassa-{check.id}", daemon=True
    )
    thread.start()
    with contextlib.suppress(queue.Empty):
        result = results.get(timeout=LIMIT_S + GRACE_S)
        thread.join(GRACE_S)
        return result
    return Result(check, "failed", expected=f"an end within {LIMIT_S:g} s", seen="it never ends")


def run_all(checks: Iterable[Check], subject: Subject) -> Iterator[Result]:
    """Examine everything, one after the other."""
    subject.begin()
    try:
        for check in checks:
            yield run_check(check, subject)
    finally:
        subject.end()


async def _examined(check: Check, subject: Subject, results: "queue.Queue[Result]") -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    status, reason, expected, seen = await _verdict(check, subject)
    took_s = loop.time() - began
    results.put(Result(check, status, _masked(reason), _masked(expected), _masked(seen)[:2000], took_s))


async def _verdict(check: Check, subject: Subject) -> tuple[Status, str, str, str]:
    bench = Bench(subject)
    try:
        async with asyncio.timeout(LIMIT_S):
            try:
                if check.provider:
                    await bench.open()
                await check.run(bench)
            finally:
                await bench.close()
    except NotOffered as missing:
        return "unproved", str(missing), "", ""
    except Skipped as skipped:
        return "skipped", str(skipped), "", ""
    except Failed as failed:
        return "failed", "", failed.expected, failed.seen
    except TimeoutError:
        return "failed", "", f"an end within {LIMIT_S:g} s", "no end"
    except Exception as error:
        return "failed", "", "the check can be made", f"{type(error).__name__}: {error}"
    return "passed", "", "", ""


def _masked(text: str) -> str:
    return text.replace(CANARY, "***")
