"""A watched folder: a file is imported once it is whole, put away with its report, and who dies in the middle harms nothing."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kassa.adapters.main.statement_folder import StatementFolder
from kassa.adapters.system.failpoints import FailpointReached, SystemFailpoints
from kassa.ports.errors import SettingRefused, Unavailable
from tests.kernel.machine import SeededIds
from tests.kernel.payment.banking import Desk, bank_desk, credit, written
from tests.kernel.payment.till import Till

SETTLE_S = 5


@pytest.fixture
def desk(till: Till) -> Desk:
    return bank_desk(till)


def watching(till: Till, desk: Desk, folder: Path, **more: Any) -> StatementFolder:
    return StatementFolder(
        folder, desk=desk.desk, methods=("bank",), settle_s=SETTLE_S, clock=till.world.clock, ids=SeededIds(3),
        failpoints=till.world.failpoints, log=till.log, **more,
    )  # fmt: skip


async def look(till: Till, folder: StatementFolder, after_s: float = 0) -> int:
    till.world.clock.advance(after_s)
    return await folder.run_once()


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def report(path: Path) -> dict[str, Any]:
    return msgspec.json.decode(path.read_bytes())


async def test_a_file_is_taken_once_it_stopped_growing(till: Till, desk: Desk, tmp_path: Path) -> None:
    folder, whole = watching(till, desk, tmp_path), written(credit(amount=300))
    (tmp_path / "a.json").write_bytes(whole[:20])
    assert await look(till, folder) == 0
    (tmp_path / "a.json").write_bytes(whole)
    assert await look(till, folder, SETTLE_S) == 0
    assert await look(till, folder, SETTLE_S - 1) == 0
    assert await look(till, folder, 1) == 1
    assert names(tmp_path) == ["imported/a.json", "imported/a.json.report.json"]
    assert report(tmp_path / "imported/a.json.report.json")["verdicts"] == {"unmatched": 1}
    assert await look(till, folder, SETTLE_S) == 0
    assert len(await till.cashier.treasury.suspense(9)) == 1


async def test_a_file_that_cannot_be_read_is_put_away_with_the_reason(till: Till, desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "bad.json").write_bytes(b"{")
    folder = watching(till, desk, tmp_path)
    await look(till, folder)
    await look(till, folder, SETTLE_S)
    assert names(tmp_path) == ["bank/refused/bad.json", "bank/refused/bad.json.report.json"]
    told = report(tmp_path / "bank/refused/bad.json.report.json")
    assert (told["code"], told["place"]) == ("statement_refused", "byte 1")


async def test_a_folder_in_a_method_s_says_how_its_files_are_written(till: Till, desk: Desk, tmp_path: Path) -> None:
    for form in ("auto", "csv:none"):
        (tmp_path / "bank" / form).mkdir(parents=True)
        (tmp_path / "bank" / form / "a.json").write_bytes(written(credit(amount=300)))
    folder = watching(till, desk, tmp_path)
    await look(till, folder)
    await look(till, folder, SETTLE_S)
    assert names(tmp_path / "bank/auto") == ["imported/a.json", "imported/a.json.report.json"]
    assert names(tmp_path / "bank/csv:none") == ["refused/a.json", "refused/a.json.report.json"]
    assert "csv:none" in report(tmp_path / "bank/csv:none/refused/a.json.report.json")["reason"]
    await look(till, folder)
    assert await look(till, folder, SETTLE_S) == 0, "what was put away is not looked at again"


async def test_who_dies_before_moving_a_file_leaves_the_report_that_is_true(
    till: Till, desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_bytes(written(credit(amount=300)))
    for point in ("statement.after_keep", "statement.before_move"):
        folder = watching(till, desk, tmp_path)
        till.world.failpoints._points.update(SystemFailpoints(f"{point}=raise")._points)
        await look(till, folder)
        with pytest.raises(FailpointReached):
            await look(till, folder, SETTLE_S)
        till.world.failpoints._points.clear()
    folder = watching(till, desk, tmp_path)
    await look(till, folder)
    assert await look(till, folder, SETTLE_S) == 1
    assert names(tmp_path) == ["imported/a.json", "imported/a.json.report.json"]
    till.world.clock.advance(100)
    await desk.sweep.run_once()
    assert len(await till.cashier.treasury.suspense(9)) == 1


async def test_a_name_that_was_there_before_is_kept_apart(till: Till, desk: Desk, tmp_path: Path) -> None:
    folder = watching(till, desk, tmp_path)
    for number in (1, 2):
        (tmp_path / "a.json").write_bytes(written(credit(number)))
        await look(till, folder)
        await look(till, folder, SETTLE_S)
    assert names(tmp_path / "imported") == ["a-2.json", "a-2.json.report.json", "a.json", "a.json.report.json"]
    assert report(tmp_path / "imported/a-2.json.report.json")["lines"][0]["line_id"] == "REF2"


async def test_what_cannot_be_done_now_is_tried_again(till: Till, tmp_path: Path) -> None:
    desk = bank_desk(till)

    class Away:
        async def bring(self, *given: Any, **more: Any) -> Any:
            raise Unavailable("the database")

    (tmp_path / "a.json").write_bytes(written(credit()))
    broken = watching(till, Desk(Away(), desk.files, desk.sweep), tmp_path)  # type: ignore[arg-type]
    await look(till, broken)
    await look(till, broken, SETTLE_S)
    assert names(tmp_path) == ["a.json"]
    assert await look(till, broken) == 0
    assert await look(till, broken, SETTLE_S) == 1


def test_a_folder_that_is_not_there_is_refused(till: Till, desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(SettingRefused):
        watching(till, desk, tmp_path / "nowhere")


@pytest.mark.parametrize("name", [b"a" * 250 + b".json", b"m\xe4rz.json", b"two\nlines.json"])
async def test_a_strange_name_is_imported_like_any_other(till: Till, desk: Desk, tmp_path: Path, name: bytes) -> None:
    folder = watching(till, desk, tmp_path)
    (tmp_path / os.fsdecode(name)).write_bytes(written(credit(amount=300)))
    await look(till, folder)
    assert await look(till, folder, SETTLE_S) == 1
    moved = {path.name for path in (tmp_path / "imported").iterdir()}
    assert len(moved) == 2 and len(list(tmp_path.iterdir())) == 1
    (told,) = (path for path in (tmp_path / "imported").iterdir() if path.name.endswith(".report.json"))
    assert report(told)["verdicts"] == {"unmatched": 1}


async def test_a_file_that_cannot_be_put_away_holds_up_no_other(till: Till, desk: Desk, tmp_path: Path) -> None:
    folder = watching(till, desk, tmp_path)
    (tmp_path / "a.json").write_bytes(b"{")
    (tmp_path / "refused").write_bytes(b"in the way")
    (tmp_path / "b.json").write_bytes(written(credit(amount=300)))
    await look(till, folder)
    with pytest.raises(FileExistsError):
        await look(till, folder, SETTLE_S)
    assert len(await till.cashier.treasury.suspense(9)) == 1
    assert (tmp_path / "imported" / "b.json").exists()


async def test_links_pipes_and_folders_are_no_files(till: Till, desk: Desk, tmp_path: Path) -> None:
    inside, outside = tmp_path / "watched", tmp_path / "secret.json"
    inside.mkdir()
    outside.write_bytes(written(credit(amount=300)))
    (inside / "link.json").symlink_to(outside)
    (inside / "round.json").symlink_to("round.json")
    os.mkfifo(inside / "pipe.json")
    (inside / "folder.json").mkdir()
    folder = watching(till, desk, inside)
    await look(till, folder)
    assert await look(till, folder, SETTLE_S) == 0
    assert outside.exists()
    assert len(list(inside.iterdir())) == 4
