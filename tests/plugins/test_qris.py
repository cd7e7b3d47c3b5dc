"""QRIS codes: published ones are read, and nothing is shown that would take another amount from the customer than was asked."""

import binascii

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kassa.plugins.e_wallet.qris import MAX_LENGTH, PaymentCode, QrRefused, checksum, parsed, payable
from kassa.ports.money import Money

EMVCO = (
    "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT"
    "6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016"
    "A0112233449988770708123456786304A13A"
)
"""The worked example of the EMVCo specification (merchant-presented mode)."""
BRI = (
    "00020101021226650013ID.CO.BRI.WWW011893600002011010355402150000010000011780303UME520448125303360540612345655020256"
    "061234565802ID5916NEW SERIES PHONE6009PEKANBARU6105281136222011889013392449320397363043EA2"
)
"""QRIS with a fixed fee beside the amount: a bank's published API example."""
XENDIT = (
    "00020101021226650013CO.XENDIT.WWW01189360084800000000020215WNtXtb6qmr4ZJBw0303UME51370014ID.CO.QRIS.WWW0215"
    "ID20253781998505204509953033605405120855802ID5922PT Harta Tahta Sukaria6013JAKARTA PUSAT61051034062290525"
    "oSwCuJpMeuQ4rLtoSwLjPrHXH630472A4"
)
"""Dynamic QRIS over 12,085 rupiah, made by Xendit, as a published API description shows it."""
BNI = (
    "00020101021126590013ID.CO.BNI.WWW011893600009150305256502096102070790303UBE51440014ID.CO.QRIS.WWW0215"
    "ID20222337822690303UBE5204472253033605802ID5912VFS GLOBAL 66015JAKARTA SELATAN61051294062070703A016304D7C5"
)
"""Static QRIS without an amount, from the example of a published library."""
ASKED = Money(amount=1_208_500, currency="IDR")


def rewritten(old: str, new: str, code: str = XENDIT) -> str:
    """The code with a data object replaced and a checksum that fits: what a forger, or a mistaken provider, can write."""
    assert old in code
    body = code[:-4].replace(old, new, 1)
    return body + checksum(body)


@pytest.mark.parametrize("code", [EMVCO, BRI, XENDIT, BNI], ids=["emvco", "bri", "xendit", "bni"])
def test_published_codes_are_read(code: str):
    """And their checksums are those that others computed; Python's own CRC agrees."""
    assert parsed(code).objects["63"] == code[-4:]
    assert f"{binascii.crc_hqx(code[:-4].encode(), 0xFFFF):04X}" == checksum(code[:-4]) == code[-4:]


def test_what_is_nested_is_read():
    """Accounts, additional data, and another language with characters of three bytes."""
    code = parsed(EMVCO)
    assert code.templates["29"] == {"00": "D15600000000", "05": "A93FO3230Q"}
    assert code.templates["62"] == {"03": "1234", "06": "***", "07": "A6008667", "09": "ME"}
    assert code.templates["64"] == {"00": "ZH", "01": "最佳运输", "02": "北京"}
    assert parsed(XENDIT).templates["51"] == {"00": "ID.CO.QRIS.WWW", "02": "ID2025378199850"}
    assert parsed(XENDIT).merchant == "PT Harta Tahta Sukaria"


def test_a_code_over_exactly_what_was_asked_is_shown():
    """With decimals or without, as long as it is the same money."""
    assert payable(XENDIT, ASKED) == XENDIT
    for same in ("540812085.00", "540612085.", "54070012085"):
        code = rewritten("540512085", same)
        assert payable(code, ASKED) == code


