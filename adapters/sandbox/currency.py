"""Currencies as far as the sandbox needs them: is the code well formed, and how is an amount written for a person."""

from __future__ import annotations

# ISO 4217, table A.1: the codes whose minor unit is not 2. Deliberately not shared with the shop: this is the second witness.
_EXPONENTS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip


def written(amount: int, currency: str) -> str:
    """An amount of minor units for a person: `1,234.50 EUR`, `1,235 JPY`, `1.250 KWD`."""
    exponent = _EXPONENTS.get(currency, 2)
    sign = "-" if amount < 0 else ""
    whole, fraction = divmod(abs(amount), 10**exponent)
    digits = f"{whole:,}.{fraction:0{exponent}d}" if exponent else f"{whole:,}"
    return f"{sign}{digits} {currency}"
