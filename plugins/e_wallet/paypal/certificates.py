"""PayPal's signing certificates, kept ready: judging a notice calls nobody, so what it needs has to be here before.

A notice only *names* its certificate; it is fetched by TLS from PayPal's own address, which the settings know, never from what a
notice says. One that is not here yet is wanted: the next `health` fetches it, and the notice, answered 401, comes again.
"""

from kassa.ports.payment import Context, NotSent, ReplyLost

from .certificate import Certificate, NoCertificate, read

MOST = 8
"""Certificates kept, and names wanted: strangers can make names up, and must not fill the memory or the wire with them."""


class Certificates:
    """Those of one instance. May be lost at any moment: they are fetched again."""

    def __init__(self, home: str, names: tuple[str, ...]) -> None:
        self._home = home
        self._kept: dict[str, Certificate] = {}
        self._wanted: dict[str, None] = dict.fromkeys(names)

    def named(self, name: str) -> Certificate | None:
        """The certificate of this name; None if it is not here (yet)."""
        found = self._kept.get(name)
        if found is None and len(self._wanted) < MOST:
            self._wanted[name] = None
        return found

    async def fetch(self, ctx: Context) -> None:
        """Fetch what is wanted, each once. One that cannot be had is forgotten, until a notice names it again."""
        wanted, self._wanted = self._wanted, {}
        for name in wanted:
            try:
                reply = await ctx.http.request("GET", f"{self._home}/v1/notifications/certs/{name}")
                if reply.status == 200:
                    self._keep(name, read(reply.body))
            except (NotSent, ReplyLost, NoCertificate) as error:
                ctx.log.warning("paypal.certificate", name=name, error=type(error).__name__)

    def _keep(self, name: str, certificate: Certificate) -> None:
        while len(self._kept) >= MOST:
            self._kept.pop(next(iter(self._kept)))
        self._kept[name] = certificate
