"""Who is calling: a bearer token for programs, a cookie for browsers, never both."""

import re
from typing import Final
from urllib.parse import urlsplit

from kassa.ports.errors import NotAuthenticated
from kassa.ports.identity import Identity
from kassa.ports.secret import Secret

from .refusals import OriginRefused, TwoCredentials
from .route import Session
from .settings import HttpSettings
from .visit import HeaderList, every, single

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9_-]{20,128})")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,128}")


class Doorman:
    """Reads credentials off a request and has `Identity` prove them."""

    def __init__(self, identity: Identity, settings: HttpSettings) -> None:
        self._identity = identity
        self._cookie = settings.cookie
        self._secure = settings.cookie_secure
        own = urlsplit(settings.public_url)
        self._origins = {f"{own.scheme}://{own.netloc}", *settings.cors_origins} - {"*"}

    def credentials(self, headers: HeaderList, method: str) -> tuple[Secret, bool] | None:
        """The token and whether it came by cookie; None if there is none. A cookie may write only from an origin of the
        shop's own (OWASP ASVS 5.0, 3.5). Raises `TwoCredentials`, `OriginRefused`, `NotAuthenticated` (not a token)."""
        bearers = every(headers, b"authorization")
        cookies = self._cookies(headers)
        if len(bearers) + len(cookies) > 1:
            raise TwoCredentials("more than one")
        if bearers:
            match = _BEARER.fullmatch(bearers[0])
            if match is None:
                raise NotAuthenticated("not a bearer token")
            return Secret(match[1]), False
        if cookies:
            if method not in SAFE_METHODS:
                self.check_origin(headers, required=True)
            if not _TOKEN.fullmatch(cookies[0]):
                raise NotAuthenticated("not a token")
            return Secret(cookies[0]), True
        return None

    def check_origin(self, headers: HeaderList, *, required: bool) -> None:
        """Raises `OriginRefused` for a foreign origin, and if `required` for none."""
        origin = single(headers, b"origin")
        if origin is None and not required and not every(headers, b"origin"):
            return
        if origin not in self._origins:
            raise OriginRefused("not an origin of the shop")

    async def session(self, headers: HeaderList, method: str) -> Session:
        """The caller's proved session. Raises what `credentials` raises, and `NotAuthenticated`."""
        found = self.credentials(headers, method)
        if found is None:
            raise NotAuthenticated("no credentials")
        token, by_cookie = found
        return Session(await self._identity.authenticate(token), token, by_cookie)

    def set_cookie(self, token: Secret, max_age_s: int) -> tuple[bytes, bytes]:
        """The header that gives the browser its session; scripts cannot read it, other sites cannot send it on writes."""
        text = f"{self._cookie}={token.reveal()}; Max-Age={max_age_s}; {self._attributes}"
        return b"set-cookie", text.encode("ascii")

    def drop_cookie(self) -> tuple[bytes, bytes]:
        """The header that takes the cookie away."""
        return b"set-cookie", f"{self._cookie}=; Max-Age=0; {self._attributes}".encode("ascii")

    @property
    def _attributes(self) -> str:
        return "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if self._secure else "")

    def _cookies(self, headers: HeaderList) -> list[str]:
        prefix = f"{self._cookie}="
        pairs = (pair.strip() for line in every(headers, b"cookie") for pair in line.split(";"))
        return [pair.removeprefix(prefix) for pair in pairs if pair.startswith(prefix)]
