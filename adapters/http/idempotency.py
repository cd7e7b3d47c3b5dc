"""A POST that can be repeated: the key in the header, the claim for the kernel, the very same bytes again."""

import re
from typing import Any

import msgspec

from kassa.ports.idempotency import Answer, AnswerKind, Scope
from kassa.ports.ids import AccountId

from .refusals import KeyMalformed, KeyNotWelcome, KeyRequired
from .route import JSON, KeyRule, Reply, Route
from .visit import HeaderList, every

_KEY = re.compile(r"[!-~]{1,255}")
_STATUS = {AnswerKind.CREATED: 201, AnswerKind.ACCEPTED: 202, AnswerKind.DONE: 200}


def key_of(headers: HeaderList, rule: KeyRule) -> str | None:
    """The Idempotency-Key, bare or as the quoted string of draft-ietf-httpapi-idempotency-key-header; None where it is not
    asked for. Raises `KeyRequired`, `KeyMalformed`, `KeyNotWelcome`."""
    if rule is KeyRule.IGNORED:
        return None
    given = every(headers, b"idempotency-key")
    if rule is KeyRule.REFUSED:
        if given:
            raise KeyNotWelcome("answers here are secrets")
        return None
    if not given:
        raise KeyRequired("no key")
    key = given[0].strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if len(given) > 1 or not _KEY.fullmatch(key):
        raise KeyMalformed("not a key")
    return key


def scope(route: Route, account_id: AccountId, key: str) -> Scope:
    """Whose key it is, at which address."""
    return Scope(principal=f"account:{account_id}", route=f"{route.method} {route.path}", key=key)


def canonical(path: dict[str, str], body: object) -> bytes:
    """The parsed request. What the path names belongs to it, so that one key cannot be two wishes."""
    request: Any = {"path": path, "body": body} if path else body
    return msgspec.json.encode(request, order="deterministic")


def reply(answer: Answer) -> Reply:
    """The stored bytes, new or again."""
    headers = [(b"content-type", JSON)]
    if answer.replayed:
        headers.append((b"idempotent-replayed", b"true"))
    return Reply(_STATUS[answer.kind], answer.body, headers)
