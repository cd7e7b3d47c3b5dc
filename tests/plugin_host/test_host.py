"""Plugins are found, vetted and opened each alone; a broken one takes nobody else down and says why."""

import textwrap
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

from kassa.kernel.plugin_discovery import installed_plugins
from kassa.ports.errors import PluginRefused
from kassa.ports.payment import AmountRule, PaymentMethod
from kassa.ports.plugins import PluginRules
from kassa.ports.secret import Secret
from tests.plugin_host.plugs import PLAIN, Plain, factory, installed, instance, loaded, method_class


def boom(error: BaseException):
    def load() -> object:
        raise error

    return load


async def state_of(plugin, **more):
    methods = await loaded(plugin, **more)
    status = next(s for s in methods.statuses() if s.instance == "main")
    assert (methods.get("main") is not None) == (status.state == "loaded")
    return status.state, status.reason


async def test_a_good_plugin_is_loaded_and_says_where_it_comes_from():
    methods = await loaded(installed(factory()))
    (status,) = methods.statuses()
    assert (status.state, status.distribution, status.version, status.breaker) == ("loaded", "acme", "1.0", "closed")
    assert methods.is_complete()
    methods.refuse_incomplete()
    await methods.close()


@pytest.mark.parametrize("error", [SystemExit(1), ImportError("no stripe"), RuntimeError("x"), GeneratorExit()])
async def test_an_import_that_fails_takes_nobody_else_down(error: BaseException):
    other = installed(factory(id="other"), name="other")
    methods = await loaded(installed(load=boom(error)), other, instances=(instance(), instance("second", "other")))
    assert methods.get("second") is not None
    broken = next(s for s in methods.statuses() if s.instance == "main")
    assert (broken.state, type(error).__name__ in broken.reason) == ("failed", True)
    with pytest.raises(PluginRefused, match=r"payments\.main.*trial.*failed"):
        methods.refuse_incomplete()


async def test_an_optional_instance_may_be_missing():
    methods = await loaded(installed(load=boom(RuntimeError())), instances=(instance(optional=True),))
    methods.refuse_incomplete()
    assert methods.is_complete()


async def test_what_nobody_offers_cannot_be_configured():
    assert await state_of(installed(factory(id="other"), name="other")) == ("failed", "no installed plugin offers it")


async def test_installed_is_not_enabled():
    methods = await loaded(installed(factory()), instances=())
    assert [(s.state, s.instance) for s in methods.statuses()] == [("unconfigured", None)]
    assert methods.all() == ()


async def test_a_blocked_plugin_is_not_imported():
    plugin = installed(load=boom(AssertionError("imported")))
    assert (await state_of(plugin, rules=PluginRules(block=frozenset({"trial"}))))[0] == "blocked"


@pytest.mark.parametrize(
    ("requires", "state"),
    [
        ("kassa>=99", "incompatible"),
        ("kassa<0.0.1", "incompatible"),
        ("kassa==99.1", "incompatible"),
        ("kassa~=99.0", "incompatible"),
        ("Kassa (>=99) ; python_version > '3'", "incompatible"),
        ("kassa>=0.0.1,<9", "loaded"),
        ("kassa", "loaded"),
        ("kassapay>=99", "loaded"),
        ("kassa-pay>=99", "loaded"),
        ("kassa[conformance]>=99; extra == 'x'", "loaded"),
    ],
)
async def test_what_a_plugin_requires_is_judged_before_it_is_imported(requires: str, state: str):
    load = boom(AssertionError("imported")) if state == "incompatible" else None
    plugin = installed(factory(), requires=(requires,), load=load)
    assert (await state_of(plugin))[0] == state


@pytest.mark.parametrize("api", [(0, 9), (2, 0), (1, 1)])
async def test_another_contract_is_incompatible(api: tuple[int, int]):
    state, reason = await state_of(installed(factory(api=api)))
    assert (state, "contract" in reason) == ("incompatible", True)


async def test_two_distributions_with_one_name_stop_the_shop_and_both_are_named():
    with pytest.raises(PluginRefused, match="acme and by evil"):
        await loaded(installed(factory()), installed(factory(), distribution="evil"))
    with pytest.raises(PluginRefused, match="acme and by evil"):
        await loaded(installed(factory()), installed(factory(), name="other", distribution="evil"))


class Loose(Struct):
    key: str


