"""Reads `kassa.toml` and `KASSA_*` variables (variables win), once, with exact messages."""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec

from kassa.adapters.main.settings import PaymentSettings, Section, Settings
from kassa.ports.errors import SettingRefused
from kassa.ports.secret import Secret

PREFIX = "KASSA_"
_NOT_SETTINGS = ("KASSA_CONFIG", "KASSA_TEST_")


def load(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in force. `path` must exist if given; else `KASSA_CONFIG`, else `kassa.toml` if there is one.

    Raises:
        SettingRefused: what is wrong, where, and what would be right.
    """
    env = os.environ if environment is None else environment
    tree = _read(path or (Path(env["KASSA_CONFIG"]) if env.get("KASSA_CONFIG") else None))
    for name, value in env.items():
        if name.startswith(PREFIX) and not name.startswith(_NOT_SETTINGS):
            if not value.isascii() and any("\udc80" <= letter <= "\udcff" for letter in value):
                raise SettingRefused(f"{name}: is not UTF-8")
            _set(tree, name, value)
    _check_keys(tree, Settings, "")
    tree["payments"] = {name: _payment(name, table) for name, table in _table(tree, "payments").items()}
    resolved = _resolve(tree, env, "")
    try:
        settings = msgspec.convert(resolved, Settings, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise SettingRefused(f"configuration: {error}") from None
    if settings.failpoints and env.get("KASSA_TEST_BUILD") != "1":
        raise SettingRefused("failpoints: only in a test build (KASSA_TEST_BUILD=1)")
    return settings


def _read(path: Path | None) -> dict[str, Any]:
    chosen = path or Path("kassa.toml")
    if path is None and not chosen.exists():
        return {}
    try:
        return tomllib.loads(chosen.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingRefused(f"{chosen}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingRefused(f"{chosen}: is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingRefused(f"{chosen}: {error}") from None


def _variables() -> dict[str, tuple[str, ...]]:
    """Every variable that is a setting, and where it goes: KASSA_DATABASE_URL, KASSA_HTTP_PUBLIC_URL …"""
    found: dict[str, tuple[str, ...]] = {}
    for field in msgspec.structs.fields(Settings):
        if isinstance(field.type, type) and issubclass(field.type, Section):
            for inner in msgspec.structs.fields(field.type):
                found[f"{PREFIX}{field.name}_{inner.name}".upper()] = (field.name, inner.name)
        elif field.name != "payments":
            found[f"{PREFIX}{field.name}".upper()] = (field.name,)
    return found


def _set(tree: dict[str, Any], name: str, text: str) -> None:
    known = _variables()
    if name not in known:
        raise SettingRefused(f"{name}: no such setting{_nearest(name, known)}")
    *tables, key = known[name]
    for table in tables:
        tree = tree.setdefault(table, {})
    tree[key] = Secret(text) if key in ("secret_key", "password") else _from_text(text)


def _from_text(text: str) -> Any:
    """A variable as TOML would read it where it can (numbers, true, lists), else as text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _check_keys(tree: Mapping[str, Any], section: type[Section], where: str) -> None:
    fields = {field.name: field.type for field in msgspec.structs.fields(section)}
    for key in tree:
        if key not in fields:
            raise SettingRefused(f"{where}{key}: no such setting{_nearest(key, fields)}")
        kind = fields[key]
        if isinstance(kind, type) and issubclass(kind, Section):
            _check_keys(_table(tree, key), kind, f"{key}.")


def _nearest(word: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def _table(tree: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = tree.get(key, {})
    if not isinstance(value, dict):
        raise SettingRefused(f"{key}: must be a table")
    return value


def _payment(name: str, table: Any) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise SettingRefused(f"payments.{name}: must be a table")
    own = {field.name for field in msgspec.structs.fields(PaymentSettings)} - {"config"}
    ours = {key: value for key, value in table.items() if key in own}
    return {**ours, "config": {key: value for key, value in table.items() if key not in own}}


def _resolve(value: Any, env: Mapping[str, str], where: str) -> Any:
    """Replace `{ env = "NAME" }` and `{ file = "PATH" }` by the secret they name."""
    if isinstance(value, list):
        return [_resolve(item, env, where) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"env"}:
        if value["env"] not in env:
            raise SettingRefused(f"{where}: the variable {value['env']} is not set")
        return Secret(env[value["env"]])
    if value.keys() == {"file"}:
        try:
            return Secret(Path(value["file"]).read_text(encoding="utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
            raise SettingRefused(f"{where}: {value['file']}: {reason}") from None
    return {key: _resolve(inner, env, _place(where, key)) for key, inner in value.items()}


def _place(where: str, key: str) -> str:
    """Where a setting stands in the file: a plugin's own keys stand beside ours."""
    if key == "config" and where.startswith("payments.") and where.count(".") == 1:
        return where
    return f"{where}.{key}" if where else key


def _decode(kind: type, value: Any) -> Any:
    if kind is Secret:
        if isinstance(value, Secret):
            return value
        raise ValueError("a secret must be given as {env=…} or {file=…}, never as a literal")
    raise NotImplementedError(kind)


def explain() -> list[tuple[str, str, str]]:
    """Every setting as (name, default, what it is), in order."""
    rows = _explain(Settings, "")
    rows += [(f"payments.<name>.{name}", default, text) for name, default, text in _explain(PaymentSettings, "")]
    return rows


def _explain(section: type[msgspec.Struct], where: str) -> list[tuple[str, str, str]]:
    rows = []
    hints = get_type_hints(section, include_extras=True)
    for field in msgspec.structs.fields(section):
        if isinstance(field.type, type) and issubclass(field.type, Section):
            rows += _explain(field.type, f"{field.name}.")
        elif field.name not in ("payments", "config"):
            texts = [str(meta.description) for meta in get_args(hints[field.name])[1:] if meta.description]
            default = "(required)" if field.required else _shown(field.default)
            rows.append((where + field.name, default, " ".join(texts)))
    return rows


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    return "[]" if value == () else "(none)" if value is None else str(value)
