"""The flags and the model of recipes that use a trained detector."""

import pathlib

from absl import app
from absl import flags

from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.recipes.keras_file import load_keras_file

_MODEL = flags.DEFINE_string("model", None, "Trained detector, a .keras file.")
# As recipes call it that take any model.
flags.DEFINE_alias("checkpoint", "model")
_FRAME_STRIDE = flags.DEFINE_integer(
    "frame_stride", None, "Default: that of the training.", 1
)
_FRAME_RATE = flags.DEFINE_float(
    "frame_rate",
    None,
    "Frames per second that the model sees, in place of --frame_stride. Set it "
    "where videos have another frame rate than those of the training.",
    1e-3,
)
_SIZE = flags.DEFINE_integer(
    "size", None, "Height and width. Default: that of the training.", 16
)


class TrainedDetector:
    """A trained model of `--model`, with what its description says.

    Attributes:
        model: `VideoDetector`.
        class_names: List of strings.
        description: Dict, the contents of the `model.json` beside the model.
        frames: Dict, which frames the model sees: `size`, `crop_scale`, and
            one of `frame_stride` and `frame_rate`.
    """

    def __init__(self):
        training.keep_freed_memory()
        path = pathlib.Path(_MODEL.value or "")
        self.model = load_keras_file(_MODEL.name, _MODEL.value)
        if not isinstance(self.model, models.VideoDetector):
            raise app.UsageError(
                f"--model must be a detector. Received: {path}, a "
                f"{type(self.model).__name__}"
            )
        self.description = training.read_description(path)
        self.frames = read_frames(path, self.description)
        self.class_names = self.description.get(
            "class_names",
            [f"class {i}" for i in range(self.model.num_classes)],
        )


def read_frames(path, description):
    """Returns which frames a model sees, by the flags and its description.

    Args:
        path: Path of the model.
        description: Dict, the contents of the `model.json` beside it.

    Returns:
        Dict of `size`, `crop_scale`, and one of `frame_stride` and
        `frame_rate`.

    Raises:
        app.UsageError: If neither tells.
    """
    size = _SIZE.value or description.get("size")
    sampling = _read_sampling(description)
    if sampling is None or size is None:
        raise app.UsageError(
            f"There is no description {path.with_suffix('.json')}: set "
            "--size, and --frame_stride or --frame_rate."
        )
    return {
        "size": size,
        "crop_scale": description.get("crop_scale", 0.875),
        **sampling,
    }


def _read_sampling(description):
    """Returns which frames are read, as an argument, or `None`."""
    flag_values = {
        "frame_stride": _FRAME_STRIDE.value,
        "frame_rate": _FRAME_RATE.value,
    }
    if None not in flag_values.values():
        raise app.UsageError("Set one of --frame_stride and --frame_rate.")
    for values in (flag_values, description):
        for name in flag_values:
            if values.get(name) is not None:
                return {name: values[name]}
    return None
