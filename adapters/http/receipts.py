"""Receipts: as JSON, and as a page to print."""

from html import escape

import msgspec

from kassa.ports import errors
from kassa.ports.cashier import Receipt

from . import pages
from .payment_words import title_of
from .route import Access, Answers, Call, NoQuery, Reply, Route, as_json
from .texts import Speech, speech_for


class WordedReceipt(Receipt, frozen=True, kw_only=True):
    """A receipt and what its method is called, in the customer's language."""

    language: str
    title: str
    method_title: str


async def receipt(call: Call[None, NoQuery]) -> Reply:
    """For programs."""
    speech = speech_for(call.headers)
    return as_json(await _worded(call, speech), headers=speech.headers())


async def page(call: Call[None, NoQuery]) -> Reply:
    """For people and printers."""
    speech = speech_for(call.headers)
    body = _body(await _worded(call, speech), speech)
    text = pages.page(speech.words.receipt["title"], body, speech.words.language)
    kinds = [(b"content-type", b"text/html; charset=utf-8"), (b"content-security-policy", pages.CSP)]
    return Reply(200, text.encode("utf-8"), [*kinds, *speech.headers()])


async def _worded(call: Call[None, NoQuery], speech: Speech) -> WordedReceipt:
    cashier = call.shop.cashier
    found = await cashier.receipt(call.me.account_id, call.number("payment_id"))
    return WordedReceipt(
        **msgspec.structs.asdict(found),
        language=speech.words.language,
        title=speech.words.receipt["title"],
        method_title=title_of(cashier.name_of(found.method), speech),
    )


def _body(receipt: WordedReceipt, speech: Speech) -> str:
    texts, words = speech.words, speech.words.receipt
    facts = {
        words["invoice"]: receipt.invoice_id,
        words["method"]: receipt.method_title,
        words["reference"]: receipt.reference,
    }
    head = "".join(f"<tr><th>{escape(name)}</th><td>{escape(fact)}</td></tr>" for name, fact in facts.items())
    rows = [
        (words[line.kind], texts.moment(line.at), texts.money(line.amount if line.kind == "paid" else -line.amount))
        for line in receipt.lines
    ]
    body = "".join(
        f"<tr><td>{escape(what)}</td><td>{escape(at)}</td><td class='number'>{escape(amount)}</td></tr>"
        for what, at, amount in rows
    )
    return (
        f"<h1>{escape(receipt.title)}</h1><table>{head}</table>"
        f"<h2>{escape(receipt.method_title)}</h2><table><tr><th>{escape(words['what'])}</th>"
        f"<th>{escape(words['date'])}</th><th class='number'>{escape(words['amount'])}</th></tr>{body}"
        f"<tr class='sum'><td>{escape(words['kept'])}</td><td></td>"
        f"<td class='number'>{escape(texts.money(receipt.kept))}</td></tr></table>"
    )


_SPOKEN = ("Content-Language",)
_ERRORS = (errors.UnknownPayment, errors.NoReceipt)
ROUTES = (
    Route(
        method="GET",
        path="/v1/payments/{payment_id}/receipt",
        name="getReceipt",
        tag="Payment",
        summary="What was paid and given back",
        handler=receipt,
        access=Access.CUSTOMER,
        explain="As soon as money was taken. It names the method, never what the customer paid with.",
        answers=(Answers(status=200, says="The receipt.", type_=WordedReceipt, headers=_SPOKEN),),
        errors=_ERRORS,
    ),
    Route(
        method="GET",
        path="/v1/payments/{payment_id}/receipt.html",
        name="getReceiptPage",
        tag="Payment",
        summary="The receipt as a page to print",
        handler=page,
        access=Access.CUSTOMER,
        answers=(Answers(status=200, says="A page for people.", media="text/html", headers=_SPOKEN),),
        errors=_ERRORS,
    ),
)
