"""The catalogue as customers see it."""

from typing import Annotated

from msgspec import Meta

from kassa.ports import errors
from kassa.ports.catalog import Product, ProductPage
from kassa.ports.values import Page, Value

from .route import Answers, Call, NoQuery, Reply, Route, as_json


class ProductQuery(Value, frozen=True, kw_only=True):
    """What is looked for, and which part of what was found."""

    q: Annotated[str, Meta(max_length=200, description="Part of name or SKU, in any case.")] = ""
    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.")] = 20
    cursor: Annotated[str, Meta(max_length=200, description="`next` of the part before.")] | None = None

    @property
    def page(self) -> Page:
        """Which part is wanted."""
        return Page(limit=self.limit, cursor=self.cursor)


async def search(call: Call[None, ProductQuery]) -> Reply:
    """Active products, by id."""
    return as_json(await call.shop.catalog.search(call.query.q, call.query.page))


async def product(call: Call[None, NoQuery]) -> Reply:
    """One active product."""
    return as_json(await call.shop.catalog.product(call.number("product_id")))


ROUTES = (
    Route(
        method="GET",
        path="/v1/products",
        name="searchProducts",
        tag="Catalogue",
        summary="Search products",
        handler=search,
        query=ProductQuery,
        answers=(Answers(status=200, says="Products by id, and the cursor of the next part.", type_=ProductPage),),
    ),
    Route(
        method="GET",
        path="/v1/products/{product_id}",
        name="getProduct",
        tag="Catalogue",
        summary="One product",
        handler=product,
        answers=(Answers(status=200, says="The product.", type_=Product),),
        errors=(errors.UnknownProduct,),
    ),
)
