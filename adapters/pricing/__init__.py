"""What a basket costs beyond its goods: a flat shipping fee and an included tax."""

from .flat import FlatPricing

__all__ = ["FlatPricing"]
