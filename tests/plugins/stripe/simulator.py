"""localstripe, an independent simulator of Stripe (GPL-3.0): a process of its own, on 127.0.0.1 only, never imported here.

Its own command listens on every interface and reads an old store from /tmp. This starts its application on one address, with an
empty store, and sends to nowhere what it would write to /tmp after every change.
"""

from __future__ import annotations

import signal
import socket
import sys
from contextlib import suppress

from tests.servers.process import ServerProcess

_LAUNCH = """
import os, sys
from aiohttp import web
from localstripe import resources
from localstripe.server import app
resources.open = lambda path, mode: open(os.devnull, mode)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
"""


class Simulator:
    """One running localstripe."""

    def __init__(self) -> None:
        self._process = ServerProcess("localstripe", signal.SIGTERM)
        self.url = f"http://127.0.0.1:{self._process.port}"
        self._process.spawn([sys.executable, "-c", _LAUNCH, str(self._process.port)], self._listens)

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._process.port), timeout=1):
            return True
        return False

    def stop(self) -> None:
        """End it; its files are removed."""
        self._process.stop()
