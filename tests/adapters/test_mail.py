"""Mail into a folder and to a server."""

import asyncio
import email
import email.policy
import logging
from pathlib import Path

import pytest

from kassa.adapters.mail import FolderMailer, SmtpMailer
from kassa.ports.errors import InvalidValue, SettingRefused, Unavailable
from kassa.ports.mail import Mail
from kassa.ports.secret import Secret
from tests.kernel.machine import SetClock

LETTER = Mail(id="m-1", to="alice@example.com", subject="Grüße", text="Ihr Passwort: nein\n.\nEnde\n")


async def test_a_letter_is_one_file_and_its_text_is_in_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    mailer = FolderMailer(tmp_path / "out", SetClock(), sender="shop@kassa.example")
    await mailer.send(LETTER)
    await mailer.send(LETTER)
    (file,) = (tmp_path / "out").iterdir()
    found = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert (found["To"], found["Subject"], found["From"]) == (LETTER.to, LETTER.subject, "shop@kassa.example")
    assert found["Message-ID"] == "<m-1@kassa.example>"
    assert found["Date"] == "Mon, 04 May 2026 12:00:00 +0000"
    assert found.get_content() == LETTER.text
    assert str(file) in caplog.text
    assert "Passwort" not in caplog.text
    assert "alice" not in caplog.text


async def test_a_letter_does_not_choose_where_it_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    for number, mail_id in enumerate(("../escape", "/etc/passwd", "a" * 100, "..", "nul\x00")):
        await FolderMailer(folder, SetClock()).send(Mail(id=mail_id, to="a@b.test", subject=str(number), text="x"))
    assert list(tmp_path.iterdir()) == [folder]
    assert len(list(folder.iterdir())) == 5


async def test_a_line_break_in_a_header_is_refused(tmp_path: Path) -> None:
    forged = Mail(id="m", to="a@b.test", subject="Hello\r\nBcc: everyone@example.com", text="x")
    with pytest.raises(InvalidValue):
        await FolderMailer(tmp_path, SetClock()).send(forged)


async def test_a_folder_that_cannot_be_made_is_refused_and_one_that_is_gone_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingRefused):
        FolderMailer(tmp_path / "file" / "out", SetClock())
    mailer = FolderMailer(tmp_path / "out", SetClock())
    (tmp_path / "out").rmdir()
    with pytest.raises(Unavailable):
        await mailer.send(LETTER)


class _Smtp:
    """Enough of an SMTP server to be handed one message; `refuses` is the command it says no to."""

    def __init__(self, refuses: bytes = b"-") -> None:
        self.refuses, self.said, self.message = refuses, [], b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while line := await reader.readline():
            self.said.append(line.strip())
            if line.upper().startswith(self.refuses):
                writer.write(b"550 never\r\n")
            elif line.upper().startswith(b"EHLO"):
                writer.write(b"250-here\r\n250-SMTPUTF8\r\n250 AUTH PLAIN\r\n")
            elif line.upper().startswith(b"AUTH"):
                writer.write(b"235 welcome\r\n")
            elif line.upper().startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                self.message = await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 taken\r\n")
            elif line.upper().startswith(b"QUIT"):
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 yes\r\n")
            await writer.drain()
        writer.close()
        await writer.wait_closed()


async def test_a_letter_is_handed_to_the_server() -> None:
    smtp = _Smtp()
    server = await asyncio.start_server(smtp.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    mailer = SmtpMailer(
        host="127.0.0.1", port=port, sender="shop@kassa.example", clock=SetClock(), starttls=False,
        user="kassa", password=Secret("pw"),
    )  # fmt: skip
    await mailer.send(LETTER)
    server.close()
    found = email.message_from_bytes(smtp.message.removesuffix(b".\r\n"), policy=email.policy.default)
    assert found["Subject"] == LETTER.subject
    assert found.get_content().replace("\r\n", "\n").replace("..", ".") == LETTER.text
    assert b"RCPT TO:<alice@example.com>" in [line.upper()[:8] + line[8:] for line in smtp.said]


@pytest.mark.parametrize("refuses", [b"MAIL", b"RCPT", b"DATA", b"STARTTLS"])
async def test_whatever_the_server_refuses_is_tried_again_and_says_no_address(refuses: bytes) -> None:
    smtp = _Smtp(refuses)
    server = await asyncio.start_server(smtp.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    starttls = refuses == b"STARTTLS"  # which this server does not even offer
    mailer = SmtpMailer(host="127.0.0.1", port=port, sender="s@k.test", clock=SetClock(), starttls=starttls)
    with pytest.raises(Unavailable) as refused:
        await mailer.send(LETTER)
    server.close()
    assert "alice" not in str(refused.value)
    assert smtp.message == b"", "nothing was sent in the clear"


async def test_a_server_that_is_away_or_silent_is_tried_again_soon() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(Unavailable):
        await SmtpMailer(host="127.0.0.1", port=port, sender="s@k.test", clock=SetClock(), timeout_s=0.1).send(LETTER)
    server.close()
    await server.wait_closed()
    with pytest.raises(Unavailable):
        await SmtpMailer(host="127.0.0.1", port=port, sender="s@k.test", clock=SetClock(), timeout_s=0.1).send(LETTER)
