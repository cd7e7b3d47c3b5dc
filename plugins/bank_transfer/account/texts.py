"""The ready instructions, in the shop's three languages: for each channel, by what tells payments apart."""

from typing import Final, Literal

from kassa.ports.next_action import Instruction
from kassa.ports.texts import Texts

from .config import AccountConfig, Channel

Kind = Literal["rf", "virtual_account", "unique_amount", "invoice"]


def _said(en: str, id: str, de: str) -> Texts:
    return {"en": en, "id": id, "de": de}


_CHANNELS: Final[dict[Channel, Texts]] = {
    "app": _said("Banking app or online banking", "Aplikasi perbankan atau internet banking", "Banking-App oder Online-Banking"),
    "atm": _said("Cash machine", "ATM", "Geldautomat"),
    "branch": _said("At a branch", "Di kantor cabang", "In der Filiale"),
}  # fmt: skip
_BEGIN: Final[dict[Channel, Texts]] = {
    "app": _said(
        "Choose a transfer to a new recipient.",
        "Pilih transfer ke penerima baru.",
        "Wählen Sie eine Überweisung an einen neuen Empfänger.",
    ),
    "atm": _said(
        "Insert your card and choose transfer.",
        "Masukkan kartu Anda, lalu pilih transfer.",
        "Stecken Sie Ihre Karte ein und wählen Sie Überweisung.",
    ),
    "branch": _said(
        "Fill in a transfer form, or ask at the counter.",
        "Isi formulir transfer, atau tanyakan kepada petugas bank.",
        "Füllen Sie einen Überweisungsträger aus oder fragen Sie am Schalter.",
    ),
}
_VIRTUAL: Final[dict[Channel, Texts]] = {
    "app": _said(
        "Choose transfer or payment to a virtual account.",
        "Pilih menu transfer atau pembayaran ke Virtual Account.",
        "Wählen Sie die Überweisung an ein virtuelles Konto.",
    ),
    "atm": _said(
        "Insert your card and choose payment to a virtual account.",
        "Masukkan kartu Anda, lalu pilih pembayaran ke Virtual Account.",
        "Stecken Sie Ihre Karte ein und wählen Sie die Zahlung an ein virtuelles Konto.",
    ),
    "branch": _said(
        "Ask at the counter for a payment to a virtual account.",
        "Sampaikan kepada petugas bank bahwa Anda membayar ke Virtual Account.",
        "Bitten Sie am Schalter um eine Zahlung an ein virtuelles Konto.",
    ),
}
_NUMBER: Final = _said(
    "Enter the account number shown here, and check the name of the holder.",
    "Masukkan nomor rekening yang tertera di sini, lalu periksa nama pemiliknya.",
    "Geben Sie die hier gezeigte Kontonummer ein und prüfen Sie den Namen des Inhabers.",
)
_AMOUNT: Final = _said("Send the amount shown.", "Kirim jumlah yang tertera.", "Überweisen Sie den gezeigten Betrag.")
_EXACT: Final = _said(
    "Send exactly the amount shown, to the last digit: it is how your payment is recognised.",
    "Kirim persis jumlah yang tertera hingga digit terakhir: dari situ pembayaran Anda dikenali.",
    "Überweisen Sie genau den gezeigten Betrag bis auf die letzte Stelle: daran wird Ihre Zahlung erkannt.",
)
_WORDS: Final[dict[Kind, Texts]] = {
    "rf": _said(
        "Enter the reference shown as the creditor reference, or alone as the payment text.",
        "Masukkan nomor referensi yang tertera sebagai berita transfer, tanpa tambahan apa pun.",
        "Geben Sie die gezeigte Referenz als Zahlungsreferenz an, sonst allein als Verwendungszweck.",
    ),
    "invoice": _said(
        "Enter the reference shown as the payment text.",
        "Masukkan nomor referensi yang tertera sebagai berita transfer.",
        "Geben Sie die gezeigte Referenz als Verwendungszweck an.",
    ),
}
_QR: Final = _said(
    "Or scan the QR code, if one is shown: it fills in everything.",
    "Atau pindai kode QR jika ditampilkan: semua data akan terisi.",
    "Oder scannen Sie den QR-Code, falls einer gezeigt wird: er füllt alles aus.",
)


def instructions(config: AccountConfig, *, has_qr: bool) -> tuple[Instruction, ...]:
    """How to pay: in the shop's own words where it has some, else the ready ones of its channels."""
    if config.instructions:
        return tuple(Instruction(channel=own.channel, steps=own.steps) for own in config.instructions)
    return tuple(
        Instruction(channel=_CHANNELS[channel], steps=_steps(config.reference, channel, has_qr=has_qr))
        for channel in config.channels
    )


def _steps(kind: Kind, channel: Channel, *, has_qr: bool) -> tuple[Texts, ...]:
    begin = _VIRTUAL if kind == "virtual_account" else _BEGIN
    steps = [begin[channel], _NUMBER, _EXACT if kind == "unique_amount" else _AMOUNT]
    if kind in _WORDS:
        steps.append(_WORDS[kind])
    if has_qr and channel == "app":
        steps.append(_QR)
    return tuple(steps)
