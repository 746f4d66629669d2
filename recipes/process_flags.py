"""The flag of recipes that share their work among processes."""

import os

from absl import flags

_NUM_PROCESSES = flags.DEFINE_integer(
    "num_processes",
    os.cpu_count() or 1,
    "Processes. With 0, the recipe itself works, and a video that crashes the "
    "decoder ends it.",
    0,
    1024,
)
