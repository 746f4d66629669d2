r"""Time and memory of detection in a video of any length.

    python benchmarks/long_video.py --hours=2
    python benchmarks/long_video.py --hours=0.05 --width=1 --depth=1 --size=224
    python benchmarks/long_video.py --hours=0.4167 --model=coarse_fine

Writes a small video of moving shapes, detects activities in it with a detector
of random weights, by default a small one, and prints the most memory that the
process has had. The second command is X3D-M, the third one a detector of two
streams that sees 7,200 frames, every fifth one of 36,000.
"""

import pathlib
import resource
import tempfile
import time

import keras
import numpy as np
from absl import app
from absl import flags

from ssdet_keras import data
from ssdet_keras import models

_DETECTORS = {
    "slowfast": models.SlowFastDetector,
    "coarse_fine": models.CoarseFineDetector,
}
_MODEL = flags.DEFINE_enum("model", "x3d", ["x3d", *_DETECTORS], "Detector.")
_HOURS = flags.DEFINE_float("hours", 2, "Length of the video.", 0)
_FPS = flags.DEFINE_float("fps", 24, "Frames per second.", 1)
_FRAME_STRIDE = flags.DEFINE_integer("frame_stride", 5, "Of the model.", 1)
_WINDOW = flags.DEFINE_integer("window", 256, "Frames of a window.", 2)
_NUM_CLASSES = flags.DEFINE_integer("num_classes", 157, "Classes.", 1)
_WIDTH = flags.DEFINE_float("width", 0.5, "Factor on the channels of X3D.")
_DEPTH = flags.DEFINE_float("depth", 0.2, "Factor on the blocks of X3D.")
_SIZE = flags.DEFINE_integer("size", 48, "Height and width of the frames.", 16)
_VIDEO_SIZE = (48, 64)


def make_frames(num_frames):
    """Yields pictures of a square that moves."""
    for index in range(num_frames):
        frame = np.full((*_VIDEO_SIZE, 3), 90, "uint8")
        left = index % (_VIDEO_SIZE[1] - 16)
        frame[16:32, left : left + 16] = (index % 256, 40, 200)
        yield frame


def build():
    """Returns the detector of the flags."""
    streams = [
        models.X3DBackbone(width=_WIDTH.value, depth=_DEPTH.value)
        for _ in range(1 if _MODEL.value == "x3d" else 2)
    ]
    detector = _DETECTORS.get(_MODEL.value, models.FrameDetector)
    return detector(*streams, _NUM_CLASSES.value)


def peak_megabytes():
    """Returns the most resident memory of this process until now."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(argv):
    del argv
    num_frames = round(3600 * _HOURS.value * _FPS.value)
    detector = build()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "long.mp4"
        data.write_video(path, make_frames(num_frames), _FPS.value)
        before = peak_megabytes()
        start = time.monotonic()
        detections = detector.detect(
            path,
            window=_WINDOW.value,
            frame_stride=_FRAME_STRIDE.value,
            size=_SIZE.value,
            crop_scale=1.0,
        )
        seconds = time.monotonic() - start
    scores = detections.scores
    print(
        f"{keras.config.backend()}: {len(scores):,} frames, "
        f"{scores.shape[1]} classes, {scores.nbytes / 1e6:.0f} MB of scores: "
        f"{seconds:.0f} s, peak {peak_megabytes():,.0f} MB resident "
        f"({before:,.0f} before)"
    )


if __name__ == "__main__":
    app.run(main)
