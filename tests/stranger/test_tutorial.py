"""The tutorial, followed word by word: whoever types what it says gets what it shows."""

import re
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kassa.adapters.main import plugin_new
from tests.architecture.tree import ROOT
from tests.servers.process import free_port
from tests.stranger.clean import environment, uv
from tests.stranger.conftest import Made
from tests.stranger.page import Reader, steps, typed, words

PAGE = ROOT / "docs/tutorial-payment-method.md"
READ_A_MINUTE, TYPED_A_MINUTE = 200, 200
"""Words of prose, and characters of commands and edits of somebody who types them all."""
pytestmark = pytest.mark.xdist_group("stranger")


@pytest.fixture
def reader(tmp_path: Path, kassa_made: Made) -> Iterator[Reader]:
    """With uv on the path, `KASSA` naming the wheel instead of the checkout it is built from, and locked versions."""
    programs, folder = tmp_path / "programs", tmp_path / "empty"
    programs.mkdir()
    folder.mkdir()
    (programs / "uv").symlink_to(uv())
    (programs / "python3").symlink_to(Path(sys.executable).resolve())
    given = environment(KASSA=str(kassa_made.wheel), UV_CONSTRAINT=str(kassa_made.requirements))
    one = Reader(folder, {**given, "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin"})
    try:
        yield one
    finally:
        one.leave()


def test_the_tutorial_ends_with_a_paid_order(reader: Reader, capsys: pytest.CaptureFixture[str]):
    """Every block in order, on ports that are free; the last of them verifies the shop's books. A quarter of an hour is enough
    for somebody who reads everything and pastes nothing; half a minute of it is the machine's."""
    page = PAGE.read_text()
    ports = {"8000": str(free_port()), "8001": str(free_port())}
    began, shown = time.monotonic(), ""
    for step in steps(with_ports(page, ports)):
        reader.follow(step)
        for file in reader.folder.glob("example/*"):
            file.write_text(with_ports(file.read_text(), ports))
        shown += step.text if step.kind == "text" else ""
    machine_s = time.monotonic() - began
    assert shown.endswith("510 GBP: paid\npaid\n0 violations\n")
    reading_s, typing_s = words(page) / READ_A_MINUTE * 60, typed(page) / TYPED_A_MINUTE * 60
    with capsys.disabled():
        print(f"\n{PAGE.name}: {reading_s:.0f} s to read {words(page)} words, ", end="")
        print(f"{typing_s:.0f} s to type {typed(page)} characters, {machine_s:.0f} s of the machine")
    assert reading_s + typing_s < 14.5 * 60


def with_ports(text: str, ports: dict[str, str]) -> str:
    """The same on other ports: those of the page may be taken where this runs."""
    return re.sub("|".join(ports), lambda found: ports[found[0]], text)


BROKEN = {
    "an output that is another": ("0 violations", "1 violations", "shows"),
    "an edit of what is not there": ("-    phone: str\n", "-    phone: int\n", "stands 0 times"),
    "an excerpt that stands nowhere": ("webhook_trust=", "webhook_faith=", "stands nowhere"),
    "a command that fails": ("kassa plugin new acme-pay", "kassa plugin new Acme", "the shell ended"),
}


@pytest.mark.parametrize("what", sorted(BROKEN))
def test_a_page_that_is_wrong_is_noticed(what: str, tmp_path: Path):
    """Each kind of block can fail, and says why."""
    before, after, why = BROKEN[what]
    folder = tmp_path / "acme-pay"
    plugin_new.write("acme-pay", folder)
    programs = Path(sys.executable).parent
    one = Reader(folder, environment(PATH=f"{programs}:/usr/local/bin:/usr/bin:/bin"))
    [wrong] = [step for step in steps(PAGE.read_text().replace(before, after)) if after in step.text]
    if wrong.kind == "sh":
        wrong = replace(wrong, text=f"{after}\n")
    try:
        one.printed = "0 violations\n"
        with pytest.raises(AssertionError, match=why):
            one.follow(wrong)
    finally:
        one.leave()
