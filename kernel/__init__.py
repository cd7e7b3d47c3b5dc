"""The rules of the shop: what may happen, in what order, and what each answer means.

Knows `kassa.ports` and nothing else: no framework, no clock, no randomness, no transaction of its own.
"""
