"""What is installed is read without importing it, and what a distribution says of itself is judged."""

from pathlib import Path

import pytest

from kassa.kernel.plugin_discovery import installed_plugins
from kassa.kernel.plugin_versions import fits, judge, judge_promise
from kassa.kernel.plugin_vetting import Incompatible, Refused
from tests.plugin_host.plugs import installed


def put(
    folder: Path, name: str, points: str, metadata: str | None = "Metadata-Version: 2.1\nName: {name}\nVersion: 2.1\n"
) -> None:
    info = folder / f"{name}-2.1.dist-info"
    info.mkdir(parents=True)
    if metadata is not None:
        (info / "METADATA").write_text(metadata.format(name=name))
    (info / "entry_points.txt").write_text(points)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def found(name: str):
    return [p for p in installed_plugins() if p.name == name]


def test_an_entry_point_may_name_its_contract(path: Path):
    put(path, "acme", "[kassa.payment_methods]\nacme = acme_pay [contract-1.0]\nplain = acme_pay\n")
    assert [p.contract for p in found("acme")] == ["1.0"]
    assert [p.contract for p in found("plain")] == [""]


def test_broken_metadata_takes_nobody_else_down(path: Path):
    put(path, "nameless", "[kassa.payment_methods]\nnameless = x\n", metadata=None)
    put(path, "garbled", "[kassa.payment_methods\nthis is no entry point file")
    put(path, "fine", "[kassa.payment_methods]\nfine = x\n")
    (nameless,) = found("nameless")
    with pytest.raises(Refused, match="its metadata"):
        judge(nameless)
    assert len(found("fine")) == 1
    assert len(found("card")) == 1


def test_a_distribution_that_is_on_the_path_twice_is_one(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put(path, "acme_pay", "[kassa.payment_methods]\nacme = first\n")
    second = tmp_path / "second"
    put(second, "acme.pay", "[kassa.payment_methods]\nacme = second\n")
    monkeypatch.syspath_prepend(second)
    (acme,) = found("acme")
    assert acme.distribution == "acme.pay"


@pytest.mark.parametrize(
    ("version", "wanted", "expected"),
    [
        ("0.1.0", "==0.1.*", True),
        ("0.1.7", "==0.1.*", True),
        ("0.2.0", "==0.1.*", False),
        ("0.1.7", "!=0.1.*", False),
        ("0.2.0", "!=0.1.*", True),
        ("0.2.0rc1", ">=0.2", True),
        ("0.2.0rc1", "<0.2", False),
        ("1.10", ">=1.9", True),
        ("1.4.5", "~=1.4.2", True),
        ("1.5.0", "~=1.4.2", False),
        ("1.5", "~=1.4", True),
        ("2.0", "~=1.4", False),
        ("1.0", "", True),
        ("1.0", ">=0.9 , <1.0", False),
        ("1.0", "===whatever", True),
    ],
)
def test_specifiers_are_read_as_pep_440_does(version: str, wanted: str, expected: bool):
    assert fits(version, wanted) is expected


@pytest.mark.parametrize(
    ("contract", "error"), [("2.0", Incompatible), ("1.1", Incompatible), ("one", Refused), ("1", Refused)]
)
def test_another_contract_is_refused_before_the_import(contract: str, error: type[Refused]):
    with pytest.raises(error):
        judge(installed(contract=contract))


def test_a_factory_keeps_what_its_entry_point_promised():
    judge(installed(contract="1.0"))
    judge_promise(installed(contract="1.0"), (1, 0))
    judge_promise(installed(), (1, 0))
    with pytest.raises(Refused, match=r"says contract 1\.0, its factory 0\.9"):
        judge_promise(installed(contract="1.0"), (0, 9))
