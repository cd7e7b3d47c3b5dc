"""Wheels, built once."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.stranger.clean import built, locked

collect_ignore = ["pasar_qr"]
"""A distribution of its own, with tests of its own: run where it is installed."""


@dataclass(frozen=True)
class Made:
    """The Kassa wheel, and the locked requirements beside it."""

    wheel: Path
    requirements: Path


@pytest.fixture(scope="session")
def kassa_made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Built from this checkout."""
    folder = tmp_path_factory.mktemp("wheels")
    return Made(built(Path(__file__).parents[2], folder), locked(folder / "requirements.txt"))
