"""The flag of recipes that share videos among processes of machines."""

from absl import app
from absl import flags

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
