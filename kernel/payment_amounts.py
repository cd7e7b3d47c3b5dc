"""Which amounts a method is offered for: what its plugin takes, within what the shop says. Pure."""

from collections.abc import Iterable

from msgspec.structs import replace

from kassa.ports.errors import AmountRefused
from kassa.ports.money import Money
from kassa.ports.payment import AmountRule
from kassa.ports.values import MAX_INTEGER


def narrowed(rules: Iterable[AmountRule], least: int | None, most: int | None) -> tuple[AmountRule, ...]:
    """The rules within `least` and `most` (minor units), each from its first whole step to its last; a rule of which nothing
    is left is left out."""
    return tuple(rule for one in rules for rule in [_within(one, least, most)] if rule.min <= rule.max)


def _within(rule: AmountRule, least: int | None, most: int | None) -> AmountRule:
    first = max(rule.min, 1 if least is None else least)
    last = rule.max if most is None else min(rule.max, most)
    return replace(rule, min=-(-first // rule.step) * rule.step, max=last // rule.step * rule.step)


def amount_refused(name: str, rules: Iterable[AmountRule], amount: Money) -> AmountRefused:
    """The refusal of an amount that no rule fits: it tells what the method takes of the currency, for people and as data."""
    takes = tuple(replace(r, currency=amount.currency) for r in rules if r.currency in ("*", amount.currency))
    if not takes:
        return AmountRefused(f"{name} takes no {amount.currency}")
    return AmountRefused(f"{name} takes {', or '.join(map(_sentence, takes))}", takes)


def _sentence(rule: AmountRule) -> str:
    lowest, highest, step = (Money(amount=n, currency=rule.currency) for n in (rule.min, rule.max, rule.step))
    span = f"{lowest} or more" if rule.max > MAX_INTEGER - rule.step else f"{lowest.decimal()} to {highest}"
    return f"{span} in steps of {step.decimal()}" if rule.step > 1 else span
