r"""Extracts the optical flow of videos, for the second stream of RGB and flow.

    python recipes/extract_flow.py --video_root=charades/Charades_v1_480 \
        --output_dir=charades/flow

Each video of flow has the name, the frames and the frame rate of its video: the
annotations stay as they are, with --video_root=OUTPUT_DIR. docs/flow.md tells
what is in them, and what to do with them.

Only the videos that annotations name:

    python recipes/extract_flow.py --dataset=charades \
        --annotations=charades/Charades_v1_train.csv \
        --annotations=charades/Charades_v1_test.csv \
        --video_root=charades/Charades_v1_480 --output_dir=charades/flow

All cores of the machine work, see --num_processes. Several machines share the
videos by --shard=1/4, --shard=2/4 and so on.

Stop it at any time: the same command goes on where it was. Videos that can't be
read to their end are left out and listed in OUTPUT_DIR/failures.txt. The exit
status is 0 if all is well, 1 if there are any, and 2 if the flags are wrong.
"""

from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras.data.extract_flow import check_short_side
from ssdet_keras.data.generate.files import open_folder
from ssdet_keras.recipes import dataset_flags
from ssdet_keras.recipes import failure_list
from ssdet_keras.recipes import process_flags
from ssdet_keras.recipes import shard_flags

# For --help.
flags.adopt_module_key_flags(dataset_flags)
flags.adopt_module_key_flags(process_flags)
flags.adopt_module_key_flags(shard_flags)

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the videos of flow.", required=True
)
_SHORT_SIDE = flags.DEFINE_integer(
    "short_side",
    256,
    "Height or width of the flow, whichever is smaller, in pixels: even. "
    "Smaller videos are not enlarged.",
)


def extract(paths, shard):
    """Writes what is missing. Returns the exit status."""
    check_short_side(_SHORT_SIDE.value)
    settings = {"flow": "DIS", "short_side": _SHORT_SIDE.value}
    open_folder(_OUTPUT_DIR.value, settings)
    num_extracted, failures = data.extract_flows(
        paths,
        flags.FLAGS.video_root,
        _OUTPUT_DIR.value,
        _SHORT_SIDE.value,
        shard,
        flags.FLAGS.num_processes,
    )
    path = failure_list.write_failures(_OUTPUT_DIR.value, failures, shard)
    logging.info(
        "%d videos extracted, %d failed.", num_extracted, len(failures)
    )
    return failure_list.log_failures(failures, path)


def main(argv):
    dataset_flags.check_no_arguments(argv)
    try:
        return extract(dataset_flags.list_paths(), shard_flags.read_shard())
    except (OSError, ValueError, app.UsageError) as error:
        raise dataset_flags.usage_error(error) from error


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main, flags_parser=dataset_flags.parse_flags)
