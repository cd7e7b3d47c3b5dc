"""What Stripe writes, as far as it is needed. Unknown fields are tolerated, unknown types are not."""

from typing import Annotated

from msgspec import Meta, Struct

from kassa.ports.values import MAX_INTEGER

Code = Annotated[str, Meta(max_length=100)]
StripeId = Annotated[str, Meta(pattern=r"^[a-z]{2,10}_[A-Za-z0-9_]{1,180}\Z")]
"""What may stand in a path: an id never leads to another address."""
Seconds = Annotated[int, Meta(ge=0, le=2**35)]
Units = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]
Url = Annotated[str, Meta(max_length=2000)]


class Charge(Struct, frozen=True):
    """What one attempt on a card came to: it is reserved on, captured, or failed."""

    id: StripeId
    status: Code
    captured: bool
    created: Seconds


class RedirectTo(Struct, frozen=True):
    """Where the customer is sent."""

    url: Url


class NextStep(Struct, frozen=True):
    """What the customer has to do."""

    type: Code
    redirect_to_url: RedirectTo | None = None


class Failure(Struct, frozen=True):
    """Why the last attempt failed."""

    code: Code | None = None
    decline_code: Code | None = None


class Intent(Struct, frozen=True):
    """A PaymentIntent: one payment and all attempts at it. `latest_charge` is whole where it was expanded, as in our own
    questions, else an id, as in events."""

    id: StripeId
    status: Code
    amount: Units
    amount_received: Units
    currency: Code
    capture_method: Code
    created: Seconds
    metadata: dict[str, str]
    latest_charge: Charge | StripeId | None
    client_secret: Code | None = None
    next_action: NextStep | None = None
    last_payment_error: Failure | None = None


class Named(Struct, frozen=True):
    """An intent of which only the name is needed: of any version, of anybody."""

    id: StripeId
    metadata: dict[str, str] | None = None


class Part(Struct, frozen=True):
    """A charge, a refund or a dispute in an event: it names its PaymentIntent."""

    payment_intent: StripeId | None = None


class Refund(Struct, frozen=True):
    """One refund. `balance_transaction` is the money leaving the account, `failure_balance_transaction` its coming back."""

    id: StripeId
    status: Code | None
    amount: Units
    currency: Code
    created: Seconds
    payment_intent: StripeId | None
    metadata: dict[str, str] | None = None
    balance_transaction: Code | None = None
    failure_balance_transaction: Code | None = None


class Dispute(Struct, frozen=True):
    """The customer's bank asks questions, or takes the money back."""

    id: StripeId
    status: Code
    amount: Units
    currency: Code
    created: Seconds
    payment_intent: StripeId | None


class Intents(Struct, frozen=True):
    """A page of a list or of a search: payments of other systems too, so that only names are read."""

    data: tuple[Named, ...]
    has_more: bool = False


class Refunds(Struct, frozen=True):
    """A page of refunds."""

    data: tuple[Refund, ...]
    has_more: bool = False


class Disputes(Struct, frozen=True):
    """A page of disputes."""

    data: tuple[Dispute, ...]
    has_more: bool = False


class Error(Struct, frozen=True):
    """Why nothing was done. `payment_intent` is there where a card was refused."""

    type: Code
    code: Code | None = None
    decline_code: Code | None = None
    payment_intent: Named | None = None


class ErrorAnswer(Struct, frozen=True):
    """The body of a refusal."""

    error: Error
