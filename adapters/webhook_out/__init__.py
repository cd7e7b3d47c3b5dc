"""Sends outgoing webhooks into the internet, and nowhere else."""

from .sender import HttpxWebhookSender

__all__ = ["HttpxWebhookSender"]
