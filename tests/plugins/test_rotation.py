"""A webhook secret is changed while notices arrive: none is refused, and afterwards the old secret opens nothing."""

import pytest

from kassa.kernel.plugin_vetting import Refused
from kassa.ports.payment import Reject
from kassa.ports.secret import Secret
from tests.plugins.test_notices import HEADER, accepted
from tests.plugins.till import Till, merchant_of
from tests.sandbox.receiver import Received, Receiver


async def sign_with(till: Till, hook: Receiver, secret: str) -> None:
    """The change at the provider."""
    body = {"secret_key": merchant_of(till.name).secret_key, "webhook_secret": secret, "webhook_url": hook.url}
    assert (await till.browser.put(f"/control/merchants/{till.name}", json=body)).status_code == 200


async def next_notice(till: Till, hook: Receiver) -> Received:
    """The provider's own, as it signs now."""
    before = len(hook.received)
    await till.start(till.request(source="tok_3ds"))
    return (await hook.wait_for(before + 1))[-1]


async def test_no_notice_is_lost_in_a_rotation(till: Till, hook: Receiver):
    """The steps of the README: both are configured, the provider changes, the old one is removed."""
    old, new = Secret(merchant_of(till.name).webhook_secret), Secret("whsec_brand_new")
    early = await next_notice(till, hook)
    both = till.with_settings(webhook_secret=new, previous_webhook_secret=old)
    between = await next_notice(till, hook)
    await sign_with(till, hook, new.reveal())
    late = await next_notice(till, hook)
    for one in (early, between, late):
        accepted(await both.judge(one.body, (HEADER, one.signature)))
    assert isinstance(await till.judge(late.body, (HEADER, late.signature)), Reject)
    after = till.with_settings(webhook_secret=new)
    accepted(await after.judge(late.body, (HEADER, late.signature)))
    for one in (early, between):
        assert isinstance(await after.judge(one.body, (HEADER, one.signature)), Reject)


async def test_the_previous_secret_is_no_weaker_door(till: Till, hook: Receiver):
    """Time and body are checked for it too."""
    one = await next_notice(till, hook)
    old = Secret(merchant_of(till.name).webhook_secret)
    both = till.with_settings(webhook_secret=Secret("whsec_new"), previous_webhook_secret=old)
    header = (HEADER, one.signature)
    accepted(await both.judge(one.body, header))
    assert isinstance(await both.judge(one.body, header, at_s=400), Reject)
    assert isinstance(await both.judge(one.body + b" ", header), Reject)
    assert isinstance(await both.judge(one.body, header, header), Reject)


@pytest.mark.parametrize("which", ["webhook_secret", "previous_webhook_secret"])
@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_secret_is_refused_whichever_it_is(till: Till, which: str, blank: str):
    """Anybody can sign with it. The message names the setting's fault, not its value."""
    with pytest.raises(Refused, match="blank"):
        till.with_settings(**{which: Secret(blank)})
