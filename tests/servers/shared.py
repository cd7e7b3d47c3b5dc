"""One PostgreSQL and one Redis a test run, shared by all of its processes and started when first asked for."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import lifeline
from tests.servers.postgres import PostgresAt, PostgresServer, postgres_at
from tests.servers.process import quick_folder
from tests.servers.redis import RedisAt, RedisServer, redis_at


@dataclass(frozen=True)
class Run:
    """A test run, known by the process that started it; under pytest-xdist every worker is given the same one.

    The servers belong to that process and not to the worker that happened to need them first: workers end early.
    """

    pid: int
    token: str
    inside: str

    @classmethod
    def begin(cls) -> Run:
        """The run of this process; nothing is started or written yet."""
        return cls(os.getpid(), secrets.token_hex(4), str(quick_folder() or tempfile.gettempdir()))

    @property
    def folder(self) -> Path:
        """Where the run's servers live."""
        return Path(self.inside) / f"kassa-run-{self.pid}-{self.token}"

    def postgres(self) -> PostgresAt:
        """The run's PostgreSQL: KASSA_TEST_DATABASE_URL if set, else one of our own. Raises NoServer."""
        with self._state("postgres") as known:
            url = os.environ.get("KASSA_TEST_DATABASE_URL")
            if not known and url:
                server = postgres_at(url, self.token)
                known.update(admin_url=server.admin_url, url=server.url, product=server.product)
            elif not known:
                own = PostgresServer.start(owner=self.pid, inside=self.folder)
                known.update(admin_url=own.admin_url, url=own.url, product=own.product, pid=own.process.pid)
                own.process.leave_to_guard()
            return PostgresAt(known["admin_url"], known["url"], known["product"], self.token)

    def redis(self) -> RedisAt:
        """The run's Redis: KASSA_TEST_CACHE_URL if set, else one of our own. Raises NoServer."""
        with self._state("redis") as known:
            url = os.environ.get("KASSA_TEST_CACHE_URL")
            if not known and url:
                server = redis_at(url)
                known.update(url=server.url, product=server.product)
            elif not known:
                own = RedisServer.start(owner=self.pid, inside=self.folder)
                known.update(url=own.url, product=own.product, pid=own.process.pid)
                own.process.leave_to_guard()
            return RedisAt(known["url"], known["product"])

    def finish(self) -> None:
        """End what was started and delete every file and database of the run."""
        if not self.folder.exists():
            return
        with self._state("postgres") as known:
            if "pid" in known:
                lifeline.end(known["pid"], signal.SIGINT)
            elif known:
                PostgresAt(known["admin_url"], known["url"], known["product"], self.token).drop_all()
        with self._state("redis") as known:
            if "pid" in known:
                lifeline.end(known["pid"], signal.SIGTERM)
        shutil.rmtree(self.folder)

    @contextmanager
    def _state(self, kind: str) -> Iterator[dict]:  # type: ignore[type-arg]
        """What is known of one server, read and written by one process at a time."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        with (self.folder / kind).open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            known = json.loads(file.read() or "{}")
            before = dict(known)
            yield known
            if known != before:
                file.truncate(0)
                json.dump(known, file)
