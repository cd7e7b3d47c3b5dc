"""What happens when a plugin is imported: watched in a process of its own."""

import asyncio
import importlib
import os
import subprocess
import sys

import msgspec

from kassa.ports.hooks import PaymentMethodFactory

from .outcome import Failed, Skipped
from .subject import Subject

IMPORT_MAX_S = 18
_SCRIPT = """
import importlib, io, json, os, sys, threading
seen = []
WATCHED = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen", "os.system", "os.fork", "os.exec",
           "os.remove", "os.rename", "os.mkdir", "os.putenv", "signal.pthread_kill")
def hear(event, args):
    if event in WATCHED:
        seen.append(event)
    elif event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        if str(args[0]) != os.devnull:
            seen.append(f"wrote {args[0]}")
sys.addaudithook(hear)
out, sys.stdout, sys.stderr = sys.stdout, io.StringIO(), io.StringIO()
before = threading.active_count()
try:
    importlib.import_module(sys.argv[1])
except BaseException as error:
    seen.append(f"raised {type(error).__name__}: {error}")
if threading.active_count() > before:
    seen.append("started a thread")
if sys.stdout.getvalue() or sys.stderr.getvalue():
    seen.append("printed " + repr((sys.stdout.getvalue() + sys.stderr.getvalue())[:100]))
out.write(json.dumps(seen))
out.flush()
os._exit(0)
"""


async def effects(module: str) -> list[str]:
    """What importing `module` does besides defining things. Raises `Failed` when it does not end."""
    return await asyncio.to_thread(_effects, module)


def _effects(module: str) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-B", "-c", _SCRIPT, module]
    try:
        done = subprocess.run(command, capture_output=True, env=environment, timeout=IMPORT_MAX_S, check=False)
    except subprocess.TimeoutExpired:
        raise Failed(expected=f"an import within {IMPORT_MAX_S} s", seen="no end") from None
    try:
        return msgspec.json.decode(done.stdout, type=list[str])
    except msgspec.DecodeError:
        return [f"wrote past sys.stdout, or ended the process: {done.stdout[:100]!r}"]


def hook_module(subject: Subject) -> str:
    """The module where the hook is: `subject.module`, or the nearest package above the method. Raises `Skipped`."""
    if subject.module:
        return subject.module
    name = subject.kind.__module__
    while name:
        if hasattr(importlib.import_module(name), "kassa_payment_methods"):
            return name
        name = name.rpartition(".")[0]
    raise Skipped(f"no kassa_payment_methods above {subject.kind.__module__}: set `module` in the subject")


def offers(module: str) -> tuple[PaymentMethodFactory, ...]:
    """What the hook of a module hands over. Raises `Failed` when it is no hook."""
    hook = getattr(importlib.import_module(module), "kassa_payment_methods", None)
    if hook is None or not hasattr(hook, "kassa_impl"):
        raise Failed(expected=f"{module}.kassa_payment_methods, marked with @hookimpl", seen=repr(hook))
    if asyncio.iscoroutinefunction(hook):
        raise Failed(expected="a synchronous hook", seen="async def")
    found = tuple(hook())
    wrong = [type(one).__name__ for one in found if not isinstance(one, PaymentMethodFactory)]
    if wrong:
        raise Failed(expected="PaymentMethodFactory objects", seen=wrong)
    return found
