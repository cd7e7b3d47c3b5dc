"""One process holds an embedded database; others may only look."""

from pathlib import Path
from typing import IO

from kassa.ports.errors import SettingRefused, Unavailable

try:
    import fcntl
except ImportError:  # pragma: no cover - not on this system; SQLite's own lock then keeps others out altogether
    fcntl = None  # type: ignore[assignment]

ADVISORY = fcntl is not None
"""Whether the lock beside the file works here, so that SQLite itself may let readers in."""


class FileLock:
    """An advisory lock on `<database>.lock`. It goes with the process that holds it, however that ends."""

    def __init__(self, database: str) -> None:
        """Raises `Unavailable` when another process holds it."""
        self._file: IO[bytes] | None = None
        if fcntl is None or database in ("", ":memory:"):
            return
        try:
            self._file = Path(f"{database}.lock").open("ab")  # noqa: SIM115 - held until `release`
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise Unavailable(f"the database {database} is in use by another process: stop that one first") from None
        except OSError as error:
            raise SettingRefused(f"{database}.lock: {error.strerror}") from None

    def release(self) -> None:
        """Let others in."""
        if self._file is not None:
            self._file.close()
            self._file = None
