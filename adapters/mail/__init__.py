"""Outgoing mail: into a folder, or to an SMTP server."""

from .folder import FolderMailer
from .smtp import SmtpMailer

__all__ = ["FolderMailer", "SmtpMailer"]
