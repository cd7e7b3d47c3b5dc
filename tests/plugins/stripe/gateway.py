"""What stands before localstripe so that it behaves as Stripe is documented to: an ASGI application.

localstripe moves the money; this adds what it lacks, and says so. The deviations are listed in `plugins/card/README.md`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx

from tests.plugins.stripe.cards import CARDS
from tests.plugins.stripe.dressing import Dressing, metadata_of, page_of, refusal

Json = dict[str, Any]
Said = tuple[int, Json]
_LEFT_OUT = (
    "return_url",
    "use_stripe_sdk",
    "confirmation_token",
    "payment_method",
    "expand",
    "automatic_payment_methods",
)


class Gateway:
    """One account. `notices` are the bodies of all events so far."""

    def __init__(self, upstream: str, secret_key: str) -> None:
        self._upstream, self._key = upstream, secret_key
        self.dressing = Dressing()
        self.answers: dict[str, tuple[str, Said]] = {}
        self.calls: list[tuple[str, str, str]] = []
        """Method, path and idempotency key of every request."""
        self._heard: set[str] = set()

    async def open(self) -> None:
        """Everything before is forgotten."""
        headers = {"Authorization": f"Bearer {self._key}"}
        self._hand = httpx.AsyncClient(base_url=self._upstream, headers=headers, trust_env=False, verify=False)
        await self._hand.delete("/_config/data")

    async def close(self) -> None:
        await self._hand.aclose()

    @property
    def notices(self) -> list[bytes]:
        return self.dressing.notices

    # --- ASGI

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        status, told = await self._answer(scope["method"], scope["path"], scope["query_string"].decode(), headers, body)
        content = json.dumps(told, indent=2).encode()
        kind = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": kind})
        await send({"type": "http.response.body", "body": content})

    async def _answer(self, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Said:
        key = headers.get("idempotency-key", "")
        self.calls.append((method, path, key))
        if headers.get("authorization") != f"Bearer {self._key}":
            return refusal(401, "invalid_request_error", None, "Invalid API Key provided")
        if method != "POST":
            return await self._question(path, dict(parse_qsl(query)))
        print_ = f"{path}?{body.decode()}"
        if key in self.answers:
            known, said = self.answers[key]
            return said if known == print_ else refusal(400, "idempotency_error", None, "Keys can only be used once")
        said = await self._command(path, dict(parse_qsl(body.decode())))
        if key:
            self.answers[key] = print_, said
        return said

    # --- questions

    async def _question(self, path: str, query: dict[str, str]) -> Said:
        if path == "/v1/payment_intents/search":
            ref = query["query"].partition(":'")[2].removesuffix("'")
            found = [one for one in await self.intents() if one["metadata"].get("merchant_ref") == ref]
            return 200, {"object": "search_result", "data": self._dressed(found), "has_more": False}
        if path == "/v1/payment_intents":
            since = int(query.get("created[gte]", 0))
            found = [one for one in reversed(await self.intents()) if one["created"] >= since]
            return 200, page_of(self._dressed(found), query)
        if path.startswith("/v1/payment_intents/"):
            raw = await self._raw(path.rpartition("/")[2])
            if raw is None:
                return refusal(404, "invalid_request_error", "resource_missing", "No such payment_intent")
            return 200, self.dressing.intent(raw, whole="expand[0]" in query)
        if path == "/v1/refunds":
            return 200, page_of(await self.refunds(query["payment_intent"]), query)
        if path == "/v1/disputes":
            found = [one for one in self.dressing.disputes if one["payment_intent"] == query["payment_intent"]]
            return 200, page_of(found, query)
        return refusal(404, "invalid_request_error", None, "Unrecognized request URL")

    def _dressed(self, found: list[Json]) -> list[Json]:
        return [self.dressing.intent(one, whole=False) for one in found]

    async def intents(self) -> list[Json]:
        """All of them as localstripe has them, oldest first."""
        found: list[Json] = []
        while True:
            after = f"&starting_after={found[-1]['id']}" if found else ""
            page = (await self._hand.get(f"/v1/payment_intents?limit=100{after}")).json()
            found += page["data"]
            if not page["has_more"]:
                return found

    async def refunds(self, intent_id: str) -> list[Json]:
        """The refunds of a payment, newest first, as Stripe would show them."""
        answer = await self._hand.get("/v1/refunds", params={"payment_intent": intent_id, "limit": 100})
        return [self.dressing.refund(one, intent_id) for one in answer.json()["data"]]

    async def _raw(self, intent_id: str) -> Json | None:
        answer = await self._hand.get(f"/v1/payment_intents/{intent_id}")
        return answer.json() if answer.status_code == 200 else None

    # --- commands

    async def _command(self, path: str, form: dict[str, str]) -> Said:
        if path == "/v1/payment_intents":
            return await self._create(form)
        if path == "/v1/refunds":
            return await self._refund(form)
        intent_id, _, what = path.removeprefix("/v1/payment_intents/").partition("/")
        raw = await self._raw(intent_id)
        if raw is None:
            return refusal(404, "invalid_request_error", "resource_missing", "No such payment_intent")
        return await (self._capture(raw, form) if what == "capture" else self._cancel(raw))

    async def _create(self, form: dict[str, str]) -> Said:
        token = form.get("payment_method") or form["confirmation_token"].replace("ctoken_", "pm_", 1)
        if token not in CARDS:
            return refusal(400, "invalid_request_error", "resource_missing", f"No such PaymentMethod: '{token}'")
        card = CARDS[token]
        kept = {name: value for name, value in form.items() if name.partition("[")[0] not in _LEFT_OUT}
        kept["payment_method"] = await self._payment_method(card.number)
        answer = await self._post("/v1/payment_intents", kept)
        if answer.status_code == 402:
            made = [one for one in await self.intents() if one["metadata"] == metadata_of(form)][-1]
            self.dressing.reasons[made["id"]] = card.code, card.decline_code
            await self.hear()
            shown = self.dressing.intent(made, whole=False)
            return 402, {"error": {**shown["last_payment_error"], "payment_intent": shown}}
        if answer.status_code != 200:
            return answer.status_code, answer.json()
        raw = answer.json()
        self.dressing.return_urls[raw["id"]] = form["return_url"]
        if "use_stripe_sdk" in form:
            self.dressing.by_sdk.add(raw["id"])
        self.dressing.reasons[raw["id"]] = card.code, card.decline_code
        await self.hear()
        self._tell_progress(raw)
        return 200, self.dressing.intent(raw, whole=True)

    def _tell_progress(self, raw: Json) -> None:
        told = {"requires_action": "requires_action", "requires_capture": "amount_capturable_updated"}
        if raw["status"] in told:
            self.dressing.tell(f"payment_intent.{told[raw['status']]}", self.dressing.intent(raw, whole=False))

    async def _payment_method(self, number: str) -> str:
        card = {"card[number]": number, "card[exp_month]": "12", "card[exp_year]": "2040", "card[cvc]": "123"}
        made = await self._post("/v1/payment_methods", {"type": "card", **card})
        return str(made.json()["id"])

    async def _capture(self, raw: Json, form: dict[str, str]) -> Said:
        units = int(form["amount_to_capture"])
        if raw["status"] != "requires_capture":
            return refusal(400, "invalid_request_error", "payment_intent_unexpected_state", "not requires_capture")
        if not 0 < units <= raw["amount"]:
            return refusal(400, "invalid_request_error", "amount_too_large", "more than is capturable")
        before = {one["id"] for one in await self.refunds(raw["id"])}
        answer = await self._post(f"/v1/payment_intents/{raw['id']}/capture", {"amount_to_capture": str(units)})
        self.dressing.captured[raw["id"]] = units
        self.dressing.metadata.setdefault(raw["id"], {}).update(metadata_of(form))
        self.dressing.released |= {one["id"] for one in await self.refunds(raw["id"])} - before
        await self.hear()
        return 200, self.dressing.intent(answer.json(), whole=True)

    async def _cancel(self, raw: Json) -> Said:
        answer = await self._post(f"/v1/payment_intents/{raw['id']}/cancel", {})
        if answer.status_code != 200:
            return refusal(400, "invalid_request_error", "payment_intent_unexpected_state", "cannot be canceled")
        self.dressing.tell("payment_intent.canceled", self.dressing.intent(answer.json(), whole=False))
        return 200, self.dressing.intent(answer.json(), whole=True)

    async def _refund(self, form: dict[str, str]) -> Said:
        intent_id, units = form["payment_intent"], int(form["amount"])
        raw = await self._raw(intent_id)
        if raw is None:
            return refusal(404, "invalid_request_error", "resource_missing", "No such payment_intent")
        left = self.dressing.received(raw) - self.dressing.given_back(await self.refunds(intent_id))
        if units > left:
            code = None if left else "charge_already_refunded"
            return refusal(400, "invalid_request_error", code, "more than is left")
        answer = await self._post("/v1/refunds", form)
        shown = self.dressing.refund(answer.json(), intent_id)
        self.dressing.tell("refund.created", shown)
        self.dressing.tell("charge.refunded", {"id": shown["charge"], "payment_intent": intent_id})
        return 200, shown

    # --- the customer, at localstripe itself

    async def authenticate(self, intent_id: str, *, success: bool) -> None:
        """3-D Secure at the issuer. Raises `RuntimeError` where there is nothing to authenticate."""
        raw = await self._raw(intent_id)
        if raw is None or raw["status"] != "requires_action":
            raise RuntimeError("nothing to authenticate")
        form = {"client_secret": raw["client_secret"], "success": str(success).lower()}
        await self._post(f"/v1/payment_intents/{intent_id}/_authenticate", form)
        await self.hear()
        after = await self._raw(intent_id)
        if after is not None and after["status"] == "requires_capture":
            self._tell_progress(after)
        if after is not None and not success:
            self.dressing.tell("payment_intent.payment_failed", self.dressing.intent(after, whole=False))

    async def hear(self) -> None:
        """What localstripe told since."""
        for event in (await self._hand.get("/v1/events?limit=10000")).json()["data"]:
            if event["id"] not in self._heard:
                self._heard.add(event["id"])
                shown = self.dressing.intent(event["data"]["object"], whole=False)
                self.dressing.tell(event["type"], shown, event_id=event["id"])

    async def _post(self, path: str, form: dict[str, str]) -> httpx.Response:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._hand.post(path, content=urlencode(form), headers=kind)
