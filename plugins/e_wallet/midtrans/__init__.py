"""Midtrans, Core API v2: GoPay, ShopeePay, QRIS and virtual accounts. See the README for what was proved."""
