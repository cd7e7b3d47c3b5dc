"""Live notices within one process."""

from collections.abc import Callable


class MemoryNotifications:
    """Tells the listeners of this process. A listener must return at once; it gets the subject and no more."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[str], None]] = []

    async def publish(self, subject: str) -> None:
        """Tell everyone who listens."""
        for listener in tuple(self._listeners):
            listener(subject)

    def listen(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Be told from now on; call what is returned to be told no more."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
