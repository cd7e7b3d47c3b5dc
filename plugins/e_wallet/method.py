"""The method itself: what it can do, and which driver does it."""

from typing import ClassVar

from msgspec import Struct

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

from .config import EWalletConfig
from .sandbox import SandboxWallets

_DRIVERS = {"sandbox": SandboxWallets}


class EWallet(PaymentMethod[EWalletConfig]):
    """A wallet: the customer is sent to its page to approve; nothing is asked before."""

    Config: ClassVar[type[Struct]] = EWalletConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        amounts=(AmountRule(currency="*"),),
        idempotency="header",
        void=True,
        refund="multiple",
        webhook_trust="signed_body",
        query_by_merchant_ref=True,
        query_consistency_s=2,
        next_actions=("redirect", "wait"),
        expiry_s=(300, 3600),
    )

    def __init__(self, config: EWalletConfig) -> None:
        super().__init__(config)
        self._driver = _DRIVERS[config.driver](config)

    async def health(self, ctx: Context) -> bool:
        """Whether the provider answers and takes our key."""
        return await self._driver.answers(ctx)

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        """Ask the wallet for the money and get the page where the customer approves."""
        return await self._driver.start(ctx, request)

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        """What became of the charge."""
        return await self._driver.query(ctx, request)

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        """A change of a charge, as the provider signed it."""
        return self._driver.webhook(ctx, raw)

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Cancel a charge that still waits for its customer, so that another method can be chosen."""
        return await self._driver.void(ctx, request)

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Give back all or a part, as often as there is something left."""
        return await self._driver.refund(ctx, request)
