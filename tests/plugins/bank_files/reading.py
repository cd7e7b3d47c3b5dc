"""What the tests of bank files ask of every reading."""

from pathlib import Path

import msgspec

from kassa.plugins.bank_transfer.files import CsvProfile, read
from kassa.ports.banking import BankFile, BankLine, Unreadable

SAMPLES = Path(__file__).resolve().parents[2] / "data" / "statements"
ISO = "urn:iso:std:iso:20022:tech:xsd:"


def sample(name: str) -> bytes:
    """A sample file by its name."""
    return next(SAMPLES.rglob(name)).read_bytes()


def samples() -> dict[str, bytes]:
    """Every sample, by name."""
    found = [path for path in sorted(SAMPLES.rglob("*")) if path.suffix in (".xml", ".txt", ".sta")]
    return {path.name: path.read_bytes() for path in found}


def checked(
    data: bytes, form: str = "auto", profiles: dict[str, CsvProfile] | None = None, account: str = ""
) -> BankFile | Unreadable:
    """Read a file, and see that the answer is one that the kernel takes: within all bounds, with one id for each line."""
    found = read(data, form, profiles or {}, account)
    again = msgspec.json.decode(msgspec.json.encode(found), type=type(found))
    assert again == found
    if isinstance(found, BankFile):
        assert len({line.id for line in found.lines}) == len(found.lines)
        assert all(line.amount.amount > 0 for line in found.lines)
        assert not any(line.id.startswith("h-") and line.id.count("-") != 2 for line in found.lines)
    return found


def good(data: bytes, form: str = "auto", profiles: dict[str, CsvProfile] | None = None, account: str = "") -> BankFile:
    """A file that must be readable."""
    found = checked(data, form, profiles, account)
    assert isinstance(found, BankFile), found
    return found


def bad(
    data: bytes, form: str = "auto", profiles: dict[str, CsvProfile] | None = None, account: str = ""
) -> Unreadable:
    """A file that must be refused."""
    found = checked(data, form, profiles, account)
    assert isinstance(found, Unreadable), found
    return found


def only(data: bytes, **asked: str) -> BankLine:
    """The one line of a file."""
    (line,) = good(data, **asked).lines
    return line


def total(found: BankFile, direction: str) -> int:
    """The sum of what went this way, in minor units."""
    return sum(line.amount.amount for line in found.lines if line.direction == direction)


def certain(found: BankFile) -> int:
    """What would be credited without asking anybody, in minor units."""
    return sum(line.amount.amount for line in found.lines if line.direction == "credit" and not line.doubt)
