"""The sandbox as one running process: one event loop, one port, one journal."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from .account_api import AccountApi
from .calls import Calls
from .charge_api import ChargeApi
from .control import Control
from .customer import Customer
from .journal import JournalUnusable
from .model import Refused
from .options import Options
from .provider import Provider
from .wire import Application

START_MAX_S = 10.0
STOP_MAX_S = 2.0


class CannotStart(Exception):
    """The sandbox cannot run as asked; the message is one line for a person."""


def run(options: Options) -> int:
    """Run the sandbox until SIGTERM or SIGINT; prints `sandbox ready <address>` once it answers. The exit code."""
    try:
        return asyncio.run(_serve(options))
    except (CannotStart, JournalUnusable, Refused) as error:
        print(f"sandbox: {error}", file=sys.stderr, flush=True)
        return 2


async def _serve(options: Options) -> int:
    with _claimed_port(options.host, options.port) as claim:
        port: int = claim.getsockname()[1]
        host = "127.0.0.1" if options.host in ("0.0.0.0", "::") else options.host  # noqa: S104 # compared, not bound
        provider = Provider(options, f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
        try:
            provider.open()
            return await _listen(provider, options.host, port)
        finally:
            await provider.close()


async def _listen(provider: Provider, host: str, port: int) -> int:
    calls = Calls(provider)
    routes = [
        *ChargeApi(provider, calls).routes(),
        *AccountApi(provider, calls).routes(),
        *Control(provider).routes(),
        *Customer(provider).routes(),
    ]
    server = Server(
        Application(routes, provider.journal.durable),
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
        backlog=1024,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, provider.stopping.set)
    if provider.options.until_stdin_closes:
        loop.add_reader(0, _stop_at_end_of_stdin, provider.stopping)
    serving = asyncio.create_task(server.serve())
    await _until_listening(serving, host, port)
    print(f"sandbox ready {provider.base_url}", flush=True)
    await asyncio.wait(
        [serving, stopping := asyncio.create_task(provider.stopping.wait())],
        return_when=asyncio.FIRST_COMPLETED,
    )
    if not stopping.done():
        stopping.cancel()
        raise CannotStart("the HTTP server ended by itself")
    server.stop()  # type: ignore[no-untyped-call]
    with suppress(TimeoutError):
        await asyncio.wait_for(serving, STOP_MAX_S)
    return 0


def _stop_at_end_of_stdin(stopping: asyncio.Event) -> None:
    if not os.read(0, 4096):
        asyncio.get_running_loop().remove_reader(0)
        stopping.set()


async def _until_listening(serving: asyncio.Task[None], host: str, port: int) -> None:
    """The server starts in the background and tells nobody, so ask it."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + START_MAX_S
    while loop.time() < give_up and not serving.done():
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.005)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise CannotStart(f"the HTTP server did not start on {host}:{port}")


def _claimed_port(host: str, port: int) -> socket.socket:
    """A bound socket that never listens: it holds the port (0: a free one) while the server takes the same one.

    The server sets SO_REUSEPORT, which would let two sandboxes share a port silently; the first, plain bind forbids it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
        claim = socket.socket(family)
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        claim.bind((host, port))
    except OSError as error:
        raise CannotStart(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return claim
