"""What an operator does with bank statements: import them, look at what became of their lines."""

from typing import Annotated, Literal

from msgspec import Meta

from kassa.ports import errors
from kassa.ports.bank_desk import BankStatement, StatementReport
from kassa.ports.bank_files import KeptLine, LinePage, StatementPage
from kassa.ports.treasury import Review
from kassa.ports.values import Page, Value

from .refusals import CardNumberRefused
from .route import Access, Answers, Call, NoQuery, Reply, Route, as_json

MAX_BYTES = 16 * 1024 * 1024
TYPES = ("application/octet-stream", "application/xml", "text/*")


class StatementQuery(Value, frozen=True, kw_only=True):
    """How a file is to be read. `method` may be left out where one method alone reads bank files; `name` is for people."""

    method: Annotated[str, Meta(max_length=40)] = ""
    form: Annotated[str, Meta(max_length=40, description="One of the formats that the method reads, or auto.")] = "auto"
    name: Annotated[str, Meta(max_length=200)] = ""
    dry_run: Literal["true", "false"] = "false"


class ListQuery(Value, frozen=True, kw_only=True):
    """Which part of a list."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, Meta(pattern=r"^[0-9]{1,15}\Z")] | None = None

    @property
    def page(self) -> Page:
        """As the ports say it."""
        return Page(limit=self.limit, cursor=self.cursor)


async def bring(call: Call[bytes, StatementQuery]) -> Reply:
    """Import a file, or say what importing it would do."""
    wanted = call.query
    given = BankStatement(method=wanted.method, form=wanted.form, name=wanted.name, data=call.body)
    try:
        report = await call.shop.banking.bring(given, call.origin, dry_run=wanted.dry_run == "true")
    except errors.UnknownMethod as error:
        if wanted.method:
            raise
        raise errors.InvalidValue("method", str(error)) from None
    is_news = report.statement is not None and any(line.verdict != "known" for line in report.lines)
    return as_json(report, 201 if is_news else 200)


async def statements(call: Call[None, ListQuery]) -> Reply:
    """What was imported."""
    return as_json(await call.shop.banking.statements(call.query.page))


async def lines(call: Call[None, ListQuery]) -> Reply:
    """What became of the lines."""
    return as_json(await call.shop.banking.lines(call.number("statement_id"), call.query.page))


async def reviewed(call: Call[Review, NoQuery]) -> Reply:
    """A person has looked at a line."""
    return as_json(await call.shop.banking.reviewed(call.number("line_id"), call.body, call.origin))


ROUTES = (
    Route(
        method="POST",
        path="/v1/operator/statements",
        name="importStatement",
        tag="Operator",
        summary="Import a bank statement",
        handler=bring,
        access=Access.OPERATOR,
        raw_body=True,
        raw_bytes=MAX_BYTES,
        raw_types=TYPES,
        query=StatementQuery,
        explain="The body is the bank's file as it is, at most 16 MiB. The whole file is imported or nothing of it; importing it"
        " again changes nothing. With `dry_run=true` nothing is written and the report is the same. A line whose `state` is"
        " `waiting` is processed within minutes.",
        answers=(
            Answers(status=201, says="It told something new; this is what became of it.", type_=StatementReport),
            Answers(status=200, says="Nothing was kept: a dry run, or every line is known.", type_=StatementReport),
        ),
        errors=(errors.UnknownMethod, errors.InvalidValue, errors.NotCapable, errors.StatementRefused),
    ),
    Route(
        method="GET",
        path="/v1/operator/statements",
        name="listStatements",
        tag="Operator",
        summary="The bank statements that were imported",
        handler=statements,
        access=Access.OPERATOR,
        query=ListQuery,
        answers=(Answers(status=200, says="Newest first, and the cursor of the next part.", type_=StatementPage),),
    ),
    Route(
        method="GET",
        path="/v1/operator/statements/{statement_id}",
        name="listStatementLines",
        tag="Operator",
        summary="The lines that came new with a statement",
        handler=lines,
        access=Access.OPERATOR,
        query=ListQuery,
        answers=(Answers(status=200, says="As they stand in the file; the cursor of the next part.", type_=LinePage),),
        errors=(errors.UnknownStatement,),
    ),
    Route(
        method="POST",
        path="/v1/operator/statements/lines/{line_id}/reviewed",
        name="reviewStatementLine",
        tag="Operator",
        summary="Say that a person has looked at a doubtful line",
        handler=reviewed,
        access=Access.OPERATOR,
        body=Review,
        example={"reason": "the bank says that it was a charge"},
        free_text=("reason",),
        explain="Nothing is booked by this: money that it was is confirmed for its payment by hand.",
        answers=(Answers(status=200, says="The line as it is now.", type_=KeptLine),),
        errors=(errors.UnknownLine, errors.Conflict, CardNumberRefused),
    ),
)
