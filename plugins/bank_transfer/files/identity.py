"""Which line is which: the same transfer has the same id in every file that tells of it, and no two lines share one.

The id is the bank's own reference where there is one. A reference that stands at several lines is not theirs: a bank writes the
same one at a transfer and at its fee. So the only credit among them keeps it (else the only debit) and the others get a digest
behind it. Two credits with one reference may be one transfer told twice, or two: they are in doubt, all but the first of equals.

Without a reference it is `h-`, a digest of all that the line says, and its number among lines that say the same.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec

from kassa.ports.banking import BankLine

from .draft import Draft

_MAX_ID = 140
_ROOM = 60  # for the digest and the number behind a reference


def lines(told: Iterable[tuple[str, Draft]]) -> tuple[BankLine, ...]:
    """The drafts of a file, each with the account that its statement is of, as lines with ids, in their order."""
    drafts = list(told)
    shared = _shared([draft for _, draft in drafts])
    seen: Counter[str] = Counter()
    found = []
    for number, (account, draft) in enumerate(drafts):
        digest = _digest(account, draft)
        seen[digest] += 1
        ordinal = f"{digest}-{seen[digest]}"
        ref = _usable(draft)
        if not ref:
            name, doubt = f"h-{ordinal}", ""
        elif number in shared:
            doubt = shared[number]
            name = f"{ref}~{ordinal}"
        else:
            name, doubt = ref, ""
        found.append(_line(draft.doubted(doubt) if doubt else draft, name))
    return tuple(found)


def _shared(drafts: list[Draft]) -> dict[int, str]:
    """The lines that do not own their reference, by number, each with the doubt that follows from it (or none)."""
    groups: dict[str, list[int]] = defaultdict(list)
    for number, draft in enumerate(drafts):
        if ref := _usable(draft):
            groups[ref].append(number)
    shared: dict[int, str] = {}
    for ref, numbers in groups.items():
        credits_ = [number for number in numbers if drafts[number].direction == "credit"]
        owner = _owner(drafts, credits_ or numbers)
        for number in numbers:
            if number != owner:
                twice = number in credits_ and len(credits_) > 1
                shared[number] = f"the bank's reference {ref[:40]} stands at {len(credits_)} credits" if twice else ""
    return shared


def _owner(drafts: list[Draft], numbers: list[int]) -> int | None:
    """The first, where they all say the same; nobody, where they differ."""
    first = _content("", drafts[numbers[0]])
    return numbers[0] if all(_content("", drafts[number]) == first for number in numbers) else None


def _usable(draft: Draft) -> str:
    """A reference that may be an id; `h-` is ours."""
    ref = draft.bank_ref
    return "" if len(ref) > _MAX_ID - _ROOM or ref.startswith("h-") else ref


def _content(account: str, draft: Draft) -> bytes:
    said = (account, draft.booked_on, draft.direction, draft.amount, draft.counterparty, draft.account, draft.text)
    return msgspec.json.encode((*said, draft.references))


def _digest(account: str, draft: Draft) -> str:
    return hashlib.sha256(_content(account, draft)).hexdigest()[:32]


def _line(draft: Draft, name: str) -> BankLine:
    return BankLine(
        id=name,
        place=draft.place,
        direction=draft.direction,
        amount=draft.amount,
        booked_on=draft.booked_on,
        doubt="; ".join(draft.doubts)[:300],
        counterparty=draft.counterparty,
        account=draft.account,
        text=draft.text,
        references=draft.references,
    )
