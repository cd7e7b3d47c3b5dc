"""How one can pay, and what to tell customers of it."""

from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from kassa.ports import errors
from kassa.ports.checkout import MethodOffer
from kassa.ports.values import Value

from .payment_words import Sentences, sentences, title_of
from .route import Access, Answers, Call, NoQuery, Reply, Route, as_json
from .texts import speech_for


class MethodQuery(Value, frozen=True, kw_only=True):
    """For which invoice."""

    invoice_id: Annotated[str, Meta(min_length=1, max_length=40)] | None = None


class MethodList(Value, frozen=True, kw_only=True):
    """Ways to pay."""

    items: tuple[MethodOffer, ...]
    next: str | None = None


async def methods(call: Call[None, MethodQuery]) -> Reply:
    """Enabled, healthy methods that fit."""
    speech = speech_for(call.headers)
    offers = await call.shop.cashier.methods(call.me.account_id, call.query.invoice_id)
    named = tuple(replace(one, title=title_of(call.shop.cashier.name_of(one.method), speech)) for one in offers)
    return as_json(MethodList(items=named), headers=speech.headers())


async def texts(call: Call[None, NoQuery]) -> Reply:
    """Every sentence by its code."""
    speech = speech_for(call.headers)
    return as_json(sentences(speech), headers=[*speech.headers(), (b"cache-control", b"public, max-age=300")])


_SPOKEN = ("Content-Language",)
ROUTES = (
    Route(
        method="GET",
        path="/v1/payment-methods",
        name="listPaymentMethods",
        tag="Payment",
        summary="How one can pay",
        handler=methods,
        access=Access.CUSTOMER,
        query=MethodQuery,
        answers=(
            Answers(
                status=200,
                says="Methods that are enabled, healthy and fit what is due.",
                type_=MethodList,
                headers=_SPOKEN,
            ),
        ),
        errors=(errors.UnknownOrder,),
    ),
    Route(
        method="GET",
        path="/v1/texts",
        name="getTexts",
        tag="Payment",
        summary="What to tell customers, by code, in their language",
        handler=texts,
        explain="By Accept-Language: English, Indonesian or German. Codes and field names are the same in all of them.",
        answers=(Answers(status=200, says="Sentences by code.", type_=Sentences, headers=_SPOKEN),),
    ),
)
