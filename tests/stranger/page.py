"""Reads a page that a reader follows, and follows it: commands are run, edits made, outputs compared, excerpts looked up.

sh      run in the reader's one shell, where nothing may fail
text    what the commands before it print; `…` is anything within a line, a line `…` any lines
diff    an edit: after `--- FILE` the lines as they stand, `-` goes, `+` comes; what it changes stands there exactly once
python  an excerpt: it stands so in a file of the folder that the shell is in
"""

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, cast

KINDS = ("sh", "text", "diff", "python", "toml")
SUFFIX = {"python": "*.py", "toml": "*.toml"}
Kind: TypeAlias = Literal["sh", "text", "diff", "python", "toml"]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_END = "kassa-end-of-step"
MAX_S = 300
"""For a whole page; afterwards the reader loses patience."""


@dataclass(frozen=True)
class Step:
    """One fenced block, with the line of the page that it begins on."""

    kind: Kind
    text: str
    line: int


def steps(page: str) -> Iterator[Step]:
    """All blocks of a page. Raises `AssertionError` for one that nobody would follow."""
    for found in _FENCE.finditer(page):
        line = page.count("\n", 0, found.start()) + 1
        assert found[1] in KINDS, f"line {line}: a block of kind {found[1]!r}"
        yield Step(cast(Kind, found[1]), found[2], line)


def words(page: str) -> int:
    """How many words there are to read: all of the page but what is typed."""
    return len(_FENCE.sub("", page).split()) + sum(len(one.text.split()) for one in steps(page) if one.kind != "sh")


def typed(page: str) -> int:
    """How many characters somebody types who pastes nothing: commands, and the lines that come with an edit."""
    return sum(len(line.strip()) + 1 for one in steps(page) for line in _lines_to_type(one))


def _lines_to_type(step: Step) -> list[str]:
    lines = step.text.splitlines()
    if step.kind == "sh":
        return lines
    return [line[1:] for line in lines if line.startswith("+")] if step.kind == "diff" else []


class Reader:
    """Somebody with one shell (POSIX sh, ended by the first command that fails) in an empty folder."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.printed = ""
        self._errors = folder.with_name("standard-error")
        self._patience = threading.Timer(MAX_S, self._end)
        with self._errors.open("wb") as errors:
            self._shell = subprocess.Popen(
                ["sh", "-e"],
                cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                text=True, start_new_session=True,
            )  # fmt: skip
        self._patience.start()

    def follow(self, step: Step) -> None:
        """Do what a block says. Raises `AssertionError` when the page is wrong."""
        match step.kind:
            case "sh":
                self.printed = self.type(step.text)
            case "text":
                assert is_printed(step.text, self.printed), (
                    f"line {step.line} shows:\n{step.text}\nbut:\n{self.printed}\n{self.errors()}"
                )
            case "diff":
                edit(self.folder, step)
            case _:
                files = [file.read_text() for file in self.folder.rglob(SUFFIX[step.kind])]
                assert any(step.text in text for text in files), f"line {step.line}: this stands nowhere:\n{step.text}"

    @property
    def folder(self) -> Path:
        """Where the shell is."""
        return Path(self.type("pwd\n").strip())

    def type(self, commands: str) -> str:
        """Run commands; what they print."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{commands}echo {_END}\n")
        self._shell.stdin.flush()
        lines = []
        for line in self._shell.stdout:
            lines.append(line.removesuffix(f"{_END}\n"))
            if line.endswith(f"{_END}\n"):
                return "".join(lines)
        raise AssertionError(f"the shell ended at:\n{commands}\n{''.join(lines)}\n{self.errors()}")

    def errors(self) -> str:
        """The end of what was printed to standard error."""
        return self._errors.read_text("utf-8", "replace")[-3000:]

    def leave(self) -> None:
        """End the shell and whatever it still runs."""
        self._patience.cancel()
        self._end()
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.close()
        self._shell.stdout.close()

    def _end(self) -> None:
        """SIGKILL to the shell's own session."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.wait(10)


def edit(folder: Path, step: Step) -> None:
    """Make an edit."""
    first, *lines = step.text.splitlines()
    file = folder / first.removeprefix("--- ")
    assert first.startswith("--- "), f"line {step.line}: an edit of no file"
    assert file.is_file(), f"line {step.line}: no {first}"
    before = "".join(line[1:] + "\n" for line in lines if not line.startswith("+"))
    after = "".join(line[1:] + "\n" for line in lines if not line.startswith("-"))
    text = file.read_text()
    assert text.count(before) == 1, f"line {step.line}: stands {text.count(before)} times in {file.name}:\n{before}"
    file.write_text(text.replace(before, after))


def is_printed(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed."""
    lines = [re.escape(" ".join(line.split())).replace("…", ".+?") for line in shown.splitlines()]
    return (
        re.fullmatch("\n".join(lines), "\n".join(" ".join(line.split()) for line in printed.splitlines())) is not None
    )
