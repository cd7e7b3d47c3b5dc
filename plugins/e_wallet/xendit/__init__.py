"""Xendit, Payment Requests API: e-wallets, QRIS and virtual accounts. See the README for what was proved."""
