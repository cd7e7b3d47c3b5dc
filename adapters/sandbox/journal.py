"""The append-only journal: one JSON line per fact, fsynced before any answer that depends on it goes out."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from .model import Fact


class JournalUnusable(Exception):
    """The journal cannot be opened, is in use by another process, or holds a line that is no fact."""


class Line(msgspec.Struct, frozen=True):
    """One line: its number (from 1, without gaps), its time (milliseconds, UTC) and the fact."""

    n: int
    at_ms: int
    fact: Fact


class Journal:
    """The only writer of one journal file.

    `append` is synchronous and keeps order; `durable` returns once everything appended so far is on disk. Concurrent
    callers share one fsync. A failed write is final: every later `durable` raises, so nothing is answered from memory alone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[Line] = []
        self._unwritten: list[bytes] = []
        self._synced = 0
        self._flushing: asyncio.Task[None] | None = None
        self._broken: OSError | None = None
        self._encoder = msgspec.json.Encoder()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read()
        except BlockingIOError as error:
            raise JournalUnusable(f"journal {path} is in use by another process") from error
        except OSError as error:
            raise JournalUnusable(f"journal {path}: {error.strerror}") from error

    @property
    def lines(self) -> list[Line]:
        """Every line, oldest first."""
        return self._lines

    def _read(self) -> None:
        data = self._path.read_bytes()
        whole, _, torn = data.rpartition(b"\n")
        if torn:
            # A kill in the middle of a write: that line was never fsynced, so nobody was told of it.
            os.ftruncate(self._file, len(data) - len(torn))
        decode = msgspec.json.Decoder(Line).decode
        for number, raw in enumerate(whole.split(b"\n") if whole else (), start=1):
            try:
                line = decode(raw)
            except msgspec.DecodeError as error:
                raise JournalUnusable(f"journal {self._path}, line {number}: {error}") from error
            if line.n != number:
                raise JournalUnusable(f"journal {self._path}, line {number}: is numbered {line.n}")
            self._lines.append(line)
        self._synced = len(self._lines)

    def append(self, fact: Fact) -> None:
        line = Line(n=len(self._lines) + 1, at_ms=time.time_ns() // 1_000_000, fact=fact)
        self._unwritten.append(self._encoder.encode(line))
        self._lines.append(line)

    async def durable(self) -> None:
        """Wait until all that was appended before this call is on disk; raises OSError if it cannot be."""
        wanted = len(self._lines)
        while self._synced < wanted:
            if self._flushing is None:
                self._flushing = asyncio.create_task(self._flush())
            await asyncio.shield(self._flushing)

    async def _flush(self) -> None:
        batch, self._unwritten = self._unwritten, []
        upto = len(self._lines)
        try:
            if self._broken is not None:
                raise self._broken
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, batch)
            self._synced = upto
        except OSError as error:
            self._broken = error
            raise
        finally:
            self._flushing = None

    def _write(self, batch: list[bytes]) -> None:
        data = memoryview(b"".join(line + b"\n" for line in batch))
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)

    async def close(self) -> None:
        try:
            await self.durable()
        finally:
            self._thread.shutdown()
            os.close(self._file)
