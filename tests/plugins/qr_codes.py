"""QRIS codes as a provider makes them, with a checksum of Python's own."""

import binascii


def code_over(rupiah: int, **other: str) -> str:
    """A dynamic code over so many rupiah; `currency`, `country` and `name` may be others."""
    objects = {
        "00": "01",
        "01": "12",
        "26": "0014COM.GO-JEK.WWW01189360091434506469550210G4506469550303UKE",
        "52": "5399",
        "53": other.get("currency", "360"),
        "54": str(rupiah),
        "58": other.get("country", "ID"),
        "59": other.get("name", "KASSA TEST"),
        "60": "JAKARTA PUSAT",
    }
    body = "".join(f"{id}{len(value):02}{value}" for id, value in objects.items()) + "6304"
    return body + f"{binascii.crc_hqx(body.encode(), 0xFFFF):04X}"
