"""Words for customers, by language."""

from typing import Annotated, Final, TypeAlias

from msgspec import Meta

Locale: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?\Z")]
"""A language as in BCP 47, the shop's own being `en`, `id` and `de`."""
Texts: TypeAlias = dict[Locale, Annotated[str, Meta(min_length=1, max_length=500)]]
"""One sentence in several languages. `en` must be there: it is what is shown where a customer's language is missing."""
FALLBACK: Final = "en"


def in_language(texts: Texts, wanted: tuple[str, ...]) -> str:
    """The sentence in the first of `wanted` that there is (`de-AT` is served by `de`), else in English; empty when there is
    none of them."""
    for locale in wanted:
        for name in (locale, locale.partition("-")[0]):
            if name in texts:
                return texts[name]
    return texts.get(FALLBACK, "")
