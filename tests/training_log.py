"""The log of a training run, for comparisons."""

import csv

_MEASURED = ("clips_per_second", "wait_share", "memory_gib", "gpu_memory_gib")


def read_log(workdir):
    """Returns a dict of each row, without what differs from run to run."""
    with open(workdir / "log.csv", encoding="utf-8", newline="") as file:
        return [
            {key: row[key] for key in row if key not in _MEASURED}
            for row in csv.DictReader(file)
        ]
