"""Time and page faults of several functions, side by side."""

import resource
import statistics
import time
from typing import NamedTuple

# Threads of a library spin for some milliseconds after their work, and would
# slow down the next.
_PAUSE = 0.05


class Timing(NamedTuple):
    """Medians and quartiles of the rounds, for one batch.

    Attributes:
        seconds: Median.
        low: First quartile, in seconds.
        high: Third quartile, in seconds.
        page_faults: Median of the minor page faults.
    """

    seconds: float
    low: float
    high: float
    page_faults: float


def interleave(contenders, rounds):
    """Runs every contender once in every round.

    The speed of a shared machine changes within seconds. All contenders see
    the same of it.

    Args:
        contenders: Dict of name to a pair of a function of no arguments, and
            the number of batches that it processes.
        rounds: Positive integer, after two rounds of warm-up.

    Returns:
        Dict of name to `Timing`.
    """
    measured = {name: [] for name in contenders}
    for _ in range(2 + rounds):
        for name, (run, num_batches) in contenders.items():
            time.sleep(_PAUSE)
            faults, start = _page_faults(), time.perf_counter()
            run()
            seconds = time.perf_counter() - start
            measured[name].append(
                (seconds / num_batches, (_page_faults() - faults) / num_batches)
            )
    return {name: _summarize(runs[2:]) for name, runs in measured.items()}


def measure(run, rounds):
    """Returns the median of the seconds of a function."""
    return interleave({"": (run, 1)}, rounds)[""].seconds


def _summarize(runs):
    seconds, faults = zip(*runs, strict=True)
    low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return Timing(median, low, high, statistics.median(faults))


def _page_faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
