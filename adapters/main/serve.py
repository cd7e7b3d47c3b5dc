"""Serves the shop over HTTP with granian: in this process, or in several."""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from kassa.adapters.main import configuration
from kassa.adapters.main.compose import open_shop
from kassa.adapters.main.settings import Settings
from kassa.ports.errors import KassaError, SettingRefused

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Application:
    """An ASGI application that opens the shop when its server starts it and closes it when the server ends it."""

    def __init__(self, settings: Settings, *, sweeping: bool) -> None:
        self._settings, self._sweeping = settings, sweeping
        self._app: Callable[[Any, Any, Any], Awaitable[None]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            assert self._app is not None, "the server sends requests after start-up alone"
            await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with open_shop(self._settings, sweeping=self._sweeping) as shop:
                self._app = shop.app
                await send({"type": "lifespan.startup.complete"})
                watch = asyncio.create_task(_end_with_parent(os.getppid()))
                await receive()
                watch.cancel()
        except KassaError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.shutdown.complete"})


async def _end_with_parent(parent: int) -> None:
    """A worker whose parent was killed ends as if it had been told to: nobody would start it again or stop it."""
    while os.getppid() == parent:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(1)  # noqa: TID251 - the composition root has no clock of its own
    os.kill(os.getpid(), signal.SIGTERM)


def application() -> Application:
    """For servers that take a factory: settings from `KASSA_CONFIG` and the environment. `kassa worker` sweeps beside it."""
    return Application(configuration.load(), sweeping=False)


def check_address(host: str, port: int) -> None:
    """Raises `SettingRefused` when nobody could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingRefused(f"cannot listen on {host}:{port}: {error.strerror}") from None


async def serve_here(
    settings: Settings, host: str, port: int, *, sweeping: bool, when_ready: Callable[[], None] = lambda: None
) -> None:
    """Serve from this process and this event loop until SIGINT or SIGTERM; requests under way are finished."""
    from granian.constants import Interfaces
    from granian.server.embed import Server

    async with open_shop(settings, sweeping=sweeping) as shop:
        server = Server(shop.app, address=host, port=port, interface=Interfaces.ASGINL, log_enabled=False)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, server.stop)
        serving = asyncio.create_task(server.serve())
        await _until_listening(host, port, serving)
        when_ready()
        await serving


async def _until_listening(host: str, port: int, serving: "asyncio.Task[None]") -> None:
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1" if host == "0.0.0.0" else host, port)  # noqa: S104
        except OSError:
            await asyncio.sleep(0.02)  # noqa: TID251 - the composition root has no clock of its own
        else:
            writer.close()
            return


def serve_workers(host: str, port: int, workers: int, config: Path | None) -> None:
    """Serve from `workers` processes; one that dies is started again."""
    from granian import Granian
    from granian.constants import Interfaces, Loops

    if config is not None:
        os.environ["KASSA_CONFIG"] = str(config.resolve())
    Granian(
        "kassa.adapters.main.serve:application",
        address=host,
        port=port,
        workers=workers,
        interface=Interfaces.ASGI,
        loop=Loops.auto,
        factory=True,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=30,
        log_enabled=False,
    ).serve()