DECLARATIONS = {
    "declares refund but does not implement it": {"capabilities": replace(PLAIN, refund="full")},
    "implements void but does not declare it": {"void": Plain.start},
    "declares webhook but does not implement it": {"capabilities": replace(PLAIN, webhook_trust="signed_body")},
    "declares no capabilities": {"capabilities": None},
    "declares no amounts": {"capabilities": replace(PLAIN, amounts=())},
    "declares an expiry that cannot be": {"capabilities": replace(PLAIN, expiry_s=(5, 1))},
    "declares a poll list that cannot be": {"capabilities": replace(PLAIN, poll_s=())},
    "declares capabilities that cannot be": {"capabilities": replace(PLAIN, idempotency="maybe")},
    "has a query that is not async": {"query": lambda self, ctx, request: None},
    "does not forbid unknown fields": {"Config": Loose},
    "has no Input that is a msgspec Struct": {"Input": dict},
}


@pytest.mark.parametrize("reason", DECLARATIONS)
async def test_a_class_that_is_not_what_it_declares_is_refused(reason: str):
    state, said = await state_of(installed(factory(method_class(**DECLARATIONS[reason]))))
    assert state == "failed"
    assert reason in said


async def test_an_abstract_class_is_refused():
    cls = type("Half", (PaymentMethod,), {"Config": Plain.Config, "capabilities": PLAIN})
    assert "does not implement query, start" in (await state_of(installed(factory(cls))))[1]


@pytest.mark.parametrize(
    "offer",
    [
        object(),
        {"id": "trial"},
        factory(id="Trial!"),
        factory(title=""),
        factory(api=("1", 0)),
        factory(api=(1,)),
        factory(dict),
    ],
)
async def test_a_factory_that_is_none_is_refused(offer: object):
    assert (await state_of(installed(offer)))[0] == "failed"


async def test_a_misspelt_hook_is_noticed():
    from types import SimpleNamespace

    from kassa.ports.hooks import hookimpl

    @hookimpl
    def kassa_payment_metods():
        return []

    module = SimpleNamespace(kassa_payment_metods=kassa_payment_metods)
    state, reason = await state_of(installed(load=lambda: module))
    assert (state, "kassa_payment_metods" in reason) == ("failed", True)
    state, reason = await state_of(installed(load=SimpleNamespace))
    assert (state, "offers no payment method" in reason) == ("failed", True)


CONFIGS = {
    "configuration: Object missing required field `key`": {},
    "configuration: Object contains unknown field `kee`": {"key": Secret("x"), "kee": 1},
    "a secret must be given as {env=…} or {file=…}, never as a literal": {"key": "sk_canary"},
    "this secret is blank": {"key": Secret("  ")},
    "Expected `int`, got `str` - at `$.retries`": {"key": Secret("x"), "retries": "3"},
    "Expected `str`, got `Secret` - at `$.url`": {"key": Secret("x"), "url": Secret("sk_canary")},
}


@pytest.mark.parametrize("reason", CONFIGS)
async def test_a_wrong_configuration_is_refused_with_its_field_and_without_its_value(reason: str):
    state, said = await state_of(installed(factory()), instances=(instance(config=CONFIGS[reason]),))
    assert state == "failed"
    assert reason in said
    assert "sk_canary" not in said


async def test_a_constructor_or_an_opening_that_fails_is_one_instance_failing():
    def bad(self, config):
        raise SystemExit("sk_canary")

    state, said = await state_of(installed(factory(method_class(__init__=bad))))
    assert (state, said) == ("failed", "constructor: SystemExit")

    async def shut(self, ctx):
        raise RuntimeError("sk_canary")

    state, said = await state_of(installed(factory(method_class(open=shut))))
    assert (state, said) == ("failed", "open: raised RuntimeError")


async def test_two_accounts_of_one_plugin_coexist():
    methods = await loaded(installed(factory()), instances=(instance("one"), instance("two")))
    assert [m.name for m in methods.all()] == ["one", "two"]
    await methods.close()


def test_our_own_plugins_come_by_entry_point_like_a_strangers():
    found = {p.name: p.distribution for p in installed_plugins()}
    assert {"bank_transfer", "card", "e_wallet"} <= set(found)


def test_a_strangers_distribution_is_found_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    info = tmp_path / "acme_pay-2.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-pay\nVersion: 2.1\nRequires-Dist: kassa>=0.1\n")
    (info / "entry_points.txt").write_text("[kassa.payment_methods]\nacme = acme_pay\n")
    (tmp_path / "acme_pay.py").write_text(
        textwrap.dedent(
            """
            from kassa.ports.hooks import hookimpl
            @hookimpl
            def kassa_payment_methods():
                return []
            """
        )
    )
    monkeypatch.syspath_prepend(tmp_path)
    plugin = next(p for p in installed_plugins() if p.name == "acme")
    assert (plugin.distribution, plugin.version, plugin.requires) == ("acme-pay", "2.1", ("kassa>=0.1",))


def test_a_wildcard_amount_takes_every_currency():
    assert AmountRule(currency="*").step == 1
