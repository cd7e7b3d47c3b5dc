"""Live notices between processes, over Redis."""

from .link import Away, RedisLink

CHANNEL = "kassa:changed"
"""Where subjects such as `order:KS-7F3Q-9MZD-X` are published."""


class RedisNotifications:
    """Publishes subjects on one channel; what nobody hears is lost."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link

    async def publish(self, subject: str) -> None:
        """Announce, or let it be."""
        try:
            await self._link.ask("PUBLISH", CHANNEL, subject)
        except Away:
            return  # a lost notice is found again in the database
