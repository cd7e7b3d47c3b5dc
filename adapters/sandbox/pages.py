"""The pages a person sees: plain HTML from the server, no script, everything escaped, a strict content policy."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import urlsplit

from . import faults
from .currency import written
from .model import Charge, total
from .wire import Answer

CSS = """
:root {
  color-scheme: light dark;
  --ink: #1c2430; --soft: #5b6675; --line: #d9dee5; --paper: #fff; --ground: #f3f5f8; --go: #1a6b45;
}
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ecf1; --soft: #9aa6b5; --line: #38414d; --paper: #1b2129; --ground: #12161b; --go: #23734d; }
}
* { box-sizing: border-box; }
body {
  margin: 0; padding: 2rem 1rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif;
}
main {
  max-width: 26rem; margin: 0 auto; padding: 1.75rem;
  background: var(--paper); border: 1px solid var(--line); border-radius: 12px;
}
main.wide { max-width: 64rem; }
h1 { margin: 0 0 .25rem; font-size: 1.25rem; }
h2 { margin: 2rem 0 .5rem; font-size: 1rem; }
p, dt { color: var(--soft); }
p.amount { margin: 1.25rem 0; font-size: 2rem; font-variant-numeric: tabular-nums; color: var(--ink); }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 0 0 1.5rem; }
dd { margin: 0; overflow-wrap: anywhere; }
form { display: inline-block; margin: 0 .5rem 0 0; }
button {
  padding: .65rem 1.4rem; border: 1px solid var(--line); border-radius: 8px;
  background: none; color: inherit; font: inherit; cursor: pointer;
}
button.go { background: var(--go); border-color: var(--go); color: #fff; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th, td {
  padding: .4rem .75rem .4rem 0; border-top: 1px solid var(--line);
  text-align: left; vertical-align: top;
}
a { color: inherit; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
"""
_CSS_HASH = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()

SAFETY_HEADERS = (
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
)

_STATUS = {
    "pending": "The payment is being processed.",
    "succeeded": "The payment is approved. Thank you.",
    "authorized": "The payment is approved. Thank you.",
    "declined": "The payment was declined. No money was taken.",
    "canceled": "The payment was canceled. No money was taken.",
    "expired": "The payment has expired. No money was taken.",
}

_CONTROL = (
    (
        "PUT /control/merchants/{name}",
        "Create or change a merchant: secret_key, webhook_secret, webhook_url, idempotency.",
    ),
    (
        "PUT /control/faults",
        'Script the next calls: {"merchant", "next": [{"op", "fault", "decline_code", "delay_ms"}]}; '
        "op is charge, capture, void, refund, query or va.",
    ),
    (
        "POST /control/charges/{id}/settle",
        'Decide a waiting charge: {"status": succeeded, declined or expired}. '
        "Money may also come late; a reservation may expire.",
    ),
    ("POST /control/charges/{id}/dispute", "A chargeback of all that is left."),
    (
        "POST /control/movements/{id}/settle",
        'Decide a refund or capture: {"status": succeeded, failed or reversed}. A refund may come back after it succeeded.',
    ),
    ("POST /control/virtual-accounts/{id}/expire", "Expire a virtual account now."),
    ("GET /control/journal", "Every fact since the journal began, or after line N with ?after=N."),
    ("GET /control/books", "Per merchant and merchant_ref: captured, refunded, charged_back, charges, ids."),
    ("GET /control/webhooks", "How many events there are, are in flight, were given up."),
    ("POST /control/webhooks/resend", 'Deliver again: {"event_id", "times"}.'),
    (
        "POST /control/webhooks/send",
        'Send an event of any type, such as one that nobody knows: {"merchant", "type", "data"}.',
    ),
    ("POST /control/reset", "Forget everything but the merchants."),
    (
        "POST /bank/transfers",
        "A customer's transfer: account_number, amount, currency, reference, payer_name, merchant.",
    ),
)


def payment(charge: Charge) -> Answer:
    """The approval page of a charge, or what became of it."""
    title = "3-D Secure" if charge.kind == "card" else "Approve payment"
    rows = [("Merchant", charge.merchant), ("Reference", charge.merchant_ref), ("Payment", charge.id)]
    details = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    if charge.status == "requires_action":
        action = "<p>This is a test: no real money moves.</p>" + _button(charge, "approve", "Approve", "go")
        action += _button(charge, "decline", "Decline", "stop")
    else:
        refunded = total(charge.movements, "refund", "succeeded")
        action = f"<p role='status'>{escape(_STATUS[charge.status])}</p>"
        action += f"<p>Refunded: {escape(written(refunded, charge.currency))}</p>" if refunded else ""
        if charge.return_url is not None:
            action += f"<p><a href='{escape(charge.return_url, quote=True)}'>Back to the shop</a></p>"
    amount = escape(written(charge.amount, charge.currency))
    body = f"<h1>{title}</h1><p class='amount'>{amount}</p><dl>{details}</dl>{action}"
    return _page(title, body, form_action=_form_targets(charge))


def landing(amount_faults: bool) -> Answer:
    """What the sandbox can do, in tables made from the same data that the code uses."""
    tokens = [(name, token.fault, _what(name)) for name, token in faults.TOKENS.items()]
    scripted = [(fault.name, fault.what) for fault in faults.FAULTS.values()]
    amounts = [(f"…{digits:02d}", name) for digits, name in faults.AMOUNTS.items()]
    switched = "switched on" if amount_faults else "switched off; start with --amount-faults"
    body = (
        "<h1>Kassa sandbox payment provider</h1>"
        "<p>A payment provider to test with. No real money moves here; never send a real card number.</p>"
        f"<h2>Source tokens</h2>{_table(('source', 'fault', 'what happens'), tokens)}"
        f"<h2>Faults, for PUT /control/faults</h2>{_table(('fault', 'what happens'), scripted)}"
        f"<h2>Amounts of wallets and virtual accounts ({switched})</h2>"
        f"{_table(('last two digits', 'fault'), amounts)}"
        f"<h2>Control</h2>{_table(('endpoint', 'what it does'), _CONTROL)}"
    )
    return _page("Sandbox", body, wide=True)


def _what(token_name: str) -> str:
    token = faults.TOKENS[token_name]
    if token.refunds == "pending":
        return "Succeeds; its refunds stay pending until the control endpoint settles them."
    if token.refunds == "decline":
        return "Succeeds; its refunds fail."
    if token.decline_code is not None:
        return f"Declined: {token.decline_code}."
    return faults.FAULTS[token.fault].what


def _button(charge: Charge, choice: str, label: str, look: str) -> str:
    target = escape(f"/pay/{charge.id}/{choice}", quote=True)
    return f"<form method='post' action='{target}'><button class='{look}'>{label}</button></form>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td><code>{escape(cell)}</code></td>" if i == 0 else f"<td>{escape(cell)}</td>"
            for i, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _form_targets(charge: Charge) -> str:
    """Browsers apply form-action to the redirect after a form too, so the way back to the shop must be named."""
    if charge.return_url is None:
        return "'self'"
    parts = urlsplit(charge.return_url)
    return f"'self' {parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _page(title: str, body: str, *, form_action: str = "'none'", wide: bool = False) -> Answer:
    look = " class='wide'" if wide else ""
    html = (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)} · Sandbox</title><style>{CSS}</style></head>"
        f"<body><main{look}>{body}</main></body></html>"
    )
    policy = (
        f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; form-action {form_action}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return Answer(
        200,
        html.encode(),
        content_type="text/html; charset=utf-8",
        headers=[("content-security-policy", policy), *SAFETY_HEADERS],
    )
