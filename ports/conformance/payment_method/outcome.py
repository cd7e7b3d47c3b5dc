"""How a check ends: it returns (passed), or raises one of these."""


class Failed(Exception):
    """The method breaks what the check stands for. `seen` holds no secret: the runner masks what slipped in."""

    def __init__(self, *, expected: str, seen: object) -> None:
        self.expected, self.seen = expected, seen if isinstance(seen, str) else repr(seen)
        super().__init__(f"expected: {self.expected}; seen: {self.seen}")


class Skipped(Exception):
    """The check does not apply, because of what the method declares or what it is."""


class NotOffered(Skipped):
    """The check applies and cannot be made, because the subject or its double does not offer what it needs: unproved."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the subject offers no {what}")


def expect(holds: bool, expected: str, seen: object) -> None:
    """Raises `Failed` unless it holds. `expected` is a clause that completes "expected: ..."."""
    if not holds:
        raise Failed(expected=expected, seen=seen)
