"""Reading a bank's file: which format it is, whose account it tells of, and either all of it or none."""

import re
from collections.abc import Mapping

from kassa.ports.banking import MAX_LINES, BankFile, LeftOut, Unreadable

from . import accounts, camt, csv_lines, identity, mt940_lines
from .csv_profile import CsvProfile
from .draft import Told, clean
from .refused import MAX_BYTES, Refused

_MT940 = re.compile(rb"(?m)^:(?:20|25|28C?|60[FM]?|61):")
_XML = (b"<", b"\xff\xfe<\x00", b"\xfe\xff\x00<")
_LEADING = b"\xef\xbb\xbf \t\r\n"


def read(data: bytes, form: str, profiles: Mapping[str, CsvProfile], account: str = "") -> BankFile | Unreadable:
    """Read a file of the form `camt`, `mt940` or `csv:<profile>`; `auto` tells the first two apart by themselves.

    `account` is the shop's own (an IBAN, or as the bank writes it): what the file tells of other accounts is left out, and a file
    that tells of none but others is refused. Without it, a file of several accounts is read with all of its lines in doubt.
    Raises nothing: what cannot be read whole is `Unreadable`, with the place and the reason.
    """
    try:
        told = _told(data, form, profiles)
        return _whole(told, account)
    except Refused as refused:
        return Unreadable(place=clean(refused.place, 100) or "file", reason=clean(refused.reason, 300))


def _told(data: bytes, form: str, profiles: Mapping[str, CsvProfile]) -> list[Told]:
    if len(data) > MAX_BYTES:
        raise Refused("file", f"bigger than {MAX_BYTES} bytes")
    if not data.strip():
        raise Refused("file", "it is empty")
    kind, _, name = (_sniffed(data) if form == "auto" else form).partition(":")
    if kind == "camt" and not name:
        return camt.told_by(data)
    if kind == "mt940" and not name:
        return mt940_lines.told_by(data)
    if kind == "csv" and name in profiles:
        return csv_lines.told_by(data, profiles[name])
    known = ", ".join(["auto", "camt", "mt940", *(f"csv:{one}" for one in sorted(profiles))])
    raise Refused("format", f"there is no format {clean(form, 60)!r}; there are {known}")


def _sniffed(data: bytes) -> str:
    if data.lstrip(_LEADING).startswith(_XML):
        return "camt"
    if _MT940.search(data[:65_536]):
        return "mt940"
    raise Refused("line 1", "this is neither camt nor MT940; a CSV file is read by the profile declared for its bank")


def _whole(told: list[Told], account: str) -> BankFile:
    named = list(dict.fromkeys(accounts.plain(one.account) for one in told if one.account))
    if account:
        told = [_ours(one, account) for one in told]
        if named and not any(accounts.same(account, one.account) or not one.account for one in told):
            raise Refused("file", f"it tells of the account {clean(told[0].account, 50)}, not of {clean(account, 50)}")
    drafts = [(accounts.plain(one.account), draft) for one in told for draft in one.drafts]
    left_out = tuple(item for one in told for item in one.left_out)
    if len(drafts) > MAX_LINES or len(left_out) > MAX_LINES:
        raise Refused("file", f"more than {MAX_LINES} lines")
    if not account and len(named) > 1:
        drafts = [(whose, draft.doubted(f"the file tells of {len(named)} accounts")) for whose, draft in drafts]
    ours = [one.account for one in told if one.account and (not account or accounts.same(account, one.account))]
    whose = clean(ours[0], 50) if ours and (account or len(named) == 1) else ""
    return BankFile(account=whose, lines=identity.lines(drafts), left_out=left_out)


def _ours(one: Told, account: str) -> Told:
    """A statement of another account: all of its lines are left out."""
    if not one.account or accounts.same(account, one.account):
        return one
    reason = f"it is on another account: {clean(one.account, 50)}"
    others = tuple(LeftOut(place=draft.place, reason=reason) for draft in one.drafts)
    return Told(account=one.account, drafts=(), left_out=(*one.left_out, *others))
