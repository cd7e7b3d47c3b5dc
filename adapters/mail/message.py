"""A `Mail` as an Internet message."""

from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from kassa.ports.errors import InvalidValue
from kassa.ports.mail import Mail


def message(mail: Mail, *, sender: str, at: datetime) -> EmailMessage:
    """The message in RFC 5322 form; `Message-ID` is made of the mail's id, so that a repeated delivery is recognisable.

    Raises `InvalidValue` for a line break in a header field.
    """
    built = EmailMessage()
    try:
        built["From"] = sender
        built["To"] = mail.to
        built["Subject"] = mail.subject
        built["Date"] = format_datetime(at)
        built["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2].rstrip('>') or 'kassa.invalid'}>"
    except ValueError:
        raise InvalidValue("mail", "a header field holds a line break") from None
    built["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    built.set_content(mail.text)
    return built
