"""Flags that name the annotations of test videos."""

from absl import app
from absl import flags

from ssdet_keras.recipes.dataset_readers import DETECTION_READERS

DATASET = flags.DEFINE_enum(
    "dataset", "charades", list(DETECTION_READERS), "Format of the annotations."
)
ANNOTATIONS = flags.DEFINE_string(
    "annotations", None, "Annotations of the test videos."
)
VIDEO_ROOT = flags.DEFINE_string(
    "video_root", None, "Folder of the test videos, where they are looked at."
)
SPLIT = flags.DEFINE_string("split", None, "Split of the annotations.")


def read_records(class_names):
    """Returns the `VideoRecords` of --annotations.

    Args:
        class_names: Sequence of strings, path of a list, or `None`.

    Raises:
        app.UsageError: If they can't be read.
    """
    try:
        return DETECTION_READERS[DATASET.value](
            annotations=ANNOTATIONS.value,
            video_root=VIDEO_ROOT.value,
            split=SPLIT.value,
            class_names=class_names,
        )
    except (OSError, ValueError) as error:
        raise app.UsageError(str(error)) from error
