"""What a bank meant is what is read, in every format, whatever its customers are called and write."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.bank_files.reading import BankFile, good
from tests.plugins.bank_files.test_csv import GERMAN
from tests.plugins.bank_files.written import Transfer, balance, camt, csv_file, mt940

_PRINTED = st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=("C", "Z"))
_WORDS = st.text(alphabet=_PRINTED, max_size=30).filter(lambda words: words.upper() != "NOTPROVIDED")
_PLAIN = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=16)
_DAYS = st.dates(min_value=date(2001, 1, 1), max_value=date(2069, 1, 1)).map(str)


def transfers(words: st.SearchStrategy[str], currency: str) -> st.SearchStrategy[list[Transfer]]:
    """Up to eight transfers in one currency, with references of their own or none."""
    one = st.builds(
        Transfer,
        st.integers(1, 10**13),
        st.sampled_from(["credit", "debit"]),
        ref=st.one_of(st.just(""), st.integers(10**9, 10**10).map(lambda n: f"BK{n}")),
        text=words,
        name=words,
        currency=st.just(currency),
        day=_DAYS,
    )
    return st.lists(one, max_size=8, unique_by=lambda made: made.ref or id(made))


def told(found: BankFile) -> list[tuple[object, ...]]:
    """What a file says about money, line by line."""
    return [(line.direction, line.amount.amount, line.amount.currency, line.booked_on) for line in found.lines]


def meant(made: list[Transfer]) -> list[tuple[object, ...]]:
    """What the bank meant."""
    return [(one.direction, one.amount, one.currency, one.day) for one in made]


def agree(found: BankFile, made: list[Transfer]) -> None:
    """Every transfer is there, with its reference as its id and its words, and nothing is in doubt."""
    assert told(found) == meant(made)
    assert not any(line.doubt for line in found.lines)
    for line, one in zip(found.lines, made, strict=True):
        assert line.id == one.ref or (not one.ref and line.id.startswith("h-"))
        assert (line.account, line.counterparty) == (one.account, " ".join(one.name.split()))


@settings(max_examples=60)
@given(
    st.sampled_from(["EUR", "JPY", "KWD", "CLF"]).flatmap(lambda currency: transfers(_WORDS, currency)),
    st.integers(1, 13),
)
def test_a_camt_statement_says_what_the_bank_meant(made: list[Transfer], version: int):
    """In currencies of none, two, three and four decimals."""
    currency = made[0].currency if made else "EUR"
    head = balance("OPBD", 500, currency) + balance("CLBD", 500 + sum(one.signed for one in made), currency)
    agree(good(camt(made, version=max(version, 2), head=head)), made)


@settings(max_examples=60)
@given(st.sampled_from(["EUR", "JPY", "KWD"]).flatmap(lambda currency: transfers(_PLAIN, currency)))
def test_an_mt940_statement_says_what_the_bank_meant(made: list[Transfer]):
    """And its balances add up."""
    agree(good(mt940(made)), made)


@settings(max_examples=60)
@given(st.sampled_from(["EUR", "JPY", "KWD"]).flatmap(lambda currency: transfers(_WORDS, currency)))
def test_a_csv_file_says_what_the_bank_meant(made: list[Transfer]):
    """Quotes and delimiters in names included."""
    agree(good(csv_file(made), "csv:mine", {"mine": GERMAN}), made)


@settings(max_examples=60)
@given(st.lists(st.integers(1, 10**10), min_size=2, max_size=6), st.integers(-3, 3))
def test_a_batch_counts_as_its_parts_exactly_when_they_sum(parts: list[int], wrong: int):
    """And never for more than the entry."""
    whole = max(sum(parts) + wrong, 1)
    found = good(camt([Transfer(whole, ref="BANK-1", parts=tuple(parts))]))
    assert sum(line.amount.amount for line in found.lines) == whole
    assert any(line.doubt for line in found.lines) == (whole != sum(parts))
