"""Virtual accounts of Indonesian banks, as customers are shown them: whose they are, and how they are paid."""

from typing import Final

from kassa.ports.payment import Instruction
from kassa.ports.texts import Texts

BANKS: Final = {
    "bca": "Bank Central Asia (BCA)",
    "bni": "Bank Negara Indonesia (BNI)",
    "bri": "Bank Rakyat Indonesia (BRI)",
    "permata": "Bank Permata",
    "mandiri": "Bank Mandiri",
    "bsi": "Bank Syariah Indonesia (BSI)",
    "cimb": "CIMB Niaga",
}
"""By the short name that providers use, in lower case."""
_APP: Final[Texts] = {"en": "Mobile or internet banking", "id": "Mobile atau internet banking", "de": "Online-Banking"}
_MACHINE: Final[Texts] = {"en": "Cash machine", "id": "ATM", "de": "Geldautomat"}
_CHOOSE: Final[Texts] = {
    "en": "Choose Transfer, then Virtual Account.",
    "id": "Pilih Transfer, lalu Virtual Account.",
    "de": "Wählen Sie Transfer, dann Virtual Account.",
}
_INSERT: Final[Texts] = {
    "en": "Insert your card, enter your PIN, and choose Transfer, then Virtual Account.",
    "id": "Masukkan kartu dan PIN Anda, pilih Transfer, lalu Virtual Account.",
    "de": "Karte einführen, PIN eingeben, Transfer wählen, dann Virtual Account.",
}
_TYPE: Final[Texts] = {
    "en": "Enter the account number that is shown here.",
    "id": "Masukkan nomor virtual account yang ditampilkan di sini.",
    "de": "Geben Sie die hier angezeigte Kontonummer ein.",
}
_COMPARE: Final[Texts] = {
    "en": "Check the name and the amount, and confirm.",
    "id": "Periksa nama dan jumlah, lalu konfirmasi.",
    "de": "Prüfen Sie Namen und Betrag, und bestätigen Sie.",
}
INSTRUCTIONS: Final = (
    Instruction(channel=_APP, steps=(_CHOOSE, _TYPE, _COMPARE)),
    Instruction(channel=_MACHINE, steps=(_INSERT, _TYPE, _COMPARE)),
)
