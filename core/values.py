"""What a person sent, value by value: taken, or refused with a sentence. Pure."""


class BadValue(ValueError):
    """A value that cannot be taken. `str(error)` is the whole sentence; `suggestion` is a value that would do."""

    def __init__(self, sentence: str, suggestion: str = "") -> None:
        super().__init__(f"{sentence} Did you mean {suggestion}?" if suggestion else sentence)
        self.sentence = sentence
        self.suggestion = suggestion
