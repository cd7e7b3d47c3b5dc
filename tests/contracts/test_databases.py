"""Every contract of the shop's stores, on SQLite in memory, SQLite in a file and PostgreSQL (see `conftest`)."""

from kassa.ports.conformance.audit import AuditTrailContract
from kassa.ports.conformance.bank_bills import BillsContract
from kassa.ports.conformance.bank_files import BankFilesContract
from kassa.ports.conformance.cart import CartsContract
from kassa.ports.conformance.catalog import ProductsContract
from kassa.ports.conformance.checkout import OrdersContract
from kassa.ports.conformance.deliveries import ClaimContract, FanOutContract
from kassa.ports.conformance.deliveries_record import RecordContract, ReplayContract
from kassa.ports.conformance.due import DueContract
from kassa.ports.conformance.ending import OrderEndContract
from kassa.ports.conformance.endpoints import EndpointsContract
from kassa.ports.conformance.events import OutboxContract
from kassa.ports.conformance.facts import FactsContract
from kassa.ports.conformance.held import ApprovalsContract, ReservationsContract
from kassa.ports.conformance.idempotency import IdempotencyRecordsContract
from kassa.ports.conformance.identity import AccountsContract
from kassa.ports.conformance.inbox import InboxContract
from kassa.ports.conformance.orders import OrderSearchContract
from kassa.ports.conformance.payment import PaymentsContract
from kassa.ports.conformance.payouts import RefundTasksContract
from kassa.ports.conformance.sessions import SessionsContract
from kassa.ports.conformance.suspense import SuspenseContract


class TestAccounts(AccountsContract):
    pass


class TestSessions(SessionsContract):
    pass


class TestProducts(ProductsContract):
    pass


class TestCarts(CartsContract):
    pass


class TestOrders(OrdersContract):
    pass


class TestOrderEnd(OrderEndContract):
    pass


class TestOrderSearch(OrderSearchContract):
    pass


class TestPayments(PaymentsContract):
    pass


class TestFacts(FactsContract):
    pass


class TestSuspense(SuspenseContract):
    pass


class TestReservations(ReservationsContract):
    pass


class TestApprovals(ApprovalsContract):
    pass


class TestRefundTasks(RefundTasksContract):
    pass


class TestDue(DueContract):
    pass


class TestInbox(InboxContract):
    pass


class TestBankFiles(BankFilesContract):
    pass


class TestBills(BillsContract):
    pass


class TestIdempotencyRecords(IdempotencyRecordsContract):
    pass


class TestOutbox(OutboxContract):
    pass


class TestEndpoints(EndpointsContract):
    pass


class TestFanOut(FanOutContract):
    pass


class TestClaim(ClaimContract):
    pass


class TestRecord(RecordContract):
    pass


class TestReplay(ReplayContract):
    pass


class TestAuditTrail(AuditTrailContract):
    pass
