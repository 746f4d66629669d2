r"""Checks the videos of a data set before days of training on them.

Finds videos that are missing, corrupt, shorter than a clip, rotated, or there
twice, frame rates and lengths that contradict the annotations, segments outside
their videos, classes without videos, and videos in several splits. For each, it
tells what that means and what to do.

    python recipes/check_dataset.py --dataset=charades --output_dir=report \
        --annotations=charades/Charades_v1_train.csv \
        --annotations=charades/Charades_v1_test.csv \
        --video_root=charades/Charades_v1_480

This reads the header and the first frame of each video. --thorough decodes all
frames, and finds files that break off in the middle. OUTPUT_DIR then holds

    report.txt      what is printed
    report.json     all findings
    skip_list.txt   the videos to leave out of training, for --skip_list
    journal.jsonl   what is known of each file

Stop it at any time: the same command goes on where it was. A second run reads
the journal, and looks at new and changed files alone.

The exit status is 0 if all is well, 1 if there are problems, and 2 if the flags
or the annotations are wrong.
"""

import json
import os
import sys

from absl import app
from absl import flags

from ssdet_keras import data
from ssdet_keras.data.atomic_write import atomic_write
from ssdet_keras.data.finding import FINDING_KINDS
from ssdet_keras.recipes import dataset_flags
from ssdet_keras.recipes import process_flags

# For --help.
flags.adopt_module_key_flags(dataset_flags)
flags.adopt_module_key_flags(process_flags)

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the report.", required=True
)
_THOROUGH = flags.DEFINE_bool("thorough", False, "Decode every frame.")
_NUM_FRAMES = flags.DEFINE_integer("num_frames", 16, "Frames per clip.", 1)
_FRAME_STRIDE = flags.DEFINE_integer(
    "frame_stride",
    None,
    "Video frames from one clip frame to the next. Default: that of the "
    "training recipes, 5 for kinetics and 10 for the others.",
    1,
)
_SKIP = flags.DEFINE_list(
    "skip",
    ["missing", "corrupt"],
    f"Findings that put a video on the skip list: {', '.join(FINDING_KINDS)}.",
)


def write_report(report):
    """Writes the files of the report, each whole or not at all."""
    for name, text in (
        ("report.txt", report.to_text()),
        ("report.json", json.dumps(report.to_json(), indent=1) + "\n"),
    ):
        with atomic_write(os.path.join(_OUTPUT_DIR.value, name)) as file:
            file.write(text.encode("utf-8", "surrogateescape"))
    skipped = report.to_skip(_SKIP.value)
    path = os.path.join(_OUTPUT_DIR.value, "skip_list.txt")
    data.write_skip_list(path, skipped)
    sys.stdout.write(report.to_text())
    if skipped:
        sys.stdout.write(
            f"Leave out what is {' or '.join(_SKIP.value)} "
            f"({len(skipped):,}): train with --skip_list={path}\n"
        )


def main(argv):
    dataset_flags.check_no_arguments(argv)
    unknown = [kind for kind in _SKIP.value if kind not in FINDING_KINDS]
    if unknown:
        raise dataset_flags.usage_error(
            f"--skip must be of {', '.join(FINDING_KINDS)}. "
            f"Received: {', '.join(unknown)}"
        )
    parts = dataset_flags.read_parts()
    if not parts:
        raise dataset_flags.usage_error("--annotations must be set.")
    is_kinetics = flags.FLAGS.dataset == "kinetics"
    try:
        os.makedirs(_OUTPUT_DIR.value, exist_ok=True)
        report = data.check_dataset(
            parts,
            num_frames=_NUM_FRAMES.value,
            frame_stride=_FRAME_STRIDE.value or (5 if is_kinetics else 10),
            thorough=_THOROUGH.value,
            journal=os.path.join(_OUTPUT_DIR.value, "journal.jsonl"),
            num_processes=flags.FLAGS.num_processes,
        )
        write_report(report)
    except OSError as error:
        raise dataset_flags.usage_error(f"--output_dir: {error}") from error
    return 1 if report.problems else 0


if __name__ == "__main__":
    app.run(main, flags_parser=dataset_flags.parse_flags)
