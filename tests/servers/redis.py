"""A real Redis (or Valkey): one started here, or one that runs already.

    with RedisServer.start() as server:
        url = server.database(3)

Numbered databases share their publications and a FLUSHALL: a test that publishes or flushes everything starts a server
of its own, which takes 0.03 s.
"""

from __future__ import annotations

import secrets
import signal
import socket
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.servers.binaries import NoServer, Program, redis_programs
from tests.servers.process import ServerProcess, listening

_ANSWER_SECONDS = 5.0


class RedisAt:
    """A Redis that can be reached; `url` is its database 0."""

    def __init__(self, url: str, product: str) -> None:
        self.url, self.product = url, product

    def database(self, number: int) -> str:
        """The URL of a numbered database."""
        return urlsplit(self.url)._replace(path=f"/{number}").geturl()

    def command(self, *words: str | int, database: int = 0) -> str:
        """Send one command and return the first line of its answer (RESP2, with its type character).

        Raises OSError when nobody answers. For housekeeping: it shares no code with the client under test.
        """
        address = urlsplit(self.url)
        password = unquote(address.password or "")
        login = [("AUTH", unquote(address.username), password) if address.username else ("AUTH", password)]
        commands = [*(login if password else []), ("SELECT", str(database)), tuple(map(str, words))]
        with socket.create_connection((address.hostname, address.port or 6379), timeout=_ANSWER_SECONDS) as line:
            line.sendall(b"".join(map(_encode, commands)))
            answers = line.makefile("rb")
            for _ in commands[:-1]:
                refusal = answers.readline()
                if not refusal.startswith(b"+"):
                    raise ConnectionError(refusal.decode().strip() or "the connection was closed")
            first = answers.readline()
            if first.startswith(b"$") and first != b"$-1\r\n":
                first = answers.read(int(first[1:]))
            return first.decode("utf-8", "replace").strip()


class RedisServer(RedisAt):
    """A server of our own on 127.0.0.1 and a free port, which keeps nothing on disk: after a restart it is empty."""

    def __init__(self, program: Program, process: ServerProcess, command: list[str | Path], password: str) -> None:
        super().__init__(f"redis://:{password}@127.0.0.1:{process.port}/0", str(program))
        self.program, self.process = program, process
        self._command = command

    @classmethod
    def start(
        cls, *, program: Program | None = None, owner: int | None = None, inside: Path | None = None
    ) -> RedisServer:
        """Start in about 0.03 s. Raises NoServer. It ends with the process `owner` (this one by default) at the latest."""
        program = program or redis_programs()[0]
        process = ServerProcess("redis", signal.SIGTERM, owner, inside)
        try:
            password = secrets.token_urlsafe(12)
            configuration = process.home / "redis.conf"
            configuration.touch(0o600)
            configuration.write_text(
                f'bind 127.0.0.1\nport {process.port}\nrequirepass {password}\nsave ""\nappendonly no\n'
                f"databases 256\ndir {process.home}\ndaemonize no\n",
                "utf-8",
            )
            server = cls(program, process, [program.path, configuration], password)
            server._spawn()
        except BaseException:
            process.stop()
            raise
        return server

    def __enter__(self) -> RedisServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def restart(self) -> None:
        """Start again, empty, on the same port; a running server is ended first."""
        self.process.end()
        self._spawn()

    def freeze(self) -> None:
        """Stop it where it stands: connections stay open, new ones are even accepted by the system, nothing answers."""
        self.process.freeze()

    def thaw(self) -> None:
        """Let it run on after `freeze`."""
        self.process.thaw()

    def stop(self) -> None:
        """End it and delete its files."""
        self.process.stop()

    def _spawn(self) -> None:
        self.process.spawn(self._command, lambda: listening(self.process.port) and self.command("PING") == "+PONG")


def redis_at(url: str) -> RedisAt:
    """A server that runs already, by its URL. Raises NoServer when it does not answer."""
    server = RedisAt(url, "")
    try:
        words = server.command("INFO", "server").split()
    except OSError as error:
        raise NoServer(f"KASSA_TEST_CACHE_URL does not answer: {type(error).__name__}: {error}") from error
    facts = dict(word.split(":", 1) for word in words if ":" in word)
    name, version = (
        ("Valkey", facts["valkey_version"]) if "valkey_version" in facts else ("Redis", facts.get("redis_version"))
    )
    return RedisAt(url, f"{name} {version} (KASSA_TEST_CACHE_URL)")


def _encode(words: tuple[str, ...]) -> bytes:
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
