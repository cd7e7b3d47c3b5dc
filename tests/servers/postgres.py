"""A real PostgreSQL: one started here, or one that runs already; each gives databases away by the dozen.

    with PostgresServer.start() as server:
        url = server.fresh_database()

Ordinary tests run with `fsync=off` and in memory where there is room (a new database takes 0.03 s there and 0.5 s on a
slow disk): what they kill is processes, and the operating system keeps what a killed process wrote. Tests about losing
power, and benchmarks, say `durable=True`. `synchronous_commit` is on in both: the shop refuses to start without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from tests.servers.binaries import NoServer, Program, postgres_programs
from tests.servers.process import ServerProcess, quick_folder

_CONNECT_SECONDS = 10.0


class PostgresAt:
    """A PostgreSQL that can be reached.

    `admin_url` may create databases and roles; `url` is an empty database as the role that owns every database made
    here, in a cluster of our own an ordinary role without privileges, like the shop's in production.
    """

    def __init__(self, admin_url: str, url: str, product: str, run: str | None = None) -> None:
        self.admin_url, self.url, self.product = admin_url, url, product
        self._prefix = f"kassa_{run or secrets.token_hex(4)}_"

    def execute(self, *statements: str, url: str | None = None) -> list[list[object]]:
        """Run statements, each in its own transaction; the rows of the last one. Safe inside a running event loop."""
        return _execute(url or self.admin_url, *statements)

    def fresh_database(self, template: str = "template0") -> str:
        """Create a database that nobody has used, as a copy of `template`; its URL."""
        name = self._prefix + secrets.token_hex(6)
        self._create(name, template)
        return _with_database(self.url, name)

    def drop_database(self, url: str) -> None:
        """Drop a database made here, ending whatever is still connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{_database(url)}" WITH (FORCE)')

    def drop_all(self) -> None:
        """Drop every database made in this run: for a server that outlives it."""
        names = self.execute(f"SELECT datname FROM pg_database WHERE starts_with(datname, '{self._prefix}')")
        for (name,) in names:
            self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def template(self, name: str, prepare: Callable[[str], object]) -> str:
        """The name of a database prepared once a run, to copy: `fresh_database(server.template("schema", migrate))`.

        `prepare` gets the URL, works synchronously and leaves no connection open. Of several processes that ask at
        once, one prepares and the others wait.
        """
        final = f"{self._prefix}template_{name}"
        with self._only_one(final):
            if not self.execute(f"SELECT 1 FROM pg_database WHERE datname = '{final}'"):
                draft = f"{final}_draft"
                self.execute(f'DROP DATABASE IF EXISTS "{draft}" WITH (FORCE)')
                self._create(draft, "template0")
                prepare(_with_database(self.url, draft))
                self.execute(f'ALTER DATABASE "{draft}" RENAME TO "{final}"')
        return final

    def _create(self, name: str, template: str) -> None:
        owner = urlsplit(self.url).username
        owned = f' OWNER "{owner}"' if owner else ""
        self.execute(f'CREATE DATABASE "{name}"{owned} TEMPLATE "{template}"')

    @contextmanager
    def _only_one(self, what: str) -> Iterator[None]:
        """Hold an advisory lock of the cluster, on a connection of its own."""
        begun, over = threading.Event(), threading.Event()

        async def hold() -> None:
            try:
                connection = await asyncpg.connect(self.admin_url, timeout=_CONNECT_SECONDS)
                try:
                    await connection.execute(f"SELECT pg_advisory_lock(hashtext('{what}'))")
                    begun.set()
                    await asyncio.to_thread(over.wait)
                finally:
                    await connection.close()
            finally:
                begun.set()

        with ThreadPoolExecutor(1) as thread:
            holding = thread.submit(asyncio.run, hold())
            begun.wait()
            try:
                if holding.done():
                    holding.result()
                yield
            finally:
                over.set()
            holding.result()


