"""Flags and steps that the recipes share which detect in whole videos."""

import keras
from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras.recipes import trained_detector

flags.adopt_module_key_flags(trained_detector)  # For --help.

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


class Detector(trained_detector.TrainedDetector):
    """A trained detector, which is used on whole videos."""

    def __init__(self):
        if _OVERLAP.value is not None and _OVERLAP.value >= _WINDOW.value:
            raise app.UsageError(
                "--overlap must be less than --window. Received: "
                f"--overlap={_OVERLAP.value}, --window={_WINDOW.value}"
            )
        super().__init__()

    def detect(self, video):
        """Returns the `VideoDetections` of a record, path or `VideoFile`.

        Raises:
            VideoReadError: If the video can't be read.
        """
        return self.model.detect(
            video,
            window=_WINDOW.value,
            overlap=_OVERLAP.value,
            class_names=self.class_names,
            **self.frames,
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
