"""The schema's newest revision, apart from what makes it, so that a server that only compares it loads nothing more."""

from typing import Final

HEAD: Final = "0003"


def head() -> str:
    """The revision that this program was written for."""
    return HEAD
