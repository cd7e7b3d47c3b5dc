"""The key that makes request fingerprints: from the settings, or made once and kept beside an embedded shop."""

import os
from pathlib import Path

from kassa.adapters.main.settings import Settings
from kassa.ports.errors import SettingRefused
from kassa.ports.ids import Ids

_LEAST_CHARACTERS = 32


def fingerprint_key(settings: Settings, ids: Ids) -> bytes:
    """At least 32 characters. Raises `SettingRefused` when production has none: its processes must share one."""
    if settings.secret_key is not None:
        text = settings.secret_key.reveal()
        if len(text) < _LEAST_CHARACTERS:
            raise SettingRefused(f"secret_key: needs {_LEAST_CHARACTERS} characters or more")
        return text.encode()
    if not settings.embedded:
        raise SettingRefused("secret_key: is needed with postgresql://; give it as {env=…} or {file=…}")
    return kept(Path(settings.data_dir) / "secrets" / "fingerprint_key", "", ids).encode()


def kept(path: Path, prefix: str, ids: Ids) -> str:
    """The secret in `path`, made on first use, readable by its owner alone. Raises `SettingRefused`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(prefix + ids.token())
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingRefused(f"{path}: {error.strerror}") from None
