"""Flags and steps that the recipes share which use a trained detector."""

import pathlib

import keras
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
_FRAME_RATE = flags.DEFINE_float(
    "frame_rate", None, "Frames per second, in place of --frame_stride.", 1e-3
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
_OVERLAP = flags.DEFINE_integer(
    "overlap",
    None,
    "Frames that two windows share. Default: a quarter of --window.",
    0,
)


class Detector:
    """A trained model of `--model`, with what its description says.

    Attributes:
        class_names: List of strings.
        description: Dict, the contents of the `model.json` beside the model.
    """

    def __init__(self):
        if _OVERLAP.value is not None and _OVERLAP.value >= _WINDOW.value:
            raise app.UsageError(
                "--overlap must be less than --window. Received: "
                f"--overlap={_OVERLAP.value}, --window={_WINDOW.value}"
            )
        path = pathlib.Path(_MODEL.value or "")
        self._model = load_keras_file(_MODEL.name, _MODEL.value)
        if not isinstance(self._model, models.FrameDetector):
            raise app.UsageError(
                f"--model must be a FrameDetector. Received: {path}, a "
                f"{type(self._model).__name__}"
            )
        self.description = training.read_description(path)
        self._sampling = self._read_sampling()
        self._size = _SIZE.value or self.description.get("size")
        if self._sampling is None or self._size is None:
            raise app.UsageError(
                f"There is no description {path.with_suffix('.json')}: set "
                "--frame_stride and --size."
            )
        self.class_names = self.description.get(
            "class_names",
            [f"class {i}" for i in range(self._model.num_classes)],
        )

    def detect(self, video):
        """Returns the `VideoDetections` of a record, path or `VideoFile`.

        Raises:
            VideoReadError: If the video can't be read.
        """
        return self._model.detect(
            video,
            window=_WINDOW.value,
            overlap=_OVERLAP.value,
            size=self._size,
            crop_scale=self.description.get("crop_scale", 0.875),
            class_names=self.class_names,
            **self._sampling,
        )

    def detect_all(self, records):
        """Detects in videos and goes on past bad ones.

        Returns:
            Tuple of a dict of video id to its `VideoDetections`, and a dict of
            path to reason of the videos that could not be read.
        """
        detections, failures = {}, {}
        progress = keras.utils.Progbar(len(records), unit_name="video")
        for record in records:
            try:
                detections[record.id] = self.detect(record)
            except data.VideoReadError as error:
                failures[record.path] = error.reason
                logging.error("Skipped a video: %s", error)
            progress.add(1)
        return detections, failures

    def _read_sampling(self):
        """Returns which frames are read, as an argument, or `None`."""
        flag_values = {
            "frame_stride": _FRAME_STRIDE.value,
            "frame_rate": _FRAME_RATE.value,
        }
        if None not in flag_values.values():
            raise app.UsageError("Set one of --frame_stride and --frame_rate.")
        for values in (flag_values, self.description):
            for name in flag_values:
                if values.get(name) is not None:
                    return {name: values[name]}
        return None
