"""Addresses and passwords, without a database."""

import pytest

from kassa.kernel.common_passwords import COMMON
from kassa.kernel.identity_email import digest, email_key
from kassa.kernel.identity_limits import _network
from kassa.kernel.identity_passwords import PasswordPolicy, prepared
from kassa.ports.errors import InvalidValue, PasswordRefused, SettingRefused
from kassa.ports.secret import Secret


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice@Example.COM", "alice@example.com"),
        ("stra\u00dfe@example.com", "STRASSE@example.com"),
        ("jose\u0301@example.com", "JOS\u00c9@example.com"),
        ("a@b\u00fccher.example", "a@xn--bcher-kva.example"),
        ("a@B\u00dcCHER.example", "a@b\u00fccher.example"),
        ("o'brien+shop@example.com", "O'Brien+Shop@example.com"),
    ],
)
def test_two_spellings_of_one_address_are_one_key(one: str, other: str) -> None:
    assert email_key(one) == email_key(other)
    assert email_key(email_key(one)) == email_key(one)


def test_two_addresses_are_two_keys() -> None:
    keys = {email_key(email) for email in ("a@x.test", "a+1@x.test", "a.b@x.test", "ab@x.test", "a@y.test")}
    assert len(keys) == 5


@pytest.mark.parametrize(
    "email",
    [
        "", "a", "@", "a@", "@b.test", "a@b@c.test", "a b@c.test", "a@b c.test", "a\x00@b.test", "a\n@b.test", "a@b.test\n",
        "a\u200b@b.test", "a\u202e@b.test", "\ud800@b.test", "a@\ud800.test", "<a@b.test>", '"a"@b.test', "a,b@c.test",
        "a@-b.test", "a@b-.test", "a@b..test", "a@.test", "a@b.test.", "a@b_c.test", "a@[127.0.0.1]", "a" * 65 + "@b.test",
        "a@" + "b" * 64 + ".test", "a@" + "b.test" * 60, "\u00e9" * 33 + "@b.test", "a@b\u2024test@",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(email: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        email_key(email)
    assert refused.value.field == "email"


def test_a_digest_stands_for_an_address_even_for_one_that_is_no_text() -> None:
    assert len(digest("alice@example.com")) == 32
    assert digest("a") != digest("b")
    assert digest("\ud800")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("1234567", "too_short"),
        ("\u00e9" * 3, "too_short"),
        ("x" * 1025, "too_long"),
        ("\u00e9" * 513, "too_long"),
        ("PassWord123", "common"),
        ("aaaaaaaaaaaaaaaaaaaaa", "common"),
        ("alice@example.com", "common"),
        ("Alice.Liddell", "common"),
        ("half a pair \ud800", "not_text"),
    ],
)
def test_a_bad_password_is_refused_with_its_reason(password: str, reason: str) -> None:
    key = "alice.liddell@example.com" if "Liddell" in password else "alice@example.com"
    with pytest.raises(PasswordRefused) as refused:
        PasswordPolicy().check(Secret(password), key)
    assert refused.value.reason == reason
    assert password not in str(refused.value)


@pytest.mark.parametrize("password", ["wx7-kettle", "\u00e9" * 4 + "abcd", "x y" * 341, "        1", "Tr0ub4dor&3"])
def test_a_long_enough_password_needs_no_special_characters(password: str) -> None:
    PasswordPolicy().check(Secret(password), "alice@example.com")


def test_the_least_length_is_a_setting_that_cannot_go_below_eight() -> None:
    PasswordPolicy(least_bytes=15).check(Secret("fifteen letters"), "a@b.test")
    with pytest.raises(PasswordRefused):
        PasswordPolicy(least_bytes=15).check(Secret("fourteen chars"), "a@b.test")
    for least in (7, 1025):
        with pytest.raises(SettingRefused):
            PasswordPolicy(least_bytes=least)


def test_the_common_passwords_are_some_hundred_and_each_could_be_chosen() -> None:
    assert len(COMMON) > 900
    assert all(len(word.encode()) >= 8 and word == word.casefold() for word in COMMON)


def test_one_password_is_one_password_on_every_keyboard() -> None:
    assert prepared(Secret("cafe\u0301 au lait")) == prepared(Secret("caf\u00e9 au lait"))


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        (None, "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_one_customers_network_is_counted_as_one_address(address: str | None, counted: str) -> None:
    assert _network(address) == counted
