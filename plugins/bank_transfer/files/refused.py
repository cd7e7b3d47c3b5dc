"""Why a file cannot be read whole, and what no file may exceed."""

MAX_BYTES = 16 * 1024 * 1024
"""A bigger file is refused before it is looked at."""


class Refused(Exception):
    """Raised by the readers inside this package; `read` turns it into `kassa.ports.banking.Unreadable`."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, reason)
        self.place = place
        self.reason = reason
