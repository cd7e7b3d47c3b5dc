"""The few pages that people see: HTML without a script, one style of our own, everything escaped."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from typing import Any, Final

import msgspec

from kassa.ports.errors import KassaError

from . import problems as table
from .settings import HttpSettings

_STYLE: Final = """
:root { color-scheme: light dark; --soft: color-mix(in srgb, currentColor 12%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; font-size: 1.2rem; border-bottom: 1px solid var(--soft); }
code, pre { font: 0.9em/1.5 ui-monospace, monospace; }
pre { background: var(--soft); padding: 0.8rem; border-radius: 6px; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: 0.25rem 0.8rem 0.25rem 0;
  vertical-align: top; border-bottom: 1px solid var(--soft); }
details { border: 1px solid var(--soft); border-radius: 6px; margin: 0.5rem 0; padding: 0.4rem 0.8rem; }
summary { cursor: pointer; } summary b { display: inline-block; min-width: 4.5rem; }
.soft { opacity: 0.7; } .sum { font-weight: bold; } .number { text-align: right; }
@media print { body { margin: 0; max-width: none; } }
"""
CSP: Final = (
    "default-src 'none'; style-src 'sha256-"
    + b64encode(sha256(_STYLE.encode()).digest()).decode()
    + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
).encode()


def page(title: str, body: str, language: str = "en") -> str:
    """A whole page around `body`, which is HTML already; everything in it must have been escaped."""
    return (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def landing(settings: HttpSettings) -> str:
    """Where to begin."""
    docs = '<li><a href="/docs">The interface, address by address</a></li>' if settings.docs else ""
    return page(
        "Kassa",
        f"""<h1>Kassa</h1><p>A checkout a shop can trust. This server speaks JSON under <code>/v1</code>.</p>
        <ul>{docs}<li><a href="/openapi.json">OpenAPI 3.1 document</a></li>
        <li><a href="/problems">Problems by code</a></li><li><a href="/v1/products">The catalogue</a></li>
        <li><a href="/health/ready">Health</a></li></ul>
        <pre>curl {escape(settings.public_url)}/v1/products</pre>
        <p class="soft">Version {escape(settings.version)} · prices in {escape(settings.currency)}</p>""",
    )


def returned(words: Mapping[str, str], language: str) -> str:
    """For a customer who came back from a provider and named no page."""
    body = f"<h1>{escape(words['returned'])}</h1><p>{escape(words['returned_text'])}</p>"
    return page("Kassa", body, language)


def problems() -> str:
    """All problems that a client may meet."""
    rows = "".join(
        f'<tr><td><a href="/problems/{escape(kind.code)}"><code>{escape(kind.code)}</code></a></td>'
        f"<td>{row.status}</td><td>{escape(row.title)}</td></tr>"
        for kind, row in sorted(_shown(), key=lambda pair: (pair[1].status, pair[0].code))
    )
    return page("Problems", f"<h1>Problems</h1><table><tr><th>Code<th>Status<th>Meaning</tr>{rows}</table>")


def problem(code: str) -> str | None:
    """The page of one problem; None for a code that does not exist."""
    for kind, row in _shown():
        if kind.code == code:
            again = "The same request may succeed later." if kind.retryable else "Repeating it unchanged will not help."
            return page(
                row.title,
                f"<h1>{escape(row.title)}</h1><p><code>{escape(code)}</code> · status {row.status}</p>"
                f"<p>{escape(row.explanation)}</p><p>{again}</p><p><a href='/problems'>All problems</a></p>",
            )
    return None


def _shown() -> list[tuple[type[KassaError], table.Row]]:
    """`internal` stands for everything hidden."""
    return [(kind, row) for kind, row in table.TABLE.items() if row is not table.HIDDEN or kind is KassaError]


def docs(document: dict[str, Any]) -> str:
    """The OpenAPI document for people."""
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    parts = [f"<h1>Kassa {escape(document['info']['version'])}</h1><p>{_text(document['info']['description'])}</p>"]
    for tag in document["tags"]:
        parts.append(f"<h2>{escape(tag['name'])}</h2>")
        parts += [_operation(*found, document) for found in operations if tag["name"] in found[2]["tags"]]
    parts.append("<h2>Types</h2>")
    parts += [_type(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]
    return page("Kassa: the interface", "".join(parts))


def _operation(path: str, method: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    parameters = [_resolved(parameter, document) for parameter in operation["parameters"]]
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code></td><td>{escape(p['in'])}{', required' if p['required'] else ''}</td>"
        f"<td>{_schema(p['schema'])} {_text(p.get('description', p['schema'].get('description', '')))}</td></tr>"
        for p in parameters
    )
    answers = "".join(
        f"<tr><td>{escape(status)}</td><td>{_content(answer)}</td><td>{_text(answer['description'])}</td></tr>"
        for status, answer in operation["responses"].items()
    )
    who = "" if operation["security"] else " <span class='soft'>(no log-in)</span>"
    return (
        f"<details id='{escape(operation['operationId'])}'><summary><b>{escape(method.upper())}</b> "
        f"<code>{escape(path)}</code> — {escape(operation['summary'])}{who}</summary>"
        f"<p>{_text(operation.get('description', ''))}</p><table>{rows}</table>{_body(operation)}"
        f"<table><tr><th>Answer<th>Type<th>Meaning</tr>{answers}</table></details>"
    )


def _body(operation: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return ""
    return f"<p>Body: {_schema(content['schema'])}</p><pre>{escape(_json(content['example']))}</pre>"


def _content(answer: dict[str, Any]) -> str:
    found = [
        f"{_schema(content['schema'])}" if "schema" in content else f"<code>{escape(media)}</code>"
        for media, content in answer.get("content", {}).items()
        if media != "application/problem+json"
    ]
    problem = ["problem"] if "application/problem+json" in answer.get("content", {}) else []
    return " ".join(found + problem)


def _type(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code></td><td>{_schema(of)}{'' if field in required else ', optional'}</td></tr>"
        for field, of in schema.get("properties", {}).items()
    )
    values = f"<p>One of {escape(', '.join(map(str, schema['enum'])))}.</p>" if "enum" in schema else ""
    return (
        f"<details id='{escape(name)}'><summary><code>{escape(name)}</code></summary>"
        f"<p>{_text(schema.get('description', ''))}</p>{values}<table>{rows}</table></details>"
    )


def _schema(schema: dict[str, Any]) -> str:
    """A type in a few words, with a link to its details."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"<a href='#{escape(name)}'>{escape(name)}</a>"
    if "allOf" in schema:
        return _schema(schema["allOf"][0])
    if "anyOf" in schema:
        return " or ".join(map(_schema, schema["anyOf"]))
    if "enum" in schema:
        return escape(" | ".join(map(str, schema["enum"])))
    if schema.get("type") == "array":
        items = schema.get("items", {})
        return f"list of {_schema(items if isinstance(items, dict) else {})}"
    return escape(str(schema.get("format") or schema.get("type") or "any JSON"))


def _resolved(value: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in value:
        found: Any = document
        for step in value["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        value = found
    return value


def _text(text: str) -> str:
    """Plain text whose `words` are code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
