"""Flags and steps that the recipes share which use a trained detector."""

import pathlib

import keras
import numpy as np
from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.recipes.keras_file import load_keras_file

_MODEL = flags.DEFINE_string("model", None, "Trained detector, a .keras file.")
_FRAME_STRIDE = flags.DEFINE_integer(
    "frame_stride", None, "Default: that of the training.", 1
)
_SIZE = flags.DEFINE_integer(
    "size", None, "Height and width. Default: that of the training.", 16
)
_WINDOW = flags.DEFINE_integer(
    "window",
    128,
    "Frames, after the stride, that the model sees at once. Longer videos are "
    "cut into overlapping windows, which are blended.",
    2,
)


class Detector:
    """A trained model of `--model`, with what its description says.

    Attributes:
        class_names: List of strings.
        description: Dict, the contents of the `model.json` beside the model.
    """

    def __init__(self):
        path = pathlib.Path(_MODEL.value or "")
        self._model = load_keras_file(_MODEL.name, _MODEL.value)
        if not isinstance(self._model, models.FrameDetector):
            raise app.UsageError(
                f"--model must be a FrameDetector. Received: {path}, a "
                f"{type(self._model).__name__}"
            )
        self.description = training.read_description(path)
        self.frame_stride = _FRAME_STRIDE.value or self.description.get(
            "frame_stride"
        )
        self.size = _SIZE.value or self.description.get("size")
        if self.frame_stride is None or self.size is None:
            raise app.UsageError(
                f"There is no description {path.with_suffix('.json')}: set "
                "--frame_stride and --size."
            )
        self.class_names = self.description.get(
            "class_names",
            [f"class {i}" for i in range(self._model.num_classes)],
        )

    def score(self, record):
        """Returns float32 scores of every frame, `(num_frames, classes)`.

        Raises:
            VideoReadError: If the video can't be read.
        """
        frames, indices = data.read_whole_video(
            record,
            frame_stride=self.frame_stride,
            size=self.size,
            crop_scale=self.description.get("crop_scale", 0.875),
        )
        logits = models.predict_frames(
            self._model,
            frames,
            window=_WINDOW.value,
            overlap=_WINDOW.value // 8,
        )
        with data.VideoFile(record.path, fps=record.fps) as video:
            num_frames = video.num_frames
        logits = models.upsample_to_frames(logits, indices, num_frames)
        return (1 / (1 + np.exp(-logits))).astype("float32")

    def score_all(self, records):
        """Scores videos and goes on past bad ones.

        Returns:
            Tuple of a dict of video id to scores, and a dict of path to reason
            of the videos that could not be read.
        """
        scores, failures = {}, {}
        progress = keras.utils.Progbar(len(records), unit_name="video")
        for record in records:
            try:
                scores[record.id] = self.score(record)
            except data.VideoReadError as error:
                failures[record.path] = error.reason
                logging.error("Skipped a video: %s", error)
            progress.add(1)
        return scores, failures
