"""The shop over HTTP: Litestar for routing and lifespan, everything on the wire our own."""

from .app import create_app
from .settings import HttpSettings, HttpShop

__all__ = ["HttpSettings", "HttpShop", "create_app"]
