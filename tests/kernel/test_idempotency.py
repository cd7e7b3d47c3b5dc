"""The same request again."""

from datetime import timedelta

import pytest

from kassa.kernel.idempotency import IdempotencyPurge, KernelClaims, replay
from kassa.ports.errors import KeyInUse, KeyReused, SettingRefused
from kassa.ports.idempotency import Answer, AnswerKind, Scope, StoredAnswer
from tests.kernel.machine import NOON
from tests.kernel.world import World

SCOPE = Scope(principal="account:1", route="checkout", key="k")
CLAIMS = KernelClaims(b"secret" * 6)
ANSWER = Answer(kind=AnswerKind.CREATED, body=b'{"a": 1}')


def test_a_fingerprint_depends_on_the_request_and_on_the_shops_key() -> None:
    claim = CLAIMS.claim(SCOPE, b"{}")
    assert len(claim.fingerprint) == 32
    assert claim == CLAIMS.claim(SCOPE, b"{}")
    assert claim.fingerprint != CLAIMS.claim(SCOPE, b"[]").fingerprint
    assert claim.fingerprint != KernelClaims(b"another" * 6).claim(SCOPE, b"{}").fingerprint


def test_a_short_key_is_refused() -> None:
    with pytest.raises(SettingRefused):
        KernelClaims(b"k" * 31)


def test_a_request_never_seen_is_to_be_done() -> None:
    assert replay(None, CLAIMS.claim(SCOPE, b"{}")) is None


def test_the_same_request_gets_the_very_bytes_again() -> None:
    claim = CLAIMS.claim(SCOPE, b"{}")
    again = replay(StoredAnswer(fingerprint=claim.fingerprint, answer=ANSWER, at=NOON), claim)
    assert again is not None
    assert (again.kind, again.body, again.replayed) == (ANSWER.kind, ANSWER.body, True)


@pytest.mark.parametrize("answer", [ANSWER, None])
def test_another_request_under_the_same_key_is_refused_finished_or_not(answer: Answer | None) -> None:
    prior = StoredAnswer(fingerprint=CLAIMS.claim(SCOPE, b"{}").fingerprint, answer=answer, at=NOON)
    with pytest.raises(KeyReused):
        replay(prior, CLAIMS.claim(SCOPE, b"[]"))


def test_a_request_that_still_runs_is_not_done_twice() -> None:
    claim = CLAIMS.claim(SCOPE, b"{}")
    with pytest.raises(KeyInUse):
        replay(StoredAnswer(fingerprint=claim.fingerprint, answer=None, at=NOON), claim)


async def test_old_answers_are_purged_and_young_ones_kept(world: World) -> None:
    alice = await world.newcomer()
    tea = await world.product()
    purge = IdempotencyPurge(records=world.records, clock=world.clock, keep=timedelta(days=2))
    for key in ("old", "young"):
        await world.shopping.put_line(alice, tea.id, 1, expected_version=None)
        await world.check_out(alice, total=255, key=key)
        world.clock.advance(days=1.5)
    assert await purge.run_once() == 1
    assert await purge.run_once() == 0

    def scope(key: str) -> Scope:
        return Scope(principal=f"account:{alice}", route="checkout", key=key)

    assert await world.records.find(scope("old")) is None
    assert await world.records.find(scope("young")) is not None
