"""The Login API."""

import httpx
import pytest

from tests.http.caller import PASSWORD, Caller, arrive, fresh, log_in, register
from tests.http.places import EVERYWHERE

pytestmark = EVERYWHERE


async def test_registering_does_not_tell_whether_the_address_was_taken(client: httpx.AsyncClient) -> None:
    email = await register(client)
    again = await client.post("/v1/accounts", json={"email": email.upper(), "password": PASSWORD})
    assert (again.status_code, again.content) == (202, b"")


async def test_one_logs_in_sees_oneself_and_logs_out(client: httpx.AsyncClient) -> None:
    ada = await arrive(client)
    me = await ada.get("/v1/accounts/me")
    assert (me["email"], me["address"], me["role"], me["is_active"]) == (
        ada.email,
        "1 Analytical Row",
        "customer",
        True,
    )
    assert (await ada.ask("DELETE", "/v1/sessions/current")).status_code == 204
    gone = await ada.ask("GET", "/v1/accounts/me")
    assert (gone.status_code, gone.json()["code"]) == (401, "not_authenticated")


async def test_wrong_password_and_unknown_account_are_one_answer(client: httpx.AsyncClient) -> None:
    email = await register(client)
    answers = []
    for body in (
        {"email": email, "password": "not the sentence"},
        {"email": "nobody@example.com", "password": PASSWORD},
    ):
        answer = await client.post("/v1/sessions", json=body, headers={"X-Request-Id": "same"})
        answers.append((answer.status_code, answer.content, _lasting(answer)))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401


def _lasting(answer: httpx.Response) -> dict[str, str]:
    """The headers, but for those that count."""
    return {name: value for name, value in answer.headers.items() if name not in ("date", "ratelimit")}


async def test_sessions_are_listed_with_the_one_that_asks(client: httpx.AsyncClient) -> None:
    ada = await arrive(client)
    other = await client.post(
        "/v1/sessions", json={"email": ada.email, "password": PASSWORD}, headers={"User-Agent": "phone\t" + "x" * 300}
    )
    assert other.status_code == 201
    listed = await ada.get("/v1/sessions")
    assert len(listed["items"]) == 2
    assert listed["next"] is None
    assert listed["current"] in {session["id"] for session in listed["items"]}
    assert "phone" + "x" * 195 in {session["label"] for session in listed["items"]}
    assert ada.token not in str(listed)


async def test_logging_out_everywhere_ends_all_sessions(client: httpx.AsyncClient) -> None:
    first = await arrive(client)
    second = await log_in(client, first.email)
    assert (await first.ask("DELETE", "/v1/sessions")).status_code == 204
    for caller in (first, second):
        assert (await caller.ask("GET", "/v1/cart")).status_code == 401


async def test_a_session_sent_along_is_replaced(client: httpx.AsyncClient) -> None:
    ada = await arrive(client)
    again = await ada.ask("POST", "/v1/sessions", json={"email": ada.email, "password": PASSWORD})
    assert again.status_code == 201
    assert again.json()["token"] != ada.token
    assert (await ada.ask("GET", "/v1/cart")).status_code == 401


async def test_a_new_password_ends_all_sessions_and_opens_one(client: httpx.AsyncClient) -> None:
    ada = await arrive(client)
    changed = await ada.ask(
        "POST", "/v1/accounts/me/password", json={"current": PASSWORD, "new": "another sentence entirely"}
    )
    assert changed.status_code == 201
    assert (await ada.ask("GET", "/v1/cart")).status_code == 401
    assert (await Caller(client, changed.json()["token"], ada.email).ask("GET", "/v1/cart")).status_code == 200
    old = await client.post("/v1/sessions", json={"email": ada.email, "password": PASSWORD})
    assert old.status_code == 401


async def test_the_current_password_is_asked_for(ada: Caller) -> None:
    wrong = await ada.ask(
        "POST", "/v1/accounts/me/password", json={"current": "wrong wrong", "new": "another sentence entirely"}
    )
    assert (wrong.status_code, wrong.json()["code"]) == (401, "login_refused")


@pytest.mark.parametrize("password", ["sh0rt-", "password1", "a" * 1024 + "b"])
async def test_a_bad_password_is_refused_with_the_reason(client: httpx.AsyncClient, password: str) -> None:
    answer = await client.post("/v1/accounts", json={"email": f"{fresh('eve')}@example.com", "password": password})
    assert (answer.status_code, answer.json()["code"]) in {(422, "password_refused"), (400, "malformed")}
    assert password not in answer.text


async def test_the_address_is_changed(ada: Caller) -> None:
    answer = await ada.ask("PATCH", "/v1/accounts/me", json={"address": "2 Difference Lane"})
    assert (answer.status_code, answer.json()["address"]) == (200, "2 Difference Lane")
    assert (await ada.get("/v1/accounts/me"))["address"] == "2 Difference Lane"


async def test_nobody_makes_themselves_an_operator(client: httpx.AsyncClient, ada: Caller) -> None:
    body = {"email": f"{fresh('eve')}@example.com", "password": PASSWORD, "role": "operator"}
    assert (await client.post("/v1/accounts", json=body)).status_code == 400
    assert (await ada.ask("PATCH", "/v1/accounts/me", json={"role": "operator"})).status_code == 400


@pytest.mark.parametrize("field", ["address"])
async def test_a_card_number_in_free_text_is_refused(client: httpx.AsyncClient, field: str) -> None:
    body = {"email": f"{fresh('ada')}@example.com", "password": PASSWORD, field: "card 4242 4242 4242 4242"}
    answer = await client.post("/v1/accounts", json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "card_number_refused", field)


async def test_a_password_may_look_like_a_card_number(client: httpx.AsyncClient) -> None:
    await log_in(client, await register(client, password="4242424242424242 x"), "4242424242424242 x")
