"""Card numbers in free text."""

import pytest

from kassa.adapters.http.card_numbers import holds_card_number

CARDS = (
    "4242424242424242",
    "4000056655665556",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "30569309025904",
    "6011111111111117",
    "3566002020360505",
    "6200000000000005",
    "4222222222222",
)


@pytest.mark.parametrize("number", CARDS)
def test_a_card_number_is_found_however_it_is_written(number: str) -> None:
    groups = [number[start : start + 4] for start in range(0, len(number), 4)]
    for text in (number, " ".join(groups), "-".join(groups), f"my card is {number}, thanks", f"a{number}z"):
        assert holds_card_number(text), text


@pytest.mark.parametrize("number", CARDS)
def test_a_number_with_one_wrong_digit_is_none(number: str) -> None:
    assert not holds_card_number(number[:-1] + str((int(number[-1]) + 1) % 10))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 Analytical Row, London W1",
        "+44 20 7946 0958",
        "0" * 16,
        "9" * 40,
        "KS-7F3Q-9MZD-X",
        "4242 4242 4242",
        "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
    ],
)
def test_other_text_passes(text: str) -> None:
    assert not holds_card_number(text)
