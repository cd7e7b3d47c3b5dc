"""The bank transfer method before the conformance kit, with the sandbox as its provider and on the shop's own account:
`kassa plugin check tests.plugins.bank_subject:BankSubject`, `:AccountSubject`, `:VirtualAccountSubject`."""

from __future__ import annotations

from typing import Any

from kassa.plugins import bank_transfer
from kassa.ports.conformance.payment_method import Charge, ProviderDouble, Skipped, Subject
from kassa.ports.money import Money
from kassa.ports.payment import AnyNextAction, ShowAccount
from tests.plugins.bank_statements import CSV_PROFILE, IBAN, WRITTEN, Transfer
from tests.plugins.sandbox_double import SandboxDouble, SandboxSubject


class BankDouble(SandboxDouble):
    """The bank: whoever knows an account number can send money to it, whatever became of the account."""

    async def pay(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        account = await self.account(merchant_ref)
        missing = Money(amount=account["amount"], currency=account["currency"])
        await self.pay_other(action, merchant_ref, action.amount if isinstance(action, ShowAccount) else missing)

    async def pay_other(self, action: AnyNextAction | None, merchant_ref: str, amount: Money) -> None:
        number = (await self.account(merchant_ref))["account_number"]
        if isinstance(action, ShowAccount):  # as the customer reads it
            number = action.account_number
        transfer = {"account_number": number, "amount": amount.amount, "currency": amount.currency}
        await self.told("POST", "/bank/transfers", transfer | {"merchant": self.merchant.name})

    async def account(self, merchant_ref: str) -> dict[str, Any]:
        found: dict[str, Any] = (await self.told("GET", f"/v1/virtual-accounts?merchant_ref={merchant_ref}"))["data"][0]
        return found

    async def pay_late(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        await self.pay(action, merchant_ref)

    async def expire(self, merchant_ref: str) -> None:
        await self.told("POST", f"/control/virtual-accounts/{await self.id_of(merchant_ref)}/expire", {})

    async def decline_next(self) -> None:
        await self.told(
            "PUT", "/control/faults", {"merchant": self.merchant.name, "next": [{"op": "va", "fault": "decline"}]}
        )

    async def refuse(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        raise Skipped("a customer who does not want to pay sends no money; there is nothing to refuse")

    async def dispute(self, merchant_ref: str) -> None:
        raise Skipped("a transfer that the customer made is not charged back")


class BankSubject(SandboxSubject):
    """`driver = "sandbox"`: an account for each payment."""

    [_offered] = bank_transfer.kassa_payment_methods()
    factory = _offered.driven("sandbox")
    name = "bank_transfer"
    declined_code = "not_allowed"
    """The bank opens no account: there is nothing that the customer could do about it."""

    def double(self) -> ProviderDouble:
        return BankDouble(self.url, self.merchant, "virtual-accounts")


class OwnBank(ProviderDouble):
    """The bank of a shop that asks nobody: whoever is shown the account sends money to it, and the bank writes statements."""

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def __init__(self) -> None:
        self.app = self._answer
        self.transfers: list[Transfer] = []

    async def charges(self) -> tuple[Charge, ...]:
        return tuple(
            Charge(
                provider_ref=one.reference, merchant_ref=one.merchant_ref, amount=one.amount, movements=(one.movement,)
            )
            for one in self.transfers
        )

    async def pay(self, action: AnyNextAction | None, merchant_ref: str) -> None:
        assert isinstance(action, ShowAccount)
        number = len(self.transfers) + 1
        self.transfers.append(
            Transfer(number=number, merchant_ref=merchant_ref, reference=action.reference, amount=action.amount)
        )

    async def statement(self, format: str) -> bytes:
        return WRITTEN[format](tuple(self.transfers))


class AccountSubject(Subject):
    """`driver = "account"`: the shop's own account, with creditor references, and a bank that writes statements."""

    [_offered] = bank_transfer.kassa_payment_methods()
    factory = _offered.driven("account")
    offline = True
    amount = Money(amount=10_000, currency="EUR")

    def config(self, base_url: str) -> dict[str, Any]:
        return {
            "driver": "account",
            "bank": "Example Bank",
            "holder": "Example Shop Ltd",
            "iban": IBAN,
            "currency": "EUR",
            "reference": "rf",
            "csv": {"own": CSV_PROFILE},
        }

    def double(self) -> ProviderDouble:
        return OwnBank()


class VirtualAccountSubject(AccountSubject):
    """The same with an account number for each payment."""

    def config(self, base_url: str) -> dict[str, Any]:
        return super().config(base_url) | {
            "reference": "virtual_account",
            "virtual_account": {"prefix": "88608", "digits": 10},
        }
