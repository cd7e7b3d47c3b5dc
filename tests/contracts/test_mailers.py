"""The mailer's contract on the folder and on SMTP, read back by the standard library's parser."""

from __future__ import annotations

import email
import email.policy
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from kassa.adapters.mail import FolderMailer, SmtpMailer
from kassa.ports.conformance.mail import Delivered, MailerContract
from kassa.ports.mail import Mail, Mailer
from tests.contracts.clock import HandClock
from tests.contracts.smtp_server import SmtpServer


def read(message: bytes) -> Mail:
    """A message as the mail it was."""
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    body = parsed.get_body()
    assert body is not None
    return Mail(
        id=parsed["Message-ID"].strip("<>").partition("@")[0],
        to=parsed["To"],
        subject=parsed["Subject"],
        text=body.get_content().replace("\r\n", "\n"),
    )


class TestFolderMailer(MailerContract):
    @pytest.fixture
    def mailer(self, tmp_path: Path) -> Mailer:
        return FolderMailer(tmp_path, HandClock())

    @pytest.fixture
    def delivered(self, tmp_path: Path) -> Delivered:
        async def look() -> Sequence[Mail]:
            return [read(path.read_bytes()) for path in sorted(tmp_path.iterdir())]

        return look


class TestSmtpMailer(MailerContract):
    @pytest.fixture
    async def server(self) -> AsyncIterator[SmtpServer]:
        async with SmtpServer() as server:
            yield server

    @pytest.fixture
    def mailer(self, server: SmtpServer) -> Mailer:
        return SmtpMailer(
            host="127.0.0.1", port=server.port, sender="shop@example.org", clock=HandClock(), starttls=False
        )

    @pytest.fixture
    def delivered(self, server: SmtpServer) -> Delivered:
        async def look() -> Sequence[Mail]:
            return [read(message) for message in server.accepted]

        return look
