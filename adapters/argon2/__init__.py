"""Password hashing with argon2id."""

from .passwords import Argon2Passwords

__all__ = ["Argon2Passwords"]
