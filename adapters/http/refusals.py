"""What the wire itself refuses, before any port is asked. Codes are permanent, like those of `kassa.ports.errors`."""

from kassa.ports.errors import KassaError


class Malformed(KassaError):
    """The request cannot be read as what this address expects. `path` is the JSON path or the parameter's name."""

    code = "malformed"

    def __init__(self, detail: str, path: str | None = None) -> None:
        super().__init__(detail)
        self.detail, self.path = detail, path


class UnsupportedContent(KassaError):
    """A body that is not declared as exactly `application/json`, or that is encoded."""

    code = "unsupported_content"


class BodyTooLarge(KassaError):
    """More bytes than this address takes."""

    code = "body_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"at most {limit} bytes")
        self.limit = limit


class BodyTooSlow(KassaError):
    """The body did not arrive in time, or its sender went away."""

    code = "body_too_slow"
    retryable = True


class CardNumberRefused(KassaError):
    """Free text that holds what looks like a card number (PCI DSS 4.0.1, 3.3: never store what you need not)."""

    code = "card_number_refused"

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class NoSuchPage(KassaError):
    """Nothing is at this address."""

    code = "not_found"


class MethodRefused(KassaError):
    """The address exists and does not take this method."""

    code = "method_not_allowed"


class TwoCredentials(KassaError):
    """Two sessions in one request: which one counts would be a guess."""

    code = "two_credentials"


class OriginRefused(KassaError):
    """A write with the session cookie from another origin than the shop's own (OWASP ASVS 5.0, 3.5.1)."""

    code = "origin_refused"


class KeyRequired(KassaError):
    """This address moves goods or money: without an Idempotency-Key a repetition could not be told from a new wish."""

    code = "idempotency_key_required"


class KeyMalformed(KassaError):
    """An Idempotency-Key that is empty, too long, repeated or not visible ASCII."""

    code = "idempotency_key_malformed"


class KeyNotWelcome(KassaError):
    """The answer of this address is a secret or depends on one, and is never stored."""

    code = "idempotency_key_refused"


class Stale(KassaError):
    """What `If-Match` names is no longer current."""

    code = "stale"


class DeadlineOver(KassaError):
    """The shop did not finish in time. What was begun goes on: ask again, with the same Idempotency-Key."""

    code = "deadline_over"
    retryable = True
