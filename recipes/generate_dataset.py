r"""Generates small data sets of real video files, to try everything else on.

Textured shapes shake, hop, spin, grow, blink and so on: the class is the
motion, never the look, the place or the background, and a single frame tells
nothing. Two data sets are written, in the official formats:

-   `kinetics`: clips of ten seconds with one action each, to pretrain on;
-   `charades`: videos of 20 to 40 seconds with several actions, which overlap,
    return, and leave empty stretches, to fine-tune and evaluate on.

The flag defaults take 50 seconds on two CPU cores, and 80 MB on disk.

    python recipes/generate_dataset.py --output_dir=/tmp/generated

The same seed gives the same videos, with any number of processes. A second
run completes what is missing. Check an installation in seconds:

    python recipes/generate_dataset.py --output_dir=/tmp/small --size=32 \
        --num_kinetics_train=16 --num_kinetics_val=16 --kinetics_duration=4 \
        --num_charades_train=4 --num_charades_test=4 --num_processes=1
"""

import os
import time

from absl import app
from absl import flags
from absl import logging

from ssdet_keras.data.generate import MOTIONS
from ssdet_keras.data.generate import generate_charades
from ssdet_keras.data.generate import generate_kinetics

# Run.
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Directory of the data sets.", required=True
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the videos.", 0)
_NUM_PROCESSES = flags.DEFINE_integer(
    "num_processes", None, "Processes. Default: the CPU cores.", 1, 256
)

# Pictures.
_SIZE = flags.DEFINE_integer(
    "size", 64, "Height and width, in pixels: even.", 16, 1024
)
_FPS = flags.DEFINE_integer("fps", 25, "Frames per second.", 5, 60)
_MOTIONS = flags.DEFINE_list(
    "motions", None, f"Classes. Default: {', '.join(MOTIONS)}."
)
_CHARADES_MOTIONS = flags.DEFINE_list(
    "charades_motions", None, "Classes of charades. Default: --motions."
)
_DISTRACTOR_MOTIONS = flags.DEFINE_list(
    "distractor_motions",
    [],
    "Motions of shapes that are not annotated, in half of the videos of "
    "charades: none of its classes. Default: such shapes only drift.",
)

# Kinetics.
_NUM_KINETICS_TRAIN = flags.DEFINE_integer(
    "num_kinetics_train", 480, "Training clips.", 1
)
_NUM_KINETICS_VAL = flags.DEFINE_integer(
    "num_kinetics_val", 64, "Validation clips.", 0
)
_KINETICS_DURATION = flags.DEFINE_float(
    "kinetics_duration", 10, "Duration of a clip, in seconds.", 1, 600
)

# Charades.
_NUM_CHARADES_TRAIN = flags.DEFINE_integer(
    "num_charades_train", 64, "Training videos.", 1
)
_NUM_CHARADES_TEST = flags.DEFINE_integer(
    "num_charades_test", 48, "Test videos.", 0
)
_MIN_CHARADES_DURATION = flags.DEFINE_float(
    "min_charades_duration", 20, "Shortest duration, in seconds.", 1, 600
)
_MAX_CHARADES_DURATION = flags.DEFINE_float(
    "max_charades_duration", 40, "Longest duration, in seconds.", 1, 600
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    start = time.monotonic()
    common = {
        "size": _SIZE.value,
        "fps": _FPS.value,
        "seed": _SEED.value,
        "num_processes": _NUM_PROCESSES.value or os.cpu_count() or 1,
    }
    try:
        kinetics = generate_kinetics(
            _OUTPUT_DIR.value,
            num_train=_NUM_KINETICS_TRAIN.value,
            num_val=_NUM_KINETICS_VAL.value,
            duration=_KINETICS_DURATION.value,
            motions=_MOTIONS.value,
            **common,
        )
        charades = generate_charades(
            _OUTPUT_DIR.value,
            num_train=_NUM_CHARADES_TRAIN.value,
            num_test=_NUM_CHARADES_TEST.value,
            min_duration=_MIN_CHARADES_DURATION.value,
            max_duration=_MAX_CHARADES_DURATION.value,
            motions=_CHARADES_MOTIONS.value or _MOTIONS.value,
            distractor_motions=_DISTRACTOR_MOTIONS.value,
            **common,
        )
    except (OSError, ValueError) as error:
        raise app.UsageError(str(error)) from error
    logging.info(
        "Wrote %s and %s in %.0f seconds.",
        kinetics,
        charades,
        time.monotonic() - start,
    )


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
