"""The flag of recipes that share videos among processes of machines."""

import os

from absl import app
from absl import flags

from ssdet_keras.data.atomic_write import atomic_write

_SHARD = flags.DEFINE_string(
    "shard",
    "1/1",
    "K/N: of N processes that share the videos, this is the K-th, from 1 on.",
)


def read_shard():
    """Returns the two numbers of --shard."""
    try:
        number, count = map(int, _SHARD.value.split("/"))
    except ValueError:
        number, count = 0, 0
    if not 1 <= number <= count:
        raise app.UsageError(
            "--shard must be K/N with K from 1 to N, such as 1/4. "
            f"Received: --shard={_SHARD.value}"
        )
    return number, count


def write_failures(folder, failures):
    """Writes the list of the videos of this shard that failed.

    Args:
        folder: String. Where to.
        failures: Dict of path to reason.

    Returns:
        Path of the list.
    """
    number, count = read_shard()
    name = "failures.txt" if count == 1 else f"failures_{number}_of_{count}.txt"
    path = os.path.join(folder, name)
    lines = [f"{p}\t{r}\n" for p, r in sorted(failures.items())]
    with atomic_write(path) as file:
        file.write("".join(lines).encode("utf-8", "surrogateescape"))
    return path
