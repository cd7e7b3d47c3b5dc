"""Payment plugins as bad as they come, each a distribution of its own that Python finds on its path."""

from pathlib import Path

from tests.walks.shop import ServedShop

_MODULE = """
import asyncio
import time
from msgspec import Struct
from kassa.ports.hooks import API, PaymentMethodFactory, hookimpl
from kassa.ports.payment import AmountRule, Capabilities, PaymentMethod
{top}

class Config(Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Bad(PaymentMethod[Config]):
    Config = Config
    capabilities = Capabilities(
        amounts=(AmountRule(currency="*"),), idempotency="merchant_ref", query_by_merchant_ref=True
    )

    async def start(self, ctx, request):
        {act}

    async def query(self, ctx, request):
        {act}


@hookimpl
def kassa_payment_methods():
    return [PaymentMethodFactory(id="{name}", api=API, method=Bad, title="{name}")]
"""
ACTS = {
    "breaks": ("raise RuntimeError('no licence')", "return None"),
    "hangs": ("", "await asyncio.sleep(3600)"),
    "lies": ("", "return {'outcome': 'succeeded', 'amount': 1.5}"),
    "spins": ("", "while True: pass"),
    "drags": ("", "end = time.thread_time() + 0.25\n        while time.thread_time() < end: pass\n        return None"),
}


def install(folder: Path, *names: str, distribution: str = "", requires: str = "kassa>=0.1", extras: str = "") -> Path:
    """Put plugins of these names on a path; `distribution` if it is not named like its plugin. The path."""
    for name in names:
        owner = distribution or f"bad-{name}"
        module = owner.replace("-", "_")
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir(parents=True)
        top, act = ACTS[name]
        (folder / f"{module}.py").write_text(_MODULE.format(name=name, top=top, act=act))
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {owner}\nVersion: 1.0\nRequires-Dist: {requires}\n"
        )
        (info / "entry_points.txt").write_text(f"[kassa.payment_methods]\n{name} = {module} {extras}\n")
    return folder


def tables(*names: str, optional: bool) -> str:
    """Their settings."""
    return "".join(
        f'\n[payments.{name}]\nplugin = "{name}"\noptional = {str(optional).lower()}\ndeadline_s = 3\n'
        for name in names
    )


class ShopWithStrangers(ServedShop):
    """A served shop whose Python finds further distributions in its folder `strangers`."""

    @property
    def environment(self) -> dict[str, str]:
        """With the strangers on the path."""
        found = super().environment
        paths = [str(self.directory / "strangers"), *filter(None, [found.get("PYTHONPATH")])]
        return {**found, "PYTHONPATH": ":".join(paths)}
