"""Who knows what a room cannot know, because it is above: the rooms above register it at start. Pure."""

from typing import TypeVar

Thing = TypeVar("Thing")


class Registry(list[Thing]):
    """Those that were registered, in the order in which they came."""

    def register(self, thing: Thing) -> None:
        """Add one; the same counts once."""
        if thing not in self:
            self.append(thing)
