"""argon2id in threads of its own, as many as there are cores, before them a queue that can be full."""

import asyncio
import base64
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from kassa.ports.errors import Busy, SettingRefused
from kassa.ports.secret import Secret

T = TypeVar("T")

OWASP_PROFILES = ((47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5))
"""(memory in KiB, passes) of equal strength: OWASP Password Storage Cheat Sheet, argon2id."""
_SALT_BYTES = 16
_HASH_BYTES = 32


class Argon2Passwords:
    """Hashes and verifies passwords without holding up the event loop; argon2 lets go of the GIL.

    `memory_kib`, `passes` and `lanes` are argon2id's m, t and p; weaker than every OWASP profile raises `SettingRefused`.
    `threads` computations run at once (None: one per core), `queue` more may wait; the next one raises `Busy`.
    """

    def __init__(
        self,
        *,
        memory_kib: int = 19_456,
        passes: int = 2,
        lanes: int = 1,
        threads: int | None = None,
        queue: int = 64,
    ) -> None:
        if lanes < 1 or not any(memory_kib >= memory and passes >= least for memory, least in OWASP_PROFILES):
            raise SettingRefused(
                f"argon2id with {memory_kib} KiB and {passes} passes is too weak; OWASP's least is 19456 KiB and 2 passes"
            )
        self._hasher = PasswordHasher(
            time_cost=passes,
            memory_cost=memory_kib,
            parallelism=lanes,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
            type=Type.ID,
        )
        self._nobody = _hash_of_nobody(memory_kib, passes, lanes)
        workers = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="argon2")
        self._places = BoundedSemaphore(workers + queue)

    async def hash(self, password: Secret) -> str:
        """A PHC string with a fresh salt."""
        return await self._run(lambda: self._hasher.hash(_bytes(password)))

    async def verify(self, password_hash: str, password: Secret) -> bool:
        """Compare in argon2's own constant time."""
        return await self._run(lambda: self._verify(password_hash, password))

    async def verify_nobody(self, password: Secret) -> None:
        """Spend what `verify` spends, on a hash of the same parameters that no password has."""
        await self._run(lambda: self._verify(self._nobody, password))

    def outdated(self, password_hash: str) -> bool:
        """Whether the parameters differ from today's; a string that is no hash is outdated too."""
        try:
            return self._hasher.check_needs_rehash(password_hash)
        except InvalidHashError:
            return True

    async def close(self) -> None:
        """Let go of the threads; what waits is canceled."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _verify(self, password_hash: str, password: Secret) -> bool:
        try:
            return self._hasher.verify(password_hash, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._places.acquire(blocking=False):
            raise Busy("password hashing")
        future = self._pool.submit(work)
        # A caller that gives up does not stop the thread: the place is free when the work is over, not before.
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)


def _bytes(password: Secret) -> bytes:
    return password.reveal().encode("utf-8", "surrogatepass")


def _hash_of_nobody(memory_kib: int, passes: int, lanes: int) -> str:
    salt, digest = (base64.b64encode(bytes(size)).rstrip(b"=").decode() for size in (_SALT_BYTES, _HASH_BYTES))
    return f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${digest}"