REFUSED = {
    "another amount": rewritten("540512085", "540512086"),
    "a tenth": rewritten("540512085", "54041208"),
    "a hundredfold": rewritten("540512085", "54071208500"),
    "less than a rupiah more": rewritten("540512085", "540812085.01"),
    "no amount": rewritten("540512085", ""),
    "no number": rewritten("540512085", "540512o85"),
    "a number of another script": rewritten("540512085", "5405١٢٠٨٥"),
    "a minus sign": rewritten("540512085", "5406-12085"),
    "another currency": rewritten("5303360", "5303840"),
    "another country": rewritten("5802ID", "5802SG"),
    "a static code": rewritten("010212", "010211"),
    "a tip that the customer chooses": rewritten("5802ID", "5502015802ID"),
    "a fee in percent": rewritten("5802ID", "550203570310.5802ID"),
    "two amounts": rewritten("5802ID", "5405999995802ID"),
    "two amounts, the right one last": rewritten("540512085", "540599999540512085"),
    "no merchant": rewritten("5922PT Harta Tahta Sukaria", ""),
    "another format": rewritten("000201", "000202"),
    "a checksum of lower case": XENDIT[:-4] + "72a4",
    "no checksum": XENDIT[:-8],
    "something after the checksum": XENDIT + "0",
    "a line end after it": XENDIT + "\n",
    "nothing": "",
    "the specification's example": EMVCO,
    "a fee beside the amount": BRI,
    "an account of no scheme": rewritten("0013CO.XENDIT.WWW", "0913CO.XENDIT.WWW"),
    "a template that ends too early": rewritten("51370014", "51370099"),
    "too much": "0" * (MAX_LENGTH + 1),
    "half a character": XENDIT[:20] + "\ud800" + XENDIT[21:],
}


@pytest.mark.parametrize("why", REFUSED)
def test_everything_else_is_refused_before_it_is_shown(why: str):
    """With a reason that repeats nothing of the code."""
    with pytest.raises(QrRefused) as refused:
        payable(REFUSED[why], ASKED)
    assert "XENDIT" not in str(refused.value)


def test_a_code_is_for_rupiah_only():
    """12,085 of anything else was never asked in QRIS."""
    with pytest.raises(QrRefused):
        payable(XENDIT, Money(amount=1_208_500, currency="EUR"))


def test_every_single_change_of_a_code_is_refused():
    """Any digit, letter or length changed, left out, doubled or swapped with its neighbour, without a new checksum."""
    for at in range(len(XENDIT)):
        for told in (
            *(XENDIT[:at] + other + XENDIT[at + 1 :] for other in "0123456789AFaZ最" if other != XENDIT[at]),
            XENDIT[:at] + XENDIT[at + 1 :],
            XENDIT[:at] + XENDIT[at] + XENDIT[at:],
        ):
            if told != XENDIT:
                with pytest.raises(QrRefused):
                    payable(told, ASKED)


def read(text: str) -> PaymentCode | None:
    """Whatever is no code is refused, by the one declared exception."""
    try:
        return parsed(text)
    except QrRefused:
        return None


def fuzzed(text: str) -> None:
    """Whatever it is, and whatever it is with a checksum that fits."""
    for code in (text, text + "6304" + checksum(text + "6304") if text.isprintable() else text):
        found = read(code)
        if found is not None:
            assert "".join(f"{id}{len(value):02}{value}" for id, value in found.objects.items()) == code
        try:
            payable(code, ASKED)
        except QrRefused:
            continue
        assert found is not None
        assert found.objects["54"].rstrip(".").removesuffix(".00").lstrip("0") == "12085"
        assert (found.objects["53"], found.objects["58"]) == ("360", "ID")


PIECES = [f"{id}{len(value):02}{value}" for id, value in parsed(XENDIT).objects.items() if id != "63"]
"""The genuine code's data objects: shuffled, repeated, left out and mixed with rubbish they make codes that nearly fit."""
NEARLY = st.lists(
    st.one_of(st.sampled_from(PIECES), st.text("0123456789", max_size=12), st.sampled_from(["540512086", "550203", "5802SG"])),
    max_size=20,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), NEARLY, NEARLY.map(lambda rest: "000201" + rest)))
def test_nothing_but_a_code_is_taken_for_one(text: str):
    """Random text and rearranged pieces: no exception but the declared one, and nothing shown that says another amount."""
    fuzzed(text)


@pytest.mark.soak
@settings(max_examples=50_000, deadline=None)
@given(st.one_of(st.text(max_size=600), NEARLY, NEARLY.map(lambda rest: "000201" + rest)))
def test_nothing_but_a_code_is_taken_for_one_for_longer(text: str):
    """The same, for minutes: `pytest -m soak tests/plugins/test_qris.py`."""
    fuzzed(text)
