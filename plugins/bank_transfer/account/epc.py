"""The QR code from which a banking app fills a SEPA credit transfer: EPC069-12, version 2.1."""

import io

import segno

from kassa.ports.money import Money

EEA = frozenset(
    ("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU",
     "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK")
)  # fmt: skip
"""Where the IBAN is enough: version 002 needs a BIC for an account elsewhere."""
SEPA = EEA | frozenset(("AD", "AL", "CH", "GB", "GI", "MC", "MD", "ME", "MK", "RS", "SM", "VA"))
MOST = 99_999_999_999
"""Cents."""
MAX_BYTES = 331


def epc_payload(*, holder: str, iban: str, bic: str, amount: Money, reference: str, text: str) -> str:
    """What the code says: to whom, how much, and what for (a creditor `reference` or a `text`). Empty where no such code can be:
    another currency, too much, an account outside SEPA, one outside the EEA without its BIC."""
    country = iban[:2]
    if amount.currency != "EUR" or amount.amount < 1 or amount.amount > MOST or country not in SEPA:
        return ""
    if not bic and country not in EEA:
        return ""
    lines = ["BCD", "002", "1", "SCT", bic, holder, iban, f"EUR{_written(amount)}", "", reference]
    if not reference:
        lines.append(text)
    payload = "\n".join(lines)
    return payload if len(payload.encode()) <= MAX_BYTES else ""


def epc_picture(payload: str) -> str:
    """The code as an SVG without a size of its own; empty for no payload. Error correction M, as the guideline has it."""
    if not payload:
        return ""
    drawn = io.BytesIO()
    code = segno.make_qr(payload.encode(), error="m", boost_error=False)
    code.save(drawn, kind="svg", xmldecl=False, nl=False, omitsize=True)
    return drawn.getvalue().decode()


def _written(amount: Money) -> str:
    return amount.decimal().removesuffix(".00")
