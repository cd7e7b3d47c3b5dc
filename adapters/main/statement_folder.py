"""A watched folder: each bank file in it is imported once it is whole, and moved beside its report.

The report is written before the file is moved, and importing twice changes nothing: whoever is killed in the middle is finished
by the next look.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from kassa.kernel.payment_statements import MAX_BYTES, KernelBankDesk
from kassa.ports.audit import Origin
from kassa.ports.bank_desk import BankStatement
from kassa.ports.clock import Clock
from kassa.ports.errors import KassaError, NotCapable, SettingRefused, StatementRefused, UnknownMethod
from kassa.ports.failpoints import Failpoints
from kassa.ports.ids import Ids
from kassa.ports.payment import Log

IMPORTED: Final = "imported"
REFUSED: Final = "refused"
MOST_AT_ONCE: Final = 20
_REPORT: Final = ".report.json"
_LONGEST: Final = 180
"""Bytes of a name that is kept as it is; file systems know 255."""


@dataclass(frozen=True)
class _Seen:
    """How a file was found, and since when it is like that."""

    size: int
    changed_ns: int
    since: float


class StatementFolder:
    """Sweep: the files of a folder, and of the folders in it that are called after a method; in those, of any that is called
    after one of its forms."""

    def __init__(
        self,
        folder: Path,
        *,
        desk: KernelBankDesk,
        methods: tuple[str, ...],
        settle_s: float,
        clock: Clock,
        ids: Ids,
        failpoints: Failpoints,
        log: Log,
    ) -> None:
        if not folder.is_dir():
            raise SettingRefused(f"statements.folder: there is no folder {folder}")
        self._places = {"": folder, **{name: folder / name for name in methods}}
        self._desk, self._settle_s, self._clock, self._ids = desk, settle_s, clock, ids
        self._failpoints, self._log = failpoints, log
        self._seen: dict[Path, _Seen] = {}

    async def run_once(self) -> int:
        """How many files were taken in hand. One that cannot be imported just now stays where it is, and holds up no other."""
        whole, wrong = self._whole(), list[Exception]()
        for method, form, file in whole:
            try:
                await self._bring(method, form, file)
            except Exception as error:
                self._log.warning("statement.not_now", file=_said(file), error=type(error).__name__)
                self._seen.pop(file, None)
                wrong.append(error)
        if wrong:
            raise wrong[0]
        return len(whole)

    def _whole(self) -> list[tuple[str, str, Path]]:
        """The files that did not change for a while, oldest name first."""
        now = self._clock.monotonic()
        seen: dict[Path, _Seen] = {}
        whole: list[tuple[str, str, Path]] = []
        for method, form, file in self._files():
            try:
                status = file.stat()
            except FileNotFoundError:
                continue  # somebody took it
            known = self._seen.get(file)
            if known is None or (known.size, known.changed_ns) != (status.st_size, status.st_mtime_ns):
                known = _Seen(status.st_size, status.st_mtime_ns, now)
            seen[file] = known
            if now - known.since >= self._settle_s and len(whole) < MOST_AT_ONCE:
                whole.append((method, form, file))
        self._seen = seen
        return whole

    def _files(self) -> list[tuple[str, str, Path]]:
        found = []
        for method, place in self._places.items():
            inside = _inside(place)
            forms = [one for one in inside if method and one.is_dir() and one.name not in (IMPORTED, REFUSED)]
            found += [(method, "auto", file) for file in inside if _is_file(file)]
            found += [(method, form.name, file) for form in forms for file in _inside(form) if _is_file(file)]
        return found

    async def _bring(self, method: str, form: str, file: Path) -> None:
        origin = Origin(actor="system:statement-folder", request_id=self._ids.short_token())
        try:
            given = BankStatement(method=method, form=form, name=_said(file), data=contents(file))
            report = await self._desk.bring(given, origin, dry_run=False)
        except FileNotFoundError:
            return  # another worker was faster
        except (StatementRefused, NotCapable, UnknownMethod) as error:
            self._log.warning("statement.refused", file=_said(file), reason=str(error))
            refusal = {"code": error.code, "place": getattr(error, "path", ""), "reason": _reason(error)}
            await self._put(file, REFUSED, msgspec.json.encode(refusal), is_news=True)
        except (KassaError, OSError) as error:
            self._log.warning("statement.not_now", file=_said(file), error=type(error).__name__)
            self._seen.pop(file, None)
        else:
            self._log.info("statement.imported", file=_said(file), **report.verdicts)
            is_news = set(report.verdicts) != {"known"}
            await self._put(file, IMPORTED, msgspec.json.encode(report), is_news=is_news)

    async def _put(self, file: Path, where: str, report: bytes, *, is_news: bool) -> None:
        """Into `where`, beside its report. Where there is no news and a report, somebody was killed after writing that and before
        moving the file: it tells what really happened."""
        folder = file.parent / where
        folder.mkdir(exist_ok=True)
        target = _free(folder, _short(file.name))
        told = target.with_name(target.name + _REPORT)
        if is_news or not told.exists():
            draft = folder / f".{told.name}.{self._ids.short_token()}"
            draft.write_bytes(msgspec.json.format(report, indent=2))
            os.replace(draft, told)
        await self._failpoints.reach("statement.before_move")
        try:
            os.replace(file, target)
        except FileNotFoundError:
            self._log.info("statement.moved_by_another", file=_said(file))
        self._seen.pop(file, None)


def _inside(folder: Path) -> list[Path]:
    """What is in a folder, if there is one, by name."""
    return [one for one in sorted(folder.iterdir()) if not one.name.startswith(".")] if folder.is_dir() else []


def _is_file(path: Path) -> bool:
    """Whether it is a file of this folder: a link may lead anywhere, and a pipe has no end."""
    return path.is_file() and not path.is_symlink()


def _reason(error: KassaError) -> str:
    """Why a file was refused; its place is told beside."""
    return error.reason if isinstance(error, StatementRefused) else str(error)


def contents(file: Path) -> bytes:
    """The file, as far as it may be read."""
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)


def _said(file: Path) -> str:
    """What people are told the file is called: not every file's name is text."""
    return os.fsencode(file.name).decode("utf-8", "replace")[:200]


def _short(name: str) -> str:
    """A name that has room for the report's beside it."""
    told = os.fsencode(name)
    if len(told) <= _LONGEST:
        return name
    return f"{os.fsdecode(told[:_LONGEST])}-{hashlib.sha256(told).hexdigest()[:8]}"


def _free(folder: Path, name: str) -> Path:
    """A name in the folder that no file has yet."""
    stem, dot, suffix = name.partition(".")
    for number in range(1, 10_000):
        target = folder / (name if number == 1 else f"{stem}-{number}{dot}{suffix}")
        if not target.exists():
            return target
    raise SettingRefused(f"too many files called {name}")
