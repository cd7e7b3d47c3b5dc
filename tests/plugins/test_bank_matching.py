"""What the account shows is what its bank's files are matched by: virtual accounts, unique amounts, creditor references."""

from __future__ import annotations

import pytest

from kassa.ports.bank_desk import BankStatement, MatchKind, StatementReport
from kassa.ports.cashier import PaymentView
from kassa.ports.payment import ShowAccount
from tests.kernel.payment.banking import bank_desk
from tests.kernel.payment.till import Till, open_till
from tests.kernel.world import OPERATOR
from tests.plugins.bank_accounts import Coded, Numbered, Own
from tests.plugins.bank_statements import WRITTEN, Transfer


async def a_till() -> Till:
    return await open_till(also=(Own, Numbered, Coded))


def shown(payment: PaymentView) -> ShowAccount:
    assert isinstance(payment.next_action, ShowAccount)
    return payment.next_action


async def brought(
    till: Till,
    method: str,
    *sent: Transfer,
    form: str = "camt",
    confirms: tuple[MatchKind, ...] = ("virtual_account", "rf"),
) -> StatementReport:
    """The bank's file of what was sent, imported."""
    file = BankStatement(method=method, name="march", data=WRITTEN[form](sent), form=form)
    return await bank_desk(till, method, confirms).desk.bring(file, OPERATOR, dry_run=False)


@pytest.mark.parametrize("form", ["camt", "mt940"])
async def test_a_virtual_account_in_the_bank_s_text_pays_its_order_and_no_other(form: str) -> None:
    till = await a_till()
    invoices = [await till.order() for _ in range(3)]
    payments = [await till.start(invoice_id, "numbered") for invoice_id in invoices]
    numbers = [shown(payment).account_number for payment in payments]
    assert len({*numbers}) == 3
    sent = Transfer(number=1, merchant_ref="", reference=f"BYVA {numbers[1]} TOKO", amount=payments[1].nominal)
    report = await brought(till, "numbered", sent, form=form)
    assert [line.verdict for line in report.lines] == ["confirmed"]
    assert [await till.status(one) for one in invoices] == ["awaiting_payment", "paid", "awaiting_payment"]
    await till.assert_sound()
    await till.close()


@pytest.mark.parametrize(("confirms", "verdict", "status"), [
    (("amount",), "confirmed", "paid"),
    ((), "proposed", "awaiting_payment"),
])  # fmt: skip
async def test_a_unique_amount_pays_its_order_where_the_shop_lets_it(
    confirms: tuple[MatchKind, ...], verdict: str, status: str
) -> None:
    till = await a_till()
    invoices = [await till.order() for _ in range(3)]
    payments = [await till.start(invoice_id, "coded") for invoice_id in invoices]
    assert len({shown(payment).amount.amount for payment in payments}) == 3
    assert all(901 <= shown(payment).amount.amount <= 999 for payment in payments)
    sent = Transfer(number=1, merchant_ref="", reference="thank you", amount=shown(payments[2]).amount)
    report = await brought(till, "coded", sent, confirms=confirms)
    assert [(line.verdict, line.payments) for line in report.lines] == [(verdict, (payments[2].id,))]
    assert [await till.status(one) for one in invoices] == ["awaiting_payment", "awaiting_payment", status]
    await till.assert_sound()
    await till.close()


async def test_a_creditor_reference_is_known_however_it_is_grouped() -> None:
    till = await a_till()
    for number, written in enumerate(("{}", "REF {} SHOP", "/ROC/{}//"), 1):
        invoice_id = await till.order()
        payment = await till.start(invoice_id, "own")
        reference = shown(payment).reference
        for_bank = (
            reference
            if number == 2
            else reference.replace(" ", "").lower()
            if number == 1
            else reference.replace(" ", "")
        )
        sent = Transfer(number=number, merchant_ref="", reference=written.format(for_bank), amount=payment.nominal)
        report = await brought(till, "own", sent)
        assert [line.verdict for line in report.lines] == ["confirmed"], written
        assert await till.status(invoice_id) == "paid"
    await till.assert_sound()
    await till.close()


async def test_one_wrong_letter_in_a_creditor_reference_confirms_nothing() -> None:
    till = await a_till()
    invoice_id = await till.order()
    payment = await till.start(invoice_id, "own")
    reference = shown(payment).reference.replace(" ", "")
    wrong = reference[:-1] + ("0" if reference[-1] != "0" else "1")
    sent = Transfer(number=1, merchant_ref="", reference=wrong, amount=payment.nominal, account="")
    report = await brought(till, "own", sent)
    assert [line.verdict for line in report.lines] != ["confirmed"]
    assert await till.status(invoice_id) == "awaiting_payment"
    await till.assert_sound()
    await till.close()
