"""The method itself: what it can do, and which driver does it."""

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from kassa.ports.payment import (
    AmountRule,
    AnyOutcome,
    AnyVerdict,
    Capabilities,
    Context,
    OperationRequest,
    PaymentMethod,
    QueryRequest,
    RawWebhook,
    Report,
    StartRequest,
)

from .config import CardConfig
from .sandbox import SandboxCards

_DRIVERS = {"sandbox": SandboxCards}


class CardInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`source` is the token that the provider's own page gave the browser for a card."""

    source: Annotated[str, Meta(pattern=r"^tok_[a-z0-9_]+\Z", max_length=100)]


class Card(PaymentMethod[CardConfig]):
    """A card, charged at once or reserved and captured later; 3-D Secure sends the customer to the issuer's page and back."""

    Config: ClassVar[type[Struct]] = CardConfig
    Input: ClassVar[type[Struct]] = CardInput
    capabilities: ClassVar[Capabilities] = Capabilities(
        amounts=(AmountRule(currency="*"),),
        idempotency="header",
        auth_capture=True,
        partial_capture=True,
        multi_capture=True,
        void=True,
        refund="multiple",
        webhook_trust="signed_body",
        query_by_merchant_ref=True,
        query_consistency_s=2,
        next_actions=("redirect", "wait"),
        expiry_s=(300, 3600),
    )

    def __init__(self, config: CardConfig) -> None:
        super().__init__(config)
        self._driver = _DRIVERS[config.driver](config)

    async def health(self, ctx: Context) -> bool:
        """Whether the provider answers and takes our key."""
        return await self._driver.answers(ctx)

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        """Charge the token, or reserve on it."""
        return await self._driver.start(ctx, request)

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        """What became of the charge."""
        return await self._driver.query(ctx, request)

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        """A change of a charge, as the provider signed it."""
        return self._driver.webhook(ctx, raw)

    async def capture(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Take a part of what is reserved, as often as there is something left."""
        return await self._driver.capture(ctx, request)

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Call off a charge that waits, or let go of what is reserved and not captured."""
        return await self._driver.void(ctx, request)

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Give back all or a part, as often as there is something left."""
        return await self._driver.refund(ctx, request)
