"""The one table from errors to answers."""

import importlib
import pkgutil
from collections.abc import Iterator

import msgspec
import pytest

import kassa.adapters.http
import kassa.kernel
import kassa.ports
from kassa.adapters.http import pages, problems
from kassa.adapters.http.problems import HIDDEN, TABLE, Problem
from kassa.ports.checkout import LineProblem
from kassa.ports.errors import KassaError, OutOfStock, TooManyAttempts, UnknownOrder


def errors() -> list[type[KassaError]]:
    for package in (kassa.ports, kassa.kernel, kassa.adapters.http):
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            if not module.ispkg:
                importlib.import_module(module.name)
    return sorted(
        (
            kind
            for kind in below(KassaError)
            if kind.__module__.startswith(("kassa.ports.", "kassa.kernel.", "kassa.adapters."))
        ),
        key=lambda k: k.__name__,
    )


def below(kind: type[KassaError]) -> Iterator[type[KassaError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from below(child)


def test_every_error_has_its_own_row() -> None:
    missing = [kind.__qualname__ for kind in errors() if kind not in TABLE]
    assert missing == []


def test_the_table_names_no_error_that_does_not_exist() -> None:
    assert set(TABLE) <= set(errors())


def test_an_error_without_a_row_would_be_found() -> None:
    class Planted(KassaError):
        code = "planted"

    assert Planted in set(below(KassaError)) - set(TABLE)


def test_codes_are_unique_and_statuses_are_failures() -> None:
    codes = [kind.code for kind in TABLE]
    assert len(codes) == len(set(codes))
    for kind, row in TABLE.items():
        assert 400 <= row.status <= 503, kind
        assert row.title
        assert row.explanation


def test_what_may_succeed_later_is_no_fault_of_the_request() -> None:
    for kind, row in TABLE.items():
        if kind.retryable:
            assert row.status in (408, 409, 429, 503), kind


@pytest.mark.parametrize("kind", [kind for kind, row in TABLE.items() if row is HIDDEN])
def test_hidden_errors_tell_nothing(kind: type[KassaError]) -> None:
    error = KassaError.__new__(kind)
    Exception.__init__(error, "canary-secret")
    reply = problems.answer(error, "r1")
    assert reply.status == 500
    assert msgspec.json.decode(reply.body) == {
        "type": "/problems/internal",
        "title": "Something went wrong",
        "status": 500,
        "instance": "r1",
        "code": "internal",
        "retryable": False,
    }


def test_a_problem_says_everything_it_knows() -> None:
    lines = (LineProblem(product_id=7, reason="out_of_stock", requested=9, available=5),)
    reply = problems.answer(OutOfStock(lines), "r2")
    problem = msgspec.json.decode(reply.body, type=Problem)
    assert (reply.status, problem.code, problem.type) == (409, "out_of_stock", "/problems/out_of_stock")
    assert problem.lines == lines
    assert (b"content-type", b"application/problem+json") in reply.headers


def test_a_limit_tells_when_to_come_back() -> None:
    reply = problems.answer(TooManyAttempts(17), "r3")
    assert reply.status == 429
    assert (b"retry-after", b"17") in reply.headers
    assert msgspec.json.decode(reply.body)["retry_after"] == 17


def test_messages_for_operators_are_not_told() -> None:
    assert b"canary" not in problems.answer(UnknownOrder("canary"), "r4").body


def test_every_problem_a_client_can_meet_has_a_page() -> None:
    index = pages.problems()
    for kind, row in TABLE.items():
        if row is not HIDDEN or kind is KassaError:
            assert row.title in (pages.problem(kind.code) or "").replace("&#x27;", "'")
            assert f"/problems/{kind.code}" in index
        else:
            assert pages.problem(kind.code) is None
    assert pages.problem("<script>") is None
