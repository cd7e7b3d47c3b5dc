"""What the customer is shown: the account, what tells the payment apart, the exact amount, and how it is done."""

from msgspec.structs import replace
from stdnum import iban as iban_number

from kassa.ports.next_action import ShowAccount
from kassa.ports.payment import StartRequest
from kassa.ports.values import Instant

from .config import AccountConfig
from .epc import epc_payload, epc_picture
from .references import creditor_reference, printed_reference, virtual_number
from .texts import instructions


def provider_ref(config: AccountConfig, request: StartRequest) -> str:
    """What the shop finds the payment by when a line names it: as machines write it."""
    if config.reference == "rf":
        return creditor_reference(request.merchant_ref)
    if config.virtual_account is not None:
        return virtual_number(config.virtual_account, _drawn(request))
    return request.merchant_ref


def shown(config: AccountConfig, request: StartRequest, expires_at: Instant) -> ShowAccount:
    """The account as it is shown for this payment."""
    account = iban_number.format(config.iban) if config.iban is not None else config.account
    plain = ShowAccount(
        bank=config.bank,
        holder=config.holder,
        account_number=account,
        reference=request.invoice_id,
        amount=request.amount,
        bic=config.plain_bic,
        expires_at=expires_at,
    )
    if config.virtual_account is not None:
        number = virtual_number(config.virtual_account, _drawn(request))
        plain = replace(plain, account_number=number, reference="")
    elif config.reference == "rf":
        plain = replace(plain, reference=printed_reference(creditor_reference(request.merchant_ref)))
    code = _code(config, request)
    return replace(plain, qr=code, qr_svg=epc_picture(code), instructions=instructions(config, has_qr=bool(code)))


def _code(config: AccountConfig, request: StartRequest) -> str:
    """The text of the QR code; empty for an account that no SEPA transfer reaches."""
    if config.iban is None or config.virtual_account is not None:
        return ""
    return epc_payload(
        holder=config.holder,
        iban=config.plain_iban,
        bic=config.plain_bic,
        amount=request.amount,
        reference=creditor_reference(request.merchant_ref) if config.reference == "rf" else "",
        text=request.invoice_id,
    )


def _drawn(request: StartRequest) -> int:
    assert request.reserved is not None
    return request.reserved