class PostgresServer(PostgresAt):
    """A cluster of our own on 127.0.0.1, a free port and a temporary folder: it may be killed, frozen and restarted."""

    def __init__(self, program: Program, process: ServerProcess, command: list[str | Path], user: int | None) -> None:
        password = (process.home / "password").read_text("utf-8")
        address = f"{password}@127.0.0.1:{process.port}"
        super().__init__(
            f"postgresql://postgres:{address}/postgres", f"postgresql://kassa:{address}/kassa", str(program)
        )
        self.program, self.process = program, process
        self._command, self._user = command, user

    @classmethod
    def start(
        cls,
        *,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
        program: Program | None = None,
        owner: int | None = None,
        inside: Path | None = None,
    ) -> PostgresServer:
        """Initialise and start a cluster in about a second. Raises NoServer.

        `settings` are lines of postgresql.conf. The cluster ends with the process `owner` (this one by default) at the
        latest.
        """
        program = program or postgres_programs()[0]
        process = ServerProcess("postgres", signal.SIGINT, owner, inside or (None if durable else quick_folder()))
        try:
            prefix, user = _unprivileged()
            password = secrets.token_urlsafe(12)
            _write_private(process.home / "password", password)
            if user is not None:
                shutil.chown(process.home, user)
                shutil.chown(process.home / "password", user)
            data = process.home / "data"
            _initdb(prefix, program.path.parent / "initdb", data, process.home, user)
            with (data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
                for name, value in {**_settings(process.port, durable), **(settings or {})}.items():
                    configuration.write(f"{name} = '{value}'\n")
            server = cls(program, process, [*prefix, program.path, "-D", data], user)
            server._spawn()
            server.execute(
                f"CREATE ROLE kassa LOGIN CREATEDB PASSWORD '{password}'",
                "GRANT pg_signal_backend TO kassa",
                "CREATE DATABASE kassa OWNER kassa TEMPLATE template0",
            )
        except BaseException:
            process.stop()
            raise
        return server

    def __enter__(self) -> PostgresServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def kill(self) -> None:
        """SIGKILL the postmaster and wait until all of its backends are gone."""
        self.process.kill()

    def restart(self) -> None:
        """Start again on the same port and files; a running server is ended first, a killed one recovers."""
        self.process.end()
        self._spawn()

    def freeze(self) -> None:
        """Stop every process of the cluster where it stands; connections stay open."""
        self.process.freeze()

    def thaw(self) -> None:
        """Let it run on after `freeze`."""
        self.process.thaw()

    def stop(self) -> None:
        """End it and delete its files."""
        segment = self._shared_memory()
        self.process.stop()
        if segment and shutil.which("ipcrm"):  # what a killed postmaster leaves behind; gone already after a proper end
            subprocess.run(["ipcrm", "-m", segment], capture_output=True, check=False)

    def _spawn(self) -> None:
        self.process.spawn(self._command, self._ready, self._user)

    def _ready(self) -> bool:
        """The postmaster writes its state into line 8 of its pid file."""
        lines = self._pid_file()
        return len(lines) > 7 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"

    def _shared_memory(self) -> str | None:
        lines = self._pid_file()
        return lines[6].split()[1] if len(lines) > 6 and len(lines[6].split()) == 2 else None

    def _pid_file(self) -> list[str]:
        try:
            return (self.process.home / "data" / "postmaster.pid").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []


def postgres_at(url: str, run: str | None = None) -> PostgresAt:
    """A server that runs already, by its URL. Raises NoServer when it does not answer."""
    try:
        version = str(_execute(url, "SHOW server_version")[0][0])
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise NoServer(f"KASSA_TEST_DATABASE_URL does not answer: {type(error).__name__}: {error}") from error
    return PostgresAt(url, url, f"PostgreSQL {version.split(maxsplit=1)[0]} (KASSA_TEST_DATABASE_URL)", run)


def _settings(port: int, durable: bool) -> dict[str, str]:
    safe = "on" if durable else "off"
    return {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "dynamic_shared_memory_type": "mmap",  # in the data folder, so that a killed server leaves nothing in /dev/shm
        "max_connections": "300",
        "fsync": safe,
        "full_page_writes": safe,
        "synchronous_commit": "on",
    }


def _initdb(prefix: list[str], initdb: Path, data: Path, home: Path, user: int | None) -> None:
    """Passwords go over the loopback as they are: cheaper than SCRAM, and still no other local user gets in."""
    command: list[str | Path] = [
        *prefix, initdb, "-D", data, "-U", "postgres", "--pwfile", home / "password", "--auth", "password",
        "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=home, capture_output=True, text=True, check=False,
        user=user, group=user, extra_groups=None if user is None else [],
    )  # fmt: skip
    if done.returncode:
        raise NoServer(f"{initdb} failed: {(done.stdout + done.stderr)[-1500:]}")


@functools.cache
def _unprivileged() -> tuple[list[str], int | None]:
    """What root puts before the command, or else the user to become: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return [], None
    prefix = ["unshare", "--user", "--map-user=65534", "--map-group=65534"]
    with contextlib.suppress(OSError):
        if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
            return prefix, None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return [], pwd.getpwnam(name).pw_uid
    return [], 65534


def _write_private(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _execute(url: str, *statements: str) -> list[list[object]]:
    """In a thread of its own, because the caller may be inside a running event loop."""

    async def work() -> list[list[object]]:
        connection = await asyncpg.connect(url, timeout=_CONNECT_SECONDS, command_timeout=60)
        try:
            rows: list[list[object]] = []
            for statement in statements:
                rows = [list(row) for row in await connection.fetch(statement)]
            return rows
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work()).result()


def _database(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


def _with_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()
