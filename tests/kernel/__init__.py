"""The rules of the shop, against SQLite in memory."""
