"""Every contract bites: a saboteur fails the test of the clause it breaks, and no other."""

from __future__ import annotations

import inspect
from collections import defaultdict

import pytest

from tests.contracts.saboteurs import ALL, UNBITTEN
from tests.contracts.saboteurs.kit import Saboteur

pytest_plugins = "pytester"

CONTRACTS = sorted({saboteur.contract.__name__ for saboteur in ALL})


def of_contract(name: str) -> list[Saboteur]:
    return [saboteur for saboteur in ALL if saboteur.contract.__name__ == name]


@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.soak)], ids=["sample", "whole"])
@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_saboteur_fails_the_clause_it_breaks_and_no_other(
    contract: str, whole: bool, pytester: pytest.Pytester
) -> None:
    """One pytest run holds all saboteurs of a contract. The ordinary line asks each of its own clauses and a sample of the
    others."""
    pytester.makepyfile(
        test_sabotage=f"""
        from tests.contracts import saboteurs
        from tests.contracts.saboteurs.kit import classes, close
        globals().update(classes({contract!r}, whole={whole}))

        def teardown_module():
            close()
        """
    )
    pytester.makeini(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
    )
    run = pytester.inline_run("-p", "no:cacheprovider", "-q", "--tb=no")
    passed, _, failed = run.listoutcomes()
    assert passed, "the contract was not run"
    bitten: dict[str, set[str]] = defaultdict(set)
    for report in failed:
        _, saboteur, test = report.nodeid.split("::")
        bitten[saboteur.removeprefix("Test")].add(test.partition("[")[0])
    expected = {saboteur.repository.__name__: set(saboteur.bites) for saboteur in of_contract(contract)}
    surprises = [
        f"{name}: {'+' if test in bitten[name] else '-'} {test}"
        for name, tests in expected.items()
        for test in sorted(tests ^ bitten[name])
    ]
    assert not surprises, "\n".join(surprises)


def clauses(contract: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(contract, inspect.isfunction) if name.startswith("test_")}


def test_every_clause_has_a_saboteur() -> None:
    """But for those written down in `UNBITTEN`, each with its reason."""
    contracts = {saboteur.contract for saboteur in ALL}
    bitten = {test for saboteur in ALL for test in saboteur.bites}
    missing = {test for contract in contracts for test in clauses(contract)} - bitten
    assert missing == set(UNBITTEN)
