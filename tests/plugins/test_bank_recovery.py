"""The shop's own account when the shop dies: nobody can be asked, and so nothing may be guessed."""

import pytest

from kassa.adapters.system import SystemFailpoints
from kassa.adapters.system.failpoints import FailpointReached
from kassa.ports.bank_desk import BankStatement
from kassa.ports.payment import MovementState, ShowAccount
from kassa.ports.payment_records import OperationState
from tests.kernel.payment.banking import bank_desk
from tests.kernel.payment.till import Till, open_till
from tests.kernel.world import OPERATOR
from tests.plugins.bank_accounts import Coded, Numbered, Own
from tests.plugins.bank_statements import Transfer, camt


async def crashing(point: str) -> Till:
    return await open_till(also=(Own, Numbered, Coded), failpoints=SystemFailpoints(f"{point}=raise@1"))


@pytest.mark.parametrize("method", ["own", "numbered", "coded"])
@pytest.mark.parametrize("point", ["payment.after_begin", "payment.after_call", "payment.before_record"])
async def test_an_account_that_nobody_saw_is_given_up_and_the_order_stays_payable(point: str, method: str) -> None:
    till = await crashing(point)
    invoice_id = await till.order()
    with pytest.raises(FailpointReached):
        await till.start(invoice_id, method, key="k")
    await till.sweep(6, after_s=70)
    (lost,) = (await till.file(invoice_id)).operations
    assert (lost.state, lost.executed) == (OperationState.FAILED, False)
    again = await till.start(invoice_id, method)
    assert isinstance(again.next_action, ShowAccount)
    assert (again.status.value, again.next_action.amount) == ("requires_action", again.nominal)
    await till.assert_sound()
    await till.close()


@pytest.mark.parametrize("point", ["operation.after_begin", "operation.after_call", "operation.after_record"])
async def test_a_refund_that_crashes_is_one_task(point: str) -> None:
    till = await crashing(point)
    invoice_id = await till.order()
    payment = await till.start(invoice_id, "own")
    assert isinstance(payment.next_action, ShowAccount)
    came = Transfer(number=1, merchant_ref="", reference=payment.next_action.reference, amount=payment.nominal)
    file = BankStatement(method="own", name="march.xml", data=camt((came,)))
    await bank_desk(till, "own").desk.bring(file, OPERATOR, dry_run=False)
    assert await till.status(invoice_id) == "paid"
    with pytest.raises(FailpointReached):
        await till.refund(payment.id, 400, key="r")
    await till.sweep(8, after_s=70)
    (task,) = await till.world.payments.pending_refunds("own", limit=10)
    known = await till.file(invoice_id)
    refunds = [k.movement for k in known.movements if k.movement.kind == "refund"]
    assert [(m.id, m.state, m.amount.amount) for m in refunds] == [(task.operation_id, MovementState.PENDING, 400)]
    assert not known.payments[0].in_doubt
    await till.assert_sound()
    await till.close()
