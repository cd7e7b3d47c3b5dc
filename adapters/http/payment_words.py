"""A payment in words: what its codes mean to the customer, in the customer's language."""

import msgspec

from kassa.ports.cashier import MethodName, PaymentView
from kassa.ports.payment import AnyNextAction, ShowAccount
from kassa.ports.values import Value

from .texts import ActionText, Speech


class ChannelWords(Value, frozen=True, kw_only=True):
    """How to pay in one channel, step by step."""

    channel: str
    steps: tuple[str, ...]


class ActionWords(Value, frozen=True, kw_only=True):
    """What the customer does next: a heading, a sentence, and the plugin's own instructions, where it has some."""

    title: str
    text: str
    instructions: tuple[ChannelWords, ...]


class PaymentWords(Value, frozen=True, kw_only=True):
    """What to show: the method's title, how the payment stands, why it was declined (empty if it was not)."""

    language: str
    method: str
    status: str
    decline: str
    action: ActionWords | None


class WordedPayment(PaymentView, frozen=True, kw_only=True):
    """A payment as its customer sees it, and reads it."""

    words: PaymentWords


class Sentences(Value, frozen=True, kw_only=True):
    """Sentences by code, for clients that show payments: of every `status` (and `in_doubt`), every `decline_code` (`other` for
    one that is not listed), every type of `next_action`, and the words of a receipt."""

    language: str
    status: dict[str, str]
    decline: dict[str, str]
    action: dict[str, ActionText]
    receipt: dict[str, str]


def worded(view: PaymentView, name: MethodName, speech: Speech) -> WordedPayment:
    """The payment with its words."""
    texts = speech.words
    words = PaymentWords(
        language=texts.language,
        method=title_of(name, speech),
        status=texts.status["in_doubt" if view.in_doubt else view.status.value],
        decline=texts.decline.get(view.decline_code, texts.decline["other"]) if view.decline_code else "",
        action=None if view.next_action is None else _action(view.next_action, speech),
    )
    return WordedPayment(**msgspec.structs.asdict(view), words=words)


def title_of(name: MethodName, speech: Speech) -> str:
    """What the operator calls the method, else what it is called in this language, else what its plugin calls itself."""
    known = speech.words.method
    return speech.of(name.given) or known.get(f"{name.plugin}/{name.driver}") or known.get(name.plugin, name.title)


def sentences(speech: Speech) -> Sentences:
    """All of one language."""
    texts = speech.words
    return Sentences(
        language=texts.language,
        status=texts.status,
        decline=texts.decline,
        action=texts.action,
        receipt=texts.receipt,
    )


def _action(action: AnyNextAction, speech: Speech) -> ActionWords:
    text = speech.words.action[str(action.__struct_config__.tag)]
    told = action.instructions if isinstance(action, ShowAccount) else ()
    channels = [
        ChannelWords(channel=speech.of(one.channel), steps=tuple(speech.of(step) for step in one.steps)) for one in told
    ]
    return ActionWords(title=text.title, text=text.text, instructions=tuple(channels))
