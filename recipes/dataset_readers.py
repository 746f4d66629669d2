"""The readers of annotations, by the name of their format."""

from ssdet_keras import data

# Of segments in time, which can be detected and measured.
DETECTION_READERS = {
    "charades": data.read_charades,
    "multithumos": data.read_multithumos,
}
READERS = {
    "kinetics": data.read_kinetics,
    **DETECTION_READERS,
    "videos": data.read_videos,
}
