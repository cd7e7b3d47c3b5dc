"""What identity writes to account owners."""

from kassa.ports.mail import Mail


def address_taken(mail_id: str, to: str, shop: str) -> Mail:
    """Somebody registered with the address of an existing account."""
    return Mail(
        id=mail_id,
        to=to,
        subject=f"You have an account at {shop} already",
        text=(
            f"Somebody, perhaps you, tried to register at {shop} with this e-mail address.\n"
            "It has an account already: log in with the password you chose then.\n"
            "If it was not you, there is nothing to do; nothing was changed.\n"
        ),
    )


def password_changed(mail_id: str, to: str, shop: str) -> Mail:
    """The password of an account was changed."""
    return Mail(
        id=mail_id,
        to=to,
        subject=f"Your password at {shop} was changed",
        text=(
            f"The password of your account at {shop} was changed, and all other sessions were ended.\n"
            "If it was not you, tell the shop at once.\n"
        ),
    )
