"""The tables of bank accounts: files imported, and their lines."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from .types import BigId, Moment, metadata

bank_files = Table(
    "bank_files", metadata, Column("id", BigId, primary_key=True, autoincrement=True),
    Column("method", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("added", Integer, nullable=False),
    Column("left_out", Integer, nullable=False),
    UniqueConstraint("method", "sha256", name="bank_files_once"),
    CheckConstraint("added > 0 AND added <= lines", name="bank_files_added"),
)  # fmt: skip
"""Files that told something new. Their bytes are not kept: their lines are."""

bank_lines = Table(
    "bank_lines", metadata, Column("id", BigId, primary_key=True, autoincrement=True),
    Column("file_id", ForeignKey("bank_files.id"), nullable=False),
    Column("method", Text, nullable=False),
    Column("line_id", Text, nullable=False),
    Column("movement_id", Text().with_variant(Text(collation="C"), "postgresql"), nullable=False),
    Column("account", Text, nullable=False),
    Column("told", LargeBinary, nullable=False),
    Column("state", Text, CheckConstraint("state IN ('waiting', 'done', 'review')", name="bank_lines_state"),
           nullable=False, server_default="waiting"),
    Column("verdict", Text),
    Column("reason", Text, nullable=False, server_default=""),
    Column("payments", Text, nullable=False, server_default="[]"),
    Column("reviewed", Text, nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("next_try_at", Moment, nullable=False),
    Column("settled_at", Moment),
    UniqueConstraint("method", "line_id", name="bank_lines_once"),
    CheckConstraint("(state = 'waiting') = (verdict IS NULL)", name="bank_lines_judged"),
    CheckConstraint("(state = 'waiting') = (settled_at IS NULL)", name="bank_lines_settled"),
    Index("bank_lines_by_file", "file_id", "id"),
    Index("bank_lines_by_movement", "movement_id"),
    Index("bank_lines_by_account", "method", "account"),
    Index("bank_lines_due", "next_try_at",
          postgresql_where=text("state = 'waiting'"), sqlite_where=text("state = 'waiting'")),
    Index("bank_lines_to_review", "id",
          postgresql_where=text("state = 'review'"), sqlite_where=text("state = 'review'")),
)  # fmt: skip
"""Each transfer once, whatever files tell of it. `told` is the line as JSON; `movement_id` what its money is called where it
counts, in an order of bytes so that its parts (`<id>/…`) stand beside it; `payments` ids as a JSON list. The lease of a waiting
line is its `next_try_at`."""

BANKING: tuple[Table, ...] = (bank_files, bank_lines)
