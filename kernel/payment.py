"""The cashier: takes money, and always knows what it does not know. Its `treasury` is the operators' side of it."""

import hashlib
from collections.abc import Coroutine
from typing import Any, TypeVar

import msgspec

from kassa.kernel.payment_books import TRIES, Books, Entry
from kassa.kernel.payment_clearing import Clearing
from kassa.kernel.payment_desk import ProviderDesk
from kassa.kernel.payment_draft import due
from kassa.kernel.payment_orders import Orders
from kassa.kernel.payment_receipt import receipt_of
from kassa.kernel.payment_start import Starting
from kassa.kernel.payment_states import IN_DOUBT
from kassa.kernel.payment_tasks import Tasks
from kassa.kernel.payment_treasury import KernelTreasury
from kassa.kernel.payment_views import names_for, payment_in, start_in, view_of
from kassa.kernel.payment_webhooks import Webhooks
from kassa.kernel.plugin_host import LoadedMethods
from kassa.ports.audit import Origin
from kassa.ports.cashier import MethodName, PaymentView, Receipt, StartPayment
from kassa.ports.checkout import MethodOffer
from kassa.ports.clock import Clock
from kassa.ports.errors import (
    Conflict,
    InvalidValue,
    NotCapable,
    UnknownOrder,
    UnknownPayment,
)
from kassa.ports.failpoints import Failpoints
from kassa.ports.idempotency import Answer, Claim
from kassa.ports.ids import AccountId, Ids, InvoiceId, PaymentId
from kassa.ports.money import Money
from kassa.ports.payment import Collect, Log, RawWebhook, Reply
from kassa.ports.payment_records import (
    Inbox,
    OperationState,
    PayableState,
    Payment,
    PaymentFile,
    Payments,
)
from kassa.ports.plugins import PluginStatus

T = TypeVar("T")
MAX_INPUTS, MAX_INPUT_LENGTH = 10, 500
DRAIN_S = 30.0


