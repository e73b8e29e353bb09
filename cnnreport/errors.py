"""The errors a user can meet; each carries the exit code of the command line."""


class CnnReportError(Exception):
    """A failure that one sentence can explain.

    Args:
        problem: What went wrong and where, without a full stop.
        remedy: What to do about it, an imperative without a full stop.
    """

    exit_code = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}; {self.remedy}." if self.remedy else f"{self.problem}."


class UsageError(CnnReportError):
    """The user asked for something that does not exist or does not fit."""

    exit_code = 2


class VerificationError(CnnReportError):
    """Something that should agree does not: a proof, a hash, a log that must be empty."""

    exit_code = 3


class EnvironmentFailure(CnnReportError):  # noqa: N818 - EnvironmentError is Python's own
    """The machine lacks something: a library, a device, space, a permission."""

    exit_code = 4


class DataError(CnnReportError):
    """A data set is missing, damaged or not what it claims to be."""

    exit_code = 5
