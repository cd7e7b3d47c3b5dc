"""A log that plugins may write to: secrets are masked, lines stay one line, facts stay short."""

import base64
from urllib.parse import quote, quote_plus

import structlog

from kassa.ports.secret import Secret

_LONGEST = 500


class RedactingLog:
    """`kassa.ports.payment.Log`: every known secret is masked wherever it stands in a fact, also as it is written in a URL or
    in basic authentication (RFC 7617)."""

    def __init__(self, instance: str, secrets: tuple[Secret, ...]) -> None:
        self._log = structlog.get_logger("kassa.payment").bind(instance=instance)
        forms = {form for secret in secrets if secret.reveal() for form in _forms(secret.reveal())}
        self._secrets = sorted(forms, key=len, reverse=True)

    def info(self, event: str, **facts: str | int) -> None:
        """Something the operator may want to know."""
        self._log.info(self._masked(event), **{name: self._masked(fact) for name, fact in facts.items()})

    def warning(self, event: str, **facts: str | int) -> None:
        """Something the operator should look at."""
        self._log.warning(self._masked(event), **{name: self._masked(fact) for name, fact in facts.items()})

    def _masked(self, fact: object) -> str | int:
        if type(fact) is int or type(fact) is bool:
            return fact
        text = fact if isinstance(fact, str) else type(fact).__name__
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text[:_LONGEST])


def _forms(secret: str) -> set[str]:
    """The secret, as text and as it is encoded on the way. Base64 of `secret:` is the start of it plus an ending that
    depends on what follows: what is the same in all is masked."""
    plain = secret.encode("utf-8")
    packed = [base64.b64encode(plain), base64.b64encode(plain + b":"), base64.urlsafe_b64encode(plain)]
    stems = {text.decode().rstrip("=") for text in packed}
    return {secret, quote(secret, safe=""), quote_plus(secret), plain.hex(), *(s for s in stems if len(s) >= 8)}
