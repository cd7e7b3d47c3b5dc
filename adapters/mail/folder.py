"""Mail into a folder, for a shop without a mail server."""

import hashlib
import logging
import os
import re
from pathlib import Path

from kassa.ports.clock import Clock
from kassa.ports.errors import SettingRefused, Unavailable
from kassa.ports.mail import Mail

from .message import message

_LOG = logging.getLogger("kassa.mail")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")


class FolderMailer:
    """Writes each message as `<id>.eml` into `folder`, whole or not at all, and a log line that tells the file alone.

    The same mail twice is one file. Raises `SettingRefused` when the folder cannot be made.
    """

    def __init__(self, folder: Path, clock: Clock, *, sender: str = "shop@localhost") -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingRefused(f"the mail folder {folder} cannot be made: {error.strerror}") from None
        self._folder, self._clock, self._sender = folder, clock, sender

    async def send(self, mail: Mail) -> None:
        """Raises `Unavailable` when the file cannot be written."""
        self._write(mail)

    def _write(self, mail: Mail) -> None:
        # An id that is no plain file name is hashed: mail must not choose where it is written.
        name = mail.id if _PLAIN_NAME.match(mail.id) else hashlib.sha256(mail.id.encode()).hexdigest()
        path = self._folder / f"{name}.eml"
        half = path.with_suffix(".half")
        try:
            half.write_bytes(message(mail, sender=self._sender, at=self._clock.now()).as_bytes())
            os.replace(half, path)
        except OSError as error:
            raise Unavailable(f"mail folder: {error.strerror}") from None
        _LOG.info("mail written to %s", path)
