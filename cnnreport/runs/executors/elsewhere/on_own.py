"""Runs on what the user brings: anything that is an executor of `concurrent.futures`."""

import concurrent.futures

from cnnreport import modules
from cnnreport.errors import UsageError
from cnnreport.runs.executors.elsewhere.executor import Elsewhere
from cnnreport.runs.executors.executor import Asked


class OnOwn(Elsewhere):
    """Computes on what a function of the user returns (``--executor module:NAME``)."""

    @classmethod
    def check(cls, asked: Asked) -> None:
        """Check that there is such a function."""
        if not callable(modules.attribute(asked.executor)):
            remedy = "name a function that returns an executor of concurrent.futures"
            raise UsageError(f"--executor {asked.executor} is no function", remedy)

    def open(self) -> concurrent.futures.Executor:
        """Call the function."""
        pool = modules.attribute(self.orders.asked.executor)()
        if not isinstance(pool, concurrent.futures.Executor):
            problem = f"{self.orders.asked.executor} returned a {type(pool).__name__}"
            raise UsageError(problem, "return an executor of concurrent.futures")
        return pool

    def gone(self) -> str:
        """Say that a pool of processes is broken."""
        broken = getattr(self.pool, "_broken", False)
        return f"the executor that {self.orders.asked.executor} returned is broken" if broken else ""
