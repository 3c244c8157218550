"""What can go wrong for a user. Every message says what is wrong, with which file, and what to do.

The command line prints the message on one line and exits with status 2.
"""


class ImfuseError(Exception):
    """Base of all errors that imfuse raises for a cause outside its own code."""


class UsageError(ImfuseError, ValueError):
    """An argument or a combination of arguments cannot be served (unknown task or model, too few sources)."""


class SourceError(ImfuseError, OSError):
    """A source cannot be read as a picture: missing, empty, truncated, of no known format, or too large."""


class SizeMismatchError(ImfuseError, ValueError):
    """Sources that must cover the same pixels have different sizes."""


class OutputError(ImfuseError, OSError):
    """A result cannot be written: it exists, is a source, or its folder cannot be written to."""


class WeightsError(ImfuseError, ValueError):
    """A weights file or its card is missing, damaged or belongs to another network."""


class DataError(ImfuseError, ValueError):
    """A data set does not have the form that a training or an evaluation needs."""


class MissingExtraError(ImfuseError, ImportError):
    """A feature needs a package of an extra that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs packages that are not installed: pip install 'imfuse[{extra}]'")
