"""What this process says to PostgreSQL: every statement with its values, BEGIN and COMMIT too."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asyncpg.connection import Connection


@dataclass(frozen=True)
class Sent:
    """One statement as it went out."""

    text: str
    values: tuple[Any, ...] = ()


class Witness:
    """Hears what asyncpg logs on every connection opened while `listening`; so listen before the shop opens.

    asyncpg does not log what is fetched from a statement that was prepared by hand. Nobody does that here: a test compares
    with the server's own log. `session` are the settings that the last connection heard was opened with.
    """

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.session: dict[str, str] = {}

    @contextlib.contextmanager
    def listening(self) -> Iterator["Witness"]:
        """Hear all connections of this process."""
        begin = Connection.__init__

        def begin_heard(connection: Any, *given: Any, **named: Any) -> None:
            begin(connection, *given, **named)
            connection.add_query_logger(self._said)

        Connection.__init__ = begin_heard
        try:
            yield self
        finally:
            Connection.__init__ = begin

    def take(self) -> list[Sent]:
        """What was sent since the last time."""
        taken, self.sent = self.sent, []
        return taken

    def _said(self, record: Any) -> None:
        self.sent.append(Sent(record.query, tuple(record.args or ())))
        self.session = dict(record.conn_params.server_settings or {})
