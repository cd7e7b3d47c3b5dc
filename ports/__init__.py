"""The vocabulary that every ring speaks: values, errors and protocols, and nothing else.

This is Kassa's only public API. Its version is `kassa.ports.hooks.API`; it goes up a major on breakage,
after a year of `DeprecationWarning`.
"""