class KernelCashier:
    """`ports.cashier.Cashier`, and what checkout asks of payment (`MethodsFor`, `Release`).

    What moves money runs in tasks of its own: a client that hangs up tears nothing. `return_urls` are prefixes that a
    payment may send the browser back to (the shop's own address always may), `return_page` where it goes without one. With
    `second_person` the word of one operator is not enough for money that no provider tells of.
    """

    def __init__(
        self,
        *,
        payments: Payments,
        inbox: Inbox,
        methods: LoadedMethods,
        clock: Clock,
        ids: Ids,
        failpoints: Failpoints,
        log: Log,
        public_url: str,
        return_urls: tuple[str, ...] = (),
        return_page: str = "/",
        second_person: bool = False,
    ) -> None:
        self._payments, self._methods, self._clock = payments, methods, clock
        self._return_page = return_page
        self._tasks = Tasks(log)
        self.desk = ProviderDesk(methods=methods, clock=clock, ids=ids, public_url=public_url)
        self.books = Books(payments=payments, desk=self.desk, methods=methods, clock=clock, failpoints=failpoints)
        self.clearing = Clearing(
            payments=payments, desk=self.desk, books=self.books, clock=clock, failpoints=failpoints
        )
        self._starting = Starting(
            payments=payments,
            desk=self.desk,
            books=self.books,
            clearing=self.clearing,
            clock=clock,
            ids=ids,
            failpoints=failpoints,
            return_urls=(public_url, *return_urls),
        )
        self.treasury = KernelTreasury(
            payments=payments,
            inbox=inbox,
            methods=methods,
            books=self.books,
            clearing=self.clearing,
            orders=Orders(payments=payments, desk=self.desk, books=self.books, clearing=self.clearing, clock=clock),
            tasks=self._tasks,
            clock=clock,
            second_person=second_person,
        )
        self.webhooks = Webhooks(
            payments=payments,
            inbox=inbox,
            desk=self.desk,
            books=self.books,
            tasks=self._tasks,
            clock=clock,
            ids=ids,
            failpoints=failpoints,
            log=log,
        )

    # --- what checkout asks -----------------------------------------------------------------------------------

    def names_for(self, amount: Money) -> tuple[str, ...]:
        """The names of enabled, healthy methods that take the amount."""
        return names_for(self._methods, amount)

    async def release(self, invoice_id: InvoiceId, *, cancel_live: bool, origin: Origin) -> int:
        """See `ports.checkout.Release`."""
        return await self._kept(self.clearing.release(invoice_id, cancel_live=cancel_live, origin=origin))

    # --- customers --------------------------------------------------------------------------------------------

    async def methods(self, customer_id: AccountId, invoice_id: InvoiceId | None) -> tuple[MethodOffer, ...]:
        """See `ports.cashier.Cashier`."""
        wanted = {method.name for method in self._methods.all() if method.is_healthy}
        if invoice_id is not None:
            file = await self._own_file(customer_id, invoice_id)
            rest = due(file)
            payable = file.payable.state is PayableState.OPEN and rest.amount > 0
            wanted = set(self.names_for(rest)) if payable else set()
        return tuple(
            MethodOffer(method=m.name, title=m.title, input=_schema(m.input_type))
            for m in self._methods.all()
            if m.name in wanted
        )

    async def start(self, customer_id: AccountId, request: StartPayment, claim: Claim, origin: Origin) -> Answer:
        """See `ports.cashier.Cashier`."""
        return await self._kept(self._starting.start(customer_id, request, claim, origin))

    async def payment(self, customer_id: AccountId, payment_id: PaymentId) -> PaymentView:
        """See `ports.cashier.Cashier`."""
        return self._view(await self._own_payment(customer_id, payment_id), payment_id)

    async def payments(self, customer_id: AccountId, invoice_id: InvoiceId) -> tuple[PaymentView, ...]:
        """See `ports.cashier.Cashier`."""
        file = await self._own_file(customer_id, invoice_id)
        return tuple(self._view(file, payment.id) for payment in sorted(file.payments, key=lambda p: p.id))

    async def receipt(self, customer_id: AccountId, payment_id: PaymentId) -> Receipt:
        """See `ports.cashier.Cashier`."""
        return receipt_of(await self._own_payment(customer_id, payment_id), payment_id)

    def name_of(self, method: str) -> MethodName:
        """See `ports.cashier.Cashier`."""
        found = self._methods.get(method)
        if found is None:
            return MethodName(plugin="", title=method, given={})
        driver = str(found.instance.config.get("driver", ""))
        return MethodName(plugin=found.instance.plugin, driver=driver, title=found.title, given=found.instance.title)

    async def give_input(
        self, customer_id: AccountId, payment_id: PaymentId, given: dict[str, str], origin: Origin
    ) -> PaymentView:
        """See `ports.cashier.Cashier`."""
        if len(given) > MAX_INPUTS or any(len(k) + len(v) > MAX_INPUT_LENGTH for k, v in given.items()):
            raise InvalidValue("input", "too much")
        return await self._kept(self._give_input(customer_id, payment_id, given, origin))

    async def _give_input(
        self, customer_id: AccountId, payment_id: PaymentId, given: dict[str, str], origin: Origin
    ) -> PaymentView:
        file = await self._own_payment(customer_id, payment_id)
        file = await self.clearing.without_doubt(file, origin)
        payment = payment_in(file, payment_id)
        method = self.desk.method(payment.method)
        waits = start_in(file, payment_id).state is OperationState.PENDING
        asked = self._view(file, payment_id).next_action
        if method is None or not method.capabilities.resume or not waits or not isinstance(asked, Collect):
            raise NotCapable("this payment waits for no input")
        operation = self.desk.command(payment, "resume", None)
        entry = Entry(origin=origin, action="payment.resume", point="operation")
        return self._view(await self.clearing.carried_out(file, operation, entry, given), payment_id)

    async def cancel(self, customer_id: AccountId, payment_id: PaymentId, origin: Origin) -> PaymentView:
        """See `ports.cashier.Cashier`."""
        return await self._kept(self._cancel(customer_id, payment_id, origin))

    async def _cancel(self, customer_id: AccountId, payment_id: PaymentId, origin: Origin) -> PaymentView:
        for _ in range(TRIES):
            file = await self._own_payment(customer_id, payment_id)
            try:
                file = await self.clearing.cancel(file, payment_in(file, payment_id), origin)
            except Conflict:
                continue
            return self._view(file, payment_id)
        raise Conflict(str(payment_id))

    async def returned(self, token: str) -> str:
        """See `ports.cashier.Cashier`."""
        file, payment_id = await self._payments.file_by_return_token(hashlib.sha256(token.encode()).digest())
        payment = payment_in(file, payment_id)
        if payment.is_live and not _is_under_way(file, payment, self._clock):
            origin = Origin(actor="anonymous", request_id=f"return-{payment_id}")
            await self._kept(self._ask(file, payment, origin))
        return payment.return_url or self._return_page

    async def _ask(self, file: PaymentFile, payment: Payment, origin: Origin) -> None:
        try:
            await self.clearing.ask(file, payment, origin)
        except Conflict:
            return  # somebody else entered newer facts: the browser comes to see those

    # --- providers --------------------------------------------------------------------------------------------

    async def webhook(self, instance: str, raw: RawWebhook) -> Reply:
        """See `ports.cashier.Cashier`."""
        return await self._kept(self.webhooks.receive(instance, raw))

    # --- the shop ---------------------------------------------------------------------------------------------

    def plugins(self) -> tuple[PluginStatus, ...]:
        """See `ports.cashier.Cashier`."""
        return self._methods.statuses()

    def ready(self) -> bool:
        """See `ports.cashier.Cashier`."""
        return self._methods.is_complete()

    async def drain(self, within_s: float = DRAIN_S) -> None:
        """Wait for money work under way; the plugins are closed by whoever loaded them."""
        await self._tasks.drain(within_s)

    # --- reading ----------------------------------------------------------------------------------------------

    async def _kept(self, work: Coroutine[Any, Any, T]) -> T:
        return await self._tasks.wait(work)

    async def _own_file(self, customer_id: AccountId, invoice_id: InvoiceId) -> PaymentFile:
        file = await self._payments.file(invoice_id)
        if file.payable.customer_id != customer_id:
            raise UnknownOrder(invoice_id)
        return file

    async def _own_payment(self, customer_id: AccountId, payment_id: PaymentId) -> PaymentFile:
        file = await self._payments.file_of_payment(payment_id)
        if file.payable.customer_id != customer_id:
            raise UnknownPayment(str(payment_id))
        return file

    def _view(self, file: PaymentFile, payment_id: PaymentId) -> PaymentView:
        return view_of(file, payment_id, self._methods)


def _schema(shape: type[msgspec.Struct]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(msgspec.json.schema(shape)))


def _is_under_way(file: PaymentFile, payment: Payment, clock: Clock) -> bool:
    """Whether a call of this payment runs just now: its own answer comes first."""
    mine = [o for o in file.operations if o.payment_id == payment.id and o.state in IN_DOUBT]
    return any(o.state is OperationState.SENT and o.next_check_at and o.next_check_at > clock.now() for o in mine)
