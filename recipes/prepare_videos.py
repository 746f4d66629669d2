r"""Makes small copies of videos that training reads clips from fastest.

Videos of the web have key frames seconds apart, and more pixels than training
looks at. The copies have a short side of 256 pixels and a key frame every 16
frames. Their frames are those of the originals, all of them in their order, and
so are their names: the annotations stay as they are, with
--video_root=OUTPUT_DIR.

    python recipes/prepare_videos.py --video_root=charades/Charades_v1_480 \
        --output_dir=charades/small

Only the videos that annotations name:

    python recipes/prepare_videos.py --dataset=kinetics \
        --annotations=kinetics400/train.csv --annotations=kinetics400/val.csv \
        --video_root=kinetics400/videos --output_dir=kinetics400/small

--format=frames writes folders of JPEG files, ID/ID-000001.jpg, in place of mp4
files. These are written by the program ffmpeg (H.264) where it is installed,
and otherwise by OpenCV (MPEG-4, larger).

Stop it at any time: the same command goes on where it was. Videos that can't be
read to their end are left out and listed in OUTPUT_DIR/failures.txt. The exit
status is 0 if all is well, 1 if there are any, and 2 if the flags are wrong.
"""

from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras.data.frame_writers import has_ffmpeg
from ssdet_keras.data.generate.files import open_folder
from ssdet_keras.data.prepare_video import FORMATS
from ssdet_keras.recipes import dataset_flags
from ssdet_keras.recipes import failure_list
from ssdet_keras.recipes import process_flags

# For --help.
flags.adopt_module_key_flags(dataset_flags)
flags.adopt_module_key_flags(process_flags)

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", None, "Folder of the copies.", required=True
)
_SHORT_SIDE = flags.DEFINE_integer(
    "short_side",
    256,
    "Height or width, whichever is smaller, in pixels: even. Smaller videos "
    "are not enlarged.",
    2,
)
_FORMAT = flags.DEFINE_enum("format", "mp4", FORMATS, "What to write.")
_KEY_FRAME_INTERVAL = flags.DEFINE_integer(
    "key_frame_interval", 16, "Frames between key frames, with ffmpeg.", 1
)


def main(argv):
    dataset_flags.check_no_arguments(argv)
    paths = dataset_flags.list_paths()
    settings = {
        "short_side": _SHORT_SIDE.value,
        "format": _FORMAT.value,
        "key_frame_interval": _KEY_FRAME_INTERVAL.value,
    }
    if _FORMAT.value == "mp4":
        logging.info(
            "Writing %s.",
            "H.264 with ffmpeg"
            if has_ffmpeg()
            else "MPEG-4 with OpenCV, for want of ffmpeg with libx264",
        )
    try:
        open_folder(_OUTPUT_DIR.value, settings)
        num_prepared, failures = data.prepare_videos(
            paths,
            flags.FLAGS.video_root,
            _OUTPUT_DIR.value,
            num_processes=flags.FLAGS.num_processes,
            **settings,
        )
        path = failure_list.write_failures(_OUTPUT_DIR.value, failures)
    except (OSError, ValueError) as error:
        raise dataset_flags.usage_error(error) from error
    logging.info(
        "%d videos prepared, %d were there, %d failed.",
        num_prepared,
        len(set(paths)) - num_prepared - len(failures),
        len(failures),
    )
    return failure_list.log_failures(failures, path)


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main, flags_parser=dataset_flags.parse_flags)
