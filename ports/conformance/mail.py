"""The contract of `kassa.ports.mail.Mailer`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import pytest

from kassa.ports.errors import InvalidValue
from kassa.ports.mail import Mail, Mailer

Delivered: TypeAlias = Callable[[], Awaitable[Sequence[Mail]]]
"""What the other end has got so far, read back into mails."""


def mail(number: int = 1, *, subject: str = "Your order KS-7F3Q-9MZD-X", text: str = "Thank you.\n") -> Mail:
    """A message."""
    return Mail(id=f"contract-{number}", to=f"buyer{number}@example.org", subject=subject, text=text)


class MailerContract:
    """Every clause of `Mailer`. Provide the fixtures `mailer` and `delivered`."""

    pytestmark = pytest.mark.asyncio

    async def test_a_message_is_with_the_next_hop_when_sending_returns(
        self, mailer: Mailer, delivered: Delivered
    ) -> None:
        await mailer.send(mail())
        assert list(await delivered()) == [mail()]

    async def test_every_character_arrives(self, mailer: Mailer, delivered: Delivered) -> None:
        told = mail(
            subject="Ihre Bestellung: 3 × Gläser", text="Grüße, 你好, \U0001f600\n.\nA line that begins with a dot\n"
        )
        await mailer.send(told)
        assert list(await delivered()) == [told]

    async def test_a_subject_cannot_add_a_header(self, mailer: Mailer, delivered: Delivered) -> None:
        try:
            await mailer.send(mail(subject="Hello\r\nBcc: eve@example.org"))
        except InvalidValue:
            assert list(await delivered()) == []
            return
        assert [(told.to, "eve@example.org" in told.to) for told in await delivered()] == [
            ("buyer1@example.org", False)
        ]

    async def test_two_messages_are_two(self, mailer: Mailer, delivered: Delivered) -> None:
        await mailer.send(mail(1))
        await mailer.send(mail(2))
        assert {told.id for told in await delivered()} == {"contract-1", "contract-2"}
