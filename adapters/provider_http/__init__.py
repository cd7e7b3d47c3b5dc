"""The tools that payment plugins get: a guarded HTTP client, bounded threads and a redacting log, one set an instance."""

from .tools import HttpxProviders

__all__ = ["HttpxProviders"]
