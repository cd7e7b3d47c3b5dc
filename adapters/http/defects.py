"""How an unexpected exception is written down: where it came from, never what it says, which may hold a secret."""

import traceback

import structlog

from kassa.ports.errors import KassaError

from .visit import Visit

_FRAMES = 12


def note(error: BaseException, visit: Visit) -> None:
    """Log a defect under its request id. Messages of our own errors are for operators and without secrets."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    structlog.get_logger("kassa.http").error(
        "defect",
        error=_chain(error),
        message=str(error) if isinstance(error, KassaError) else "",
        where=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        route=visit.route,
        request_id=visit.request_id,
    )


def _chain(error: BaseException | None) -> str:
    names: list[str] = []
    while error is not None and len(names) < _FRAMES:
        names.append(f"{type(error).__module__}.{type(error).__qualname__}")
        error = error.__cause__ or error.__context__
    return " from ".join(names)
