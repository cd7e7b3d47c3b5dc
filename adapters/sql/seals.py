"""The chain over the audit trail: each block is sealed with SHA-256 over the block before and its own records.

The records of a block are those with an id from `first_id` to `last_id`. A database on which a smaller id may
be committed later must let all writers of `audit` end before it reads what to seal.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from kassa.ports.audit import AuditRecord
from kassa.ports.values import Instant

from .rows import Row, Values

GENESIS = bytes(32)
"""What the first block follows."""


def block_hash(previous: bytes, records: Sequence[AuditRecord]) -> bytes:
    """SHA-256 over the previous block's hash and every record as JSON, each on its own line."""
    digest = hashlib.sha256(previous)
    for record in records:
        digest.update(msgspec.json.encode(record))
        digest.update(b"\n")
    return digest.digest()


def next_block(last: Row | None, records: Sequence[AuditRecord], at: Instant) -> Values:
    """The row of `audit_blocks` for `records` (at least one, by id), after the block `last`."""
    previous = last.hash if last else GENESIS
    return {
        "id": last.id + 1 if last else 1,
        "first_id": records[0].id,
        "last_id": records[-1].id,
        "previous": previous,
        "hash": block_hash(previous, records),
        "at": at,
    }


def broken(block: Row, records: Sequence[AuditRecord]) -> str | None:
    """A line as the invariant view writes it when the block's hash is not that of its records; None when it is."""
    if block_hash(block.previous, records) == block.hash:
        return None
    return f"U2 audit block {block.id}: records {block.first_id} to {block.last_id} are not what was sealed"
