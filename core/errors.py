"""What an operation may refuse. Each room derives its own from these; every edge maps the five bases once."""


class DomainError(Exception):
    """An anticipated refusal. `str(error)` is a sentence for the person who asked; `code` is for machines.

    A class that always says the same says it in `sentence`, and is raised without arguments.
    """

    status = 400
    code = 900400
    sentence = ""

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence or self.sentence)


class Invalid(DomainError):
    """What was sent is wrong; `fields` maps a field's name to what is wrong with it and how to put it right."""

    def __init__(self, message: str = "", fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = fields or {}


class NotAllowed(DomainError):
    """The person may see the thing but lacks the right to do this to it."""

    status = 403
    code = 900403


class NotFound(DomainError):
    """There is no such thing, or the person may not know of it."""

    status = 404
    code = 900404


class Conflict(DomainError):
    """The thing has changed, exists already, or is in a state that does not allow this."""

    status = 409
    code = 900409


def cannot_be_kept(error: Exception) -> bool:
    """Whether the database refused to write or look for a text that is none: NUL, half of a surrogate pair."""
    if isinstance(error, UnicodeEncodeError):
        return "surrogates" in error.reason
    return type(error).__name__ == "DataError" and "NUL" in str(error)
