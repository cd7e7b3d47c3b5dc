"""Where the kernel speaks to providers: requests out, facts back. Nothing is stored here and nothing is held open."""

from msgspec import Struct

from kassa.kernel.payment_draft import Policy, new_operation
from kassa.kernel.payment_facts import Facts, Unknown, from_outcome, from_report
from kassa.kernel.payment_views import payment_in, start_in
from kassa.kernel.plugin_guard import GuardedMethod
from kassa.kernel.plugin_host import LoadedMethods
from kassa.ports.clock import Clock
from kassa.ports.ids import Ids, OperationId
from kassa.ports.money import Money
from kassa.ports.payment import AnyOutcome, Capabilities, OperationRequest, QueryRequest, StartRequest
from kassa.ports.payment_records import Operation, OperationKind, Payment, PaymentFile

ASK_AT_LEAST_S = 0.5
"""With less left of a deadline, a query is not worth beginning."""
_GONE = Capabilities(amounts=(), idempotency="none")


class ProviderDesk:
    """Sends commands and queries through the guarded methods."""

    def __init__(self, *, methods: LoadedMethods, clock: Clock, ids: Ids, public_url: str) -> None:
        self._methods, self._clock, self._ids, self._public_url = methods, clock, ids, public_url.rstrip("/")

    def method(self, name: str) -> GuardedMethod | None:
        """The method of this instance name, if it is loaded."""
        return self._methods.get(name)

    def policy(self, name: str) -> Policy:
        """How facts of this instance are taken. Of one that is gone nothing can be ordered or refunded."""
        method = self._methods.get(name)
        jitter = self._ids.jitter()
        if method is None:
            return Policy(capabilities=_GONE, late="review", surplus="review", deadline_s=30, jitter=jitter)
        return Policy(
            capabilities=method.capabilities,
            late=method.instance.late,
            surplus=method.instance.surplus,
            deadline_s=method.deadline_s,
            jitter=jitter,
            tolerance=method.instance.tolerance,
        )

    def command(self, payment: Payment, kind: OperationKind, amount: Money | None) -> Operation:
        """A new command, to be written ahead as SENT."""
        now = self._clock.now()
        deadline_s = self.policy(payment.method).deadline_s
        operation_id = OperationId(self._ids.operation_id())
        return new_operation(payment.id, operation_id, amount, now, deadline_s, kind=kind)

    async def start(
        self, payment: Payment, operation: Operation, given: Struct, token: str, within_s: float
    ) -> AnyOutcome | Unknown:
        """Send a START."""
        method = self._methods.get(payment.method)
        if method is None:
            return Unknown(reason="the method is not loaded")
        request = StartRequest(
            operation_id=operation.id,
            merchant_ref=payment.merchant_ref,
            invoice_id=payment.invoice_id,
            amount=payment.nominal,
            capture=method.instance.capture == "automatic",
            input=given,
            return_url=f"{self._public_url}/v1/returns/{token}",
            webhook_url=f"{self._public_url}/webhooks/{method.name}/{method.instance.slug}",
            expires_at=payment.expires_at,
            reserved=payment.reserved,
        )
        return await method.start(request, within_s)

    async def send(
        self,
        file: PaymentFile,
        operation: Operation,
        within_s: float | None = None,
        given: dict[str, str] | None = None,
    ) -> AnyOutcome | Unknown:
        """Send a capture, void, refund or resume that was written as SENT."""
        payment = payment_in(file, operation.payment_id)
        method = self._methods.get(payment.method)
        if method is None:
            return Unknown(reason="the method is not loaded")
        assert operation.kind != "start"
        request = OperationRequest(
            operation_id=operation.id,
            kind=operation.kind,
            merchant_ref=payment.merchant_ref,
            provider_ref=payment.provider_ref,
            amount=operation.amount,
            movements=tuple(k.movement for k in file.movements if k.payment_id == payment.id),
            input=given or {},
            state=payment.plugin_state,
        )
        within = method.deadline_s if within_s is None else within_s
        if operation.kind != "resume":
            return await method.command(request, within)
        key, step = _resume_key(file, operation)
        return await method.command(request, within, key=key, step=step)

    async def ask(self, payment: Payment, within_s: float | None = None) -> Facts:
        """Query one payment. Silence where the provider cannot be asked: that is no "not found"."""
        method = self._methods.get(payment.method)
        if method is None:
            return Facts(word="silence", code="the method is not loaded")
        if payment.provider_ref is None and not method.capabilities.query_by_merchant_ref:
            return Facts(word="silence", code="the provider cannot be asked without its reference")
        request = QueryRequest(
            merchant_ref=payment.merchant_ref,
            provider_ref=payment.provider_ref,
            amount=payment.nominal,
            state=payment.plugin_state,
        )
        return from_report(await method.query(request, within_s), "query")

    async def resolved(
        self, payment: Payment, operation_id: OperationId, outcome: AnyOutcome | Unknown, ends_at: float
    ) -> Facts:
        """The facts of a result; an unclear one is asked about at once, with what is left until `ends_at` (monotonic)."""
        if isinstance(outcome, Unknown):
            left_s = ends_at - self._clock.monotonic()
            if left_s >= ASK_AT_LEAST_S:
                facts = await self.ask(payment, left_s)
                if facts.word == "query" and facts.found:
                    return facts
        return from_outcome(operation_id, outcome)


def _resume_key(file: PaymentFile, operation: Operation) -> tuple[OperationId, str]:
    """A resume is a further step of its START: its key derives from the START's and the number of the input."""
    resumes = [o for o in file.operations if o.payment_id == operation.payment_id and o.kind == "resume"]
    resumes.sort(key=lambda o: (o.sent_at, o.id))
    number = next((n for n, o in enumerate(resumes, 1) if o.id == operation.id), len(resumes) + 1)
    return start_in(file, operation.payment_id).id, f"input-{number}"
