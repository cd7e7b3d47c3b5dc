"""Mail to an SMTP server."""

import asyncio
import smtplib
import ssl

from kassa.ports.clock import Clock
from kassa.ports.errors import Unavailable
from kassa.ports.mail import Mail
from kassa.ports.secret import Secret

from .message import message


class SmtpMailer:
    """Hands each message to one server over a connection of its own, in a thread, within `timeout_s` seconds a step.

    With `starttls` (the default) nothing is sent before the server has shown a certificate that the system trusts.
    """

    def __init__(
        self,
        *,
        host: str,
        sender: str,
        clock: Clock,
        port: int = 587,
        starttls: bool = True,
        user: str | None = None,
        password: Secret | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self._host, self._port, self._sender, self._clock = host, port, sender, clock
        self._starttls, self._user, self._password, self._timeout_s = starttls, user, password, timeout_s

    async def send(self, mail: Mail) -> None:
        """Raises `Unavailable` when the server did not accept it, whatever it said."""
        try:
            await asyncio.to_thread(self._send, mail)
        except (smtplib.SMTPException, OSError) as error:
            # The class and no more: a server's words may repeat the address or the text.
            raise Unavailable(f"mail server: {type(error).__name__}", retry_after_s=30) from None

    def _send(self, mail: Mail) -> None:
        built = message(mail, sender=self._sender, at=self._clock.now())
        with smtplib.SMTP(self._host, self._port, timeout=self._timeout_s) as server:
            if self._starttls:
                server.starttls(context=ssl.create_default_context())
            if self._user is not None:
                server.login(self._user, self._password.reveal() if self._password else "")
            server.send_message(built)
