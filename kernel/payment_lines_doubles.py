"""Money that two lines may tell of: a whole and its parts, or one transfer in the files of two methods. Pure."""

from collections.abc import Iterable, Iterator

from kassa.kernel.payment_facts import bank_movement
from kassa.ports.bank_files import Holder, KeptLine, NewLine

_BANK = bank_movement("")


def names_of(movement_id: str) -> tuple[str, ...]:
    """The name of a line's money, and those of the wholes that it may be a part of: `X/1` is a part of `X`."""
    pieces = movement_id.split("/")
    return tuple("/".join(pieces[:count]) for count in range(len(pieces), 0, -1))


def is_of_the_account(movement_id: str) -> bool:
    """Whether it is money of the bank account: a line told of it, or a person."""
    return movement_id.startswith(_BANK)


def doubles(
    method: str, lines: tuple[NewLine, ...], told: tuple[KeptLine, ...], holders: tuple[Holder, ...]
) -> dict[str, str]:
    """Why the money of lines may be money that was booked already, by movement id. A batch is told of as one entry here and by
    its parts there; whoever configured two methods on one account imports its files for both. A person knows."""
    found: dict[str, str] = {}
    for new in lines:
        why = next(_reasons(method, new, told, holders), None)
        if why is not None:
            found[new.movement_id] = why
    return found


def _reasons(method: str, new: NewLine, told: Iterable[KeptLine], holders: Iterable[Holder]) -> Iterator[str]:
    names = names_of(new.movement_id)
    for holder in holders:
        if holder.movement_id in names and (holder.method, holder.movement_id) != (method, new.movement_id):
            yield f"payment {holder.payment_id} by {holder.method} has money of the reference {_plain(holder.movement_id)}"
    for line in told:
        is_itself = (line.method, line.line.id) == (method, new.line.id)
        is_related = line.movement_id in names or new.movement_id in names_of(line.movement_id)
        if is_related and not is_itself and _counts(line):
            yield f"{line.method} has a line {line.line.id}, of {line.line.amount}: it may be the same money"


def _counts(line: KeptLine) -> bool:
    """Whether its money was, or is about to be, booked."""
    return line.line.direction == "credit" and not line.line.doubt and line.verdict != "review"


def _plain(movement_id: str) -> str:
    return movement_id.removeprefix(_BANK)
