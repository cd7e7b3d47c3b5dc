"""A bearer token for an API that wants OAuth 2.0 client credentials (RFC 6749 §4.4): kept in memory, renewed before its end.

Fetching one moves nobody's money: a command whose token could not be had was never sent, and that is proof enough for
`NotExecuted`. A token that the provider refuses is thrown away, and the next attempt fetches another.
"""

from base64 import b64encode
from typing import Annotated
from urllib.parse import urlencode

from msgspec import Meta, Struct

from kassa.ports.payment import Context, NotSent, ReplyLost
from kassa.ports.provider_json import ProviderUnclear, decoded
from kassa.ports.secret import Secret

RENEW_S = 60
"""So long before its end a token is not used any more."""
_UNRESERVED = r"^[\x21-\x7e]{1,4000}\Z"


class Unauthenticated(Exception):
    """There is no token, so nothing was asked of the provider. Holds no secret."""


class Granted(Struct, frozen=True):
    """The token endpoint's answer."""

    access_token: Annotated[str, Meta(pattern=_UNRESERVED)]
    expires_in: Annotated[int, Meta(ge=1, le=10**9)]


class Token:
    """One account's token. May be lost at any moment: it is fetched again."""

    def __init__(self, url: str, client_id: str, secret: Secret, *, in_header: bool) -> None:
        self._url, self._client_id, self._secret, self._in_header = url, client_id, secret, in_header
        self._token: Secret | None = None
        self._ends_at = 0.0

    async def header(self, ctx: Context) -> tuple[str, str]:
        """The `Authorization` header. Raises `Unauthenticated`."""
        if self._token is None or ctx.clock.now().timestamp() >= self._ends_at:
            await self.renew(ctx)
        if self._token is None:
            raise Unauthenticated("no token")
        return "authorization", f"Bearer {self._token.reveal()}"

    def refused(self) -> None:
        """The provider does not take it (any more)."""
        self._token = None

    async def renew(self, ctx: Context) -> None:
        """Fetch one. Raises `Unauthenticated`."""
        asked_at = ctx.clock.now().timestamp()
        form = {"grant_type": "client_credentials"}
        headers = [("accept", "application/json"), ("content-type", "application/x-www-form-urlencoded")]
        if self._in_header:
            pair = f"{self._client_id}:{self._secret.reveal()}".encode()
            headers.append(("authorization", f"Basic {b64encode(pair).decode()}"))
        else:
            form |= {"client_id": self._client_id, "client_secret": self._secret.reveal()}
        try:
            reply = await ctx.http.request("POST", self._url, headers=headers, body=urlencode(form).encode())
            if reply.status != 200:
                raise Unauthenticated(f"the token endpoint answers {reply.status}")
            granted = decoded(reply.body, Granted)
        except (NotSent, ReplyLost, ProviderUnclear) as error:
            raise Unauthenticated(f"no token: {error.code}") from None
        self._token = Secret(granted.access_token)
        self._ends_at = asked_at + granted.expires_in - RENEW_S
