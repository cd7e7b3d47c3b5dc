"""The Login API: accounts, sessions, passwords."""

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from kassa.ports import errors
from kassa.ports.identity import Account, Address, Email, LoginAttempt, OpenedSession, Registration, Session
from kassa.ports.ids import SessionId
from kassa.ports.secret import Secret
from kassa.ports.values import Value

from .refusals import CardNumberRefused, OriginRefused
from .route import Access, Answers, Call, KeyRule, NoQuery, Reply, Route, as_json, nothing
from .visit import single


class RegisterRequest(Value, frozen=True, kw_only=True):
    """Who wants an account. Passwords have 8 to 1,024 bytes and are not among the common ones."""

    email: Email
    password: Secret
    address: Address = ""


class LoginRequest(Value, frozen=True, kw_only=True):
    """Who logs in. With `carrier` `cookie` the session is set as a cookie and the answer holds no token."""

    email: Email
    password: Secret
    carrier: Literal["token", "cookie"] = "token"


class PasswordRequest(Value, frozen=True, kw_only=True):
    """A new password; the current one is asked for again."""

    current: Secret
    new: Secret


class AccountChange(Value, frozen=True, kw_only=True):
    """What to change of one's account."""

    address: Address


class SessionOpened(Value, frozen=True, kw_only=True):
    """A session just opened. `token` is shown this once, and not at all when the session travels as a cookie."""

    token: str | UnsetType = UNSET
    session: Session
    account: Account


class SessionList(Value, frozen=True, kw_only=True):
    """Where the account is logged in, newest first. `current` is the session that asks."""

    items: tuple[Session, ...]
    next: str | None
    current: SessionId


async def register(call: Call[RegisterRequest, NoQuery]) -> Reply:
    """Always 202 and empty: it does not tell whether the address was taken."""
    wish = call.body
    await call.shop.identity.register(
        Registration(email=wish.email, password=wish.password, address=wish.address), call.origin
    )
    return nothing(202)


async def log_in(call: Call[LoginRequest, NoQuery]) -> Reply:
    """A session sent along is replaced, so that none can be fixed beforehand (OWASP ASVS 5.0, 7.2.4)."""
    call.doorman.check_origin(call.headers, required=False)
    found = call.doorman.credentials(call.headers, "POST")
    attempt = LoginAttempt(
        email=call.body.email,
        password=call.body.password,
        label=_label(call),
        replaces_token=found[0] if found else None,
    )
    opened = await call.shop.identity.log_in(attempt, call.origin)
    return _opened(call, opened, by_cookie=call.body.carrier == "cookie")


async def sessions(call: Call[None, NoQuery]) -> Reply:
    """Where one is logged in."""
    found = await call.shop.identity.sessions(call.me)
    return as_json(SessionList(items=found, next=None, current=call.me.session_id))


async def log_out(call: Call[None, NoQuery]) -> Reply:
    """End this session."""
    await call.shop.identity.log_out(call.signed_in.token, call.me, call.origin)
    return _gone(call)


async def log_out_everywhere(call: Call[None, NoQuery]) -> Reply:
    """End all sessions of the account."""
    await call.shop.identity.log_out_everywhere(call.me, call.origin)
    return _gone(call)


async def me(call: Call[None, NoQuery]) -> Reply:
    """One's own account."""
    return as_json(await call.shop.identity.account(call.me.account_id))


async def change_me(call: Call[AccountChange, NoQuery]) -> Reply:
    """Change the default address."""
    return as_json(await call.shop.identity.change_address(call.me, call.body.address, call.origin))


async def change_password(call: Call[PasswordRequest, NoQuery]) -> Reply:
    """All sessions end; one opens in their place, carried as the old one was."""
    opened = await call.shop.identity.change_password(
        call.me, call.body.current, call.body.new, _label(call), call.origin
    )
    return _opened(call, opened, by_cookie=call.signed_in.by_cookie)


