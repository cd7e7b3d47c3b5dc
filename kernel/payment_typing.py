"""Slips of the pen: whether a number stands in a text but for one character too many, missing, wrong, or two swapped. Pure."""

from collections.abc import Iterator

_PARTS = 3
"""One slip touches at most two neighbouring parts of three, so that one of them stands there as it is."""


def is_nearly_in(number: str, text: str) -> bool:
    """Whether some piece of `text` is at most one slip away from `number` (Damerau-Levenshtein distance 1)."""
    return any(is_one_slip_away(number, piece) for piece in _pieces(number, text))


def parts_of(number: str) -> tuple[str, ...]:
    """Three parts, of which one slip leaves at least one as it is."""
    size = -(-len(number) // _PARTS)
    return tuple(number[start : start + size] for start in range(0, len(number), size))


def _pieces(number: str, text: str) -> Iterator[str]:
    """The pieces of the text in which one part of the number stands about where it should."""
    size = -(-len(number) // _PARTS)
    for start in range(0, len(number), size):
        part = number[start : start + size]
        at = text.find(part)
        while at >= 0:
            for begin in range(max(0, at - start - 1), at - start + 2):
                for length in (len(number) - 1, len(number), len(number) + 1):
                    if 0 <= begin <= len(text) - length:
                        yield text[begin : begin + length]
            at = text.find(part, at + 1)


def is_one_slip_away(wanted: str, given: str) -> bool:
    """Whether the two are equal, or one character was left out, added or mistaken, or two neighbours were swapped."""
    if abs(len(wanted) - len(given)) > 1:
        return False
    first = next(
        (n for n, (a, b) in enumerate(zip(wanted, given, strict=False)) if a != b), min(len(wanted), len(given))
    )
    rest, told = wanted[first:], given[first:]
    if len(wanted) > len(given):
        return rest[1:] == told
    if len(wanted) < len(given):
        return rest == told[1:]
    return rest[1:] == told[1:] or (rest[1::-1] == told[:2] and rest[2:] == told[2:])
