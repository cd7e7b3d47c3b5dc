"""The method at the sandbox provider: what it can do. The smallest of the three: read it first."""

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

from .config import BankTransferConfig
from .sandbox import SandboxAccounts

_DAY_S = 86_400


class BankTransfer(PaymentMethod[BankTransferConfig]):
    """An account is shown; only the customer can send the money, and may send another amount than asked."""

    Config: ClassVar[type[Struct]] = BankTransferConfig
    capabilities: ClassVar[Capabilities] = Capabilities(
        amounts=(AmountRule(currency="*"),),
        idempotency="header",
        void=True,
        refund="multiple",
        webhook_trust="signed_body",
        query_by_merchant_ref=True,
        query_consistency_s=2,
        next_actions=("show_account", "wait"),
        expiry_s=(_DAY_S, 14 * _DAY_S),
        open_amount=True,
    )

    def __init__(self, config: BankTransferConfig) -> None:
        super().__init__(config)
        self._driver = SandboxAccounts(config)

    async def health(self, ctx: Context) -> bool:
        """Whether the bank answers and takes our key."""
        return await self._driver.answers(ctx)

    async def start(self, ctx: Context, request: StartRequest) -> AnyOutcome:
        """Get an account to pay to."""
        return await self._driver.start(ctx, request)

    async def query(self, ctx: Context, request: QueryRequest) -> Report:
        """What has arrived."""
        return await self._driver.query(ctx, request)

    async def webhook(self, ctx: Context, raw: RawWebhook) -> AnyVerdict:
        """The bank's word on money that arrived, with or without a payment it belongs to."""
        return self._driver.webhook(ctx, raw)

    async def void(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Close the account."""
        return await self._driver.void(ctx, request)

    async def refund(self, ctx: Context, request: OperationRequest) -> AnyOutcome:
        """Send back all or a part, as often as there is something left."""
        return await self._driver.refund(ctx, request)
