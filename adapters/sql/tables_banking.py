"""The tables of bank accounts: files imported, and their lines."""

from sqlalchemy import Table

BANKING: tuple[Table, ...] = ()