def _opened(call: Call[Any, NoQuery], opened: OpenedSession, *, by_cookie: bool) -> Reply:
    answer = SessionOpened(
        token=UNSET if by_cookie else opened.token.reveal(), session=opened.session, account=opened.account
    )
    if not by_cookie:
        return as_json(answer, 201)
    life = opened.session.times.ends_at - call.shop.clock.now()
    return as_json(answer, 201, [call.doorman.set_cookie(opened.token, max(0, int(life.total_seconds())))])


def _gone(call: Call[None, NoQuery]) -> Reply:
    return nothing(204, [call.doorman.drop_cookie()] if call.signed_in.by_cookie else None)


def _label(call: Call[Any, NoQuery]) -> str:
    """The client's own name, without anything that could disturb a page or a log."""
    name = single(call.headers, b"user-agent") or ""
    return "".join(letter for letter in name if " " <= letter <= "~")[:200]


_SECRET_POST: tuple[type[errors.KassaError], ...] = (errors.TooManyAttempts, errors.Busy)
_OPENED = Answers(status=201, says="The session, and its token unless it travels as a cookie.", type_=SessionOpened)
ROUTES = (
    Route(
        method="POST",
        path="/v1/accounts",
        name="register",
        tag="Login",
        summary="Register",
        handler=register,
        body=RegisterRequest,
        example={"email": "ada@example.com", "password": "correct horse battery", "address": "1 Analytical Row"},
        free_text=("address",),
        key=KeyRule.REFUSED,
        answers=(
            Answers(status=202, says="Accepted, whether or not the address was taken: its owner is told by mail."),
        ),
        errors=(errors.InvalidValue, errors.PasswordRefused, *_SECRET_POST),
    ),
    Route(
        method="POST",
        path="/v1/sessions",
        name="logIn",
        tag="Login",
        summary="Log in",
        handler=log_in,
        body=LoginRequest,
        example={"email": "ada@example.com", "password": "correct horse battery"},
        key=KeyRule.REFUSED,
        explain="Wrong password, unknown account and inactive account are one answer in one time.",
        answers=(_OPENED,),
        errors=(errors.LoginRefused, OriginRefused, *_SECRET_POST),
    ),
    Route(
        method="GET",
        path="/v1/sessions",
        name="listSessions",
        tag="Login",
        summary="Where one is logged in",
        handler=sessions,
        access=Access.CUSTOMER,
        answers=(Answers(status=200, says="The live sessions.", type_=SessionList),),
    ),
    Route(
        method="DELETE",
        path="/v1/sessions/current",
        name="logOut",
        tag="Login",
        summary="Log out here",
        handler=log_out,
        access=Access.CUSTOMER,
        answers=(Answers(status=204, says="This session has ended."),),
    ),
    Route(
        method="DELETE",
        path="/v1/sessions",
        name="logOutEverywhere",
        tag="Login",
        summary="Log out everywhere",
        handler=log_out_everywhere,
        access=Access.CUSTOMER,
        answers=(Answers(status=204, says="All sessions have ended, this one too."),),
    ),
    Route(
        method="GET",
        path="/v1/accounts/me",
        name="getMe",
        tag="Login",
        summary="One's own account",
        handler=me,
        access=Access.CUSTOMER,
        answers=(Answers(status=200, says="The account.", type_=Account),),
    ),
    Route(
        method="PATCH",
        path="/v1/accounts/me",
        name="changeMe",
        tag="Login",
        summary="Change one's address",
        handler=change_me,
        access=Access.CUSTOMER,
        body=AccountChange,
        example={"address": "2 Difference Lane"},
        free_text=("address",),
        answers=(Answers(status=200, says="The account as it is now.", type_=Account),),
        errors=(errors.InvalidValue, CardNumberRefused),
    ),
    Route(
        method="POST",
        path="/v1/accounts/me/password",
        name="changePassword",
        tag="Login",
        summary="Change one's password",
        handler=change_password,
        access=Access.CUSTOMER,
        body=PasswordRequest,
        example={"current": "correct horse battery", "new": "staple the horse correctly"},
        key=KeyRule.REFUSED,
        explain="Every session of the account ends, and one opens in their place.",
        answers=(_OPENED,),
        errors=(errors.LoginRefused, errors.PasswordRefused, *_SECRET_POST),
    ),
)
