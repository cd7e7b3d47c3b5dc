"""The fault proxy does to a connection what it says, before any other test believes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.faults.proxy import Fault, FaultProxy


class Echo:
    """An upstream that answers each line with itself, and remembers what reached it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self.heard.append(line)
                writer.write(line)
                await writer.drain()
        except ConnectionError:
            pass  # how most of these tests end
        finally:
            writer.transport.abort()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    echo = Echo()
    async with await asyncio.start_server(echo.serve, "127.0.0.1", 0) as server:
        echo.port = server.sockets[0].getsockname()[1]
        yield echo


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[FaultProxy]:
    async with FaultProxy("127.0.0.1", echo.port) as proxy:
        yield proxy


class Client:
    """One connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, proxy: FaultProxy) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    async def ask(self, line: bytes, seconds: float = 5) -> bytes:
        self.writer.write(line)
        return await asyncio.wait_for(self.reader.readline(), seconds)

    def close(self) -> None:
        self.writer.transport.abort()


@pytest.fixture
async def client(proxy: FaultProxy) -> AsyncIterator[Client]:
    client = await Client.connect(proxy)
    yield client
    client.close()


async def test_without_a_fault_it_is_not_there(client: Client, proxy: FaultProxy) -> None:
    assert await client.ask(b"x" * 50_000 + b"\n") == b"x" * 50_000 + b"\n"
    assert proxy.connections == 1


async def test_latency_holds_both_directions(client: Client, proxy: FaultProxy) -> None:
    proxy.fault = Fault(latency_ms=60)
    begun = asyncio.get_running_loop().time()
    assert await client.ask(b"slow\n") == b"slow\n"
    assert asyncio.get_running_loop().time() - begun >= 0.11


async def test_a_blackhole_swallows_until_it_heals(client: Client, proxy: FaultProxy, echo: Echo) -> None:
    proxy.fault = Fault(blackhole=True)
    with pytest.raises(TimeoutError):
        await client.ask(b"anyone?\n", seconds=0.1)
    assert echo.heard == []
    proxy.fault = Fault()
    assert await asyncio.wait_for(client.reader.readline(), 5) == b"anyone?\n"


async def test_refused_connections_are_reset_and_open_ones_live(client: Client, proxy: FaultProxy) -> None:
    assert await client.ask(b"open\n") == b"open\n"
    proxy.fault = Fault(refuse=True)
    with pytest.raises(ConnectionResetError):
        late = await Client.connect(proxy)
        await late.ask(b"let me in\n")
    assert await client.ask(b"still open\n") == b"still open\n"


async def test_a_connection_is_reset_after_so_many_bytes(client: Client, proxy: FaultProxy) -> None:
    proxy.fault = Fault(reset_after_bytes=20)
    assert await client.ask(b"12345678\n") == b"12345678\n"
    with pytest.raises(ConnectionResetError):
        await client.ask(b"12345678\n")


async def test_slices_arrive_complete_and_in_order(client: Client, proxy: FaultProxy) -> None:
    proxy.fault = Fault(slice_bytes=3)
    line = bytes(range(65, 91)) * 40 + b"\n"
    assert await client.ask(line) == line


async def test_a_cut_answer_leaves_the_request_done(client: Client, proxy: FaultProxy, echo: Echo) -> None:
    """The case that money is lost in: the other side acted and nobody heard."""
    proxy.fault = Fault(cut_response=True)
    with pytest.raises(ConnectionResetError):
        await client.ask(b"charge 19.00\n")
    assert echo.heard == [b"charge 19.00\n"]


async def test_kill_all_resets_what_is_open_and_lets_new_ones_in(client: Client, proxy: FaultProxy) -> None:
    assert await client.ask(b"one\n") == b"one\n"
    proxy.kill_all()
    with pytest.raises(ConnectionResetError):
        await client.ask(b"two\n")
    again = await Client.connect(proxy)
    assert await again.ask(b"three\n") == b"three\n"
    again.close()


async def test_an_upstream_that_is_away_resets_the_client(unused_tcp_port: int) -> None:
    async with FaultProxy("127.0.0.1", unused_tcp_port) as proxy:
        client = await Client.connect(proxy)
        with pytest.raises(ConnectionResetError):
            await client.ask(b"hello\n")


async def test_closing_ends_every_connection_even_a_swallowed_one(echo: Echo) -> None:
    async with FaultProxy("127.0.0.1", echo.port) as proxy:
        client = await Client.connect(proxy)
        assert await client.ask(b"x\n") == b"x\n"
        proxy.fault = Fault(blackhole=True)
        client.writer.write(b"lost\n")
        await asyncio.sleep(0.05)
    with pytest.raises(ConnectionResetError):
        await client.ask(b"y\n")
