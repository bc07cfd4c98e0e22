"""What stops a benchmark, in one sentence each."""


class BenchError(Exception):
    """The benchmark cannot go on. The text is one sentence for the person who started it."""


class Unavailable(BenchError):
    """A proxy cannot take part. The text says why; the others are measured without it."""
