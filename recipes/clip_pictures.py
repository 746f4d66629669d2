"""Pictures of what a model is trained on, and of what it detects."""

import io

import keras
import numpy as np

from ssdet_keras import data
from ssdet_keras import visualization

_MAX_CLASSES = 4


class ClipPictures:
    """Draws clips as a model is trained on them, and its scores over time.

        clips          the first clips of the newest batch, with their labels
        timeline_0     the centre of the first video, with its scores
        timeline_1     that of the second one

    The timelines are those of the same clips in all epochs, of models that
    score every frame of a video.

    Args:
        model: Keras model of videos.
        source: `ClipSource` that the model is trained on.
        num_clips: Integer. Clips, and videos, that are drawn.
    """

    def __init__(self, model, source, num_clips):
        self._model = model
        self._source = source
        self._num_clips = num_clips
        self._newest = None
        self._timeline_clips = None

    def watch(self, transform):
        """Returns a `transform` of `ClipBatches` that keeps the newest clips.

        Args:
            transform: That of the training.
        """

        def transform_and_keep(batch):
            # Copies, so that the batch can go.
            self._newest = {
                key: batch[key][: self._num_clips].copy()
                for key in ("videos", "labels")
            }
            return transform(batch)

        return transform_and_keep

    def draw(self):
        """Returns a dict of names to the bytes of PNG files."""
        pictures = {}
        if self._newest is not None:
            rows = [
                (f"Clip {i + 1}", clip, self._name_curves(labels))
                for i, (clip, labels) in enumerate(
                    zip(*self._newest.values(), strict=True)
                )
            ]
            pictures["clips"] = _draw(visualization.draw_augmentations, rows)
        for index, (fps, clip) in enumerate(self._read_timeline_clips()):
            logits = self._model.predict_on_batch(clip["videos"][None])[0]
            if logits.ndim == 2:
                name = f"timeline_{index}"
                pictures[name] = self._draw_timeline(clip, fps, logits)
        return pictures

    def _name_curves(self, labels):
        """Returns a dict of the names of the classes of a clip to labels."""
        names = [*self._source.records.class_names, "background"]
        chosen = np.argsort(-labels.max(axis=0), kind="stable")[:_MAX_CLASSES]
        return {names[i]: labels[:, i] for i in chosen if labels[:, i].any()}

    def _read_timeline_clips(self):
        if self._timeline_clips is None:
            source, self._timeline_clips = self._source, []
            still = data.ClipSource(
                source.records,
                num_frames=source.num_frames,
                frame_stride=source.frame_stride,
                size=source.size,
                training=False,
                frame_rate=source.frame_rate,
                reader=source.reader,
                on_error="raise",
            )
            still.read_timeout = source.read_timeout
            for index in range(min(self._num_clips, len(still))):
                record = still.records[index]
                try:
                    clip = still[index]
                    with data.VideoFile(record.path, fps=record.fps) as video:
                        fps = video.fps
                except data.VideoReadError:
                    continue
                self._timeline_clips.append((fps, clip))
        return self._timeline_clips

    def _draw_timeline(self, clip, fps, logits):
        logits = keras.ops.cast(logits, "float32")
        num_classes = self._source.num_classes
        # A further class is the background, whose loss is that of a softmax.
        activate = (
            keras.ops.softmax
            if logits.shape[-1] > num_classes
            else keras.ops.sigmoid
        )
        scores = keras.ops.convert_to_numpy(activate(logits))[:, :num_classes]
        num_frames = len(scores)
        step = 1 / (self._source.frame_rate or fps / self._source.frame_stride)
        shown = np.linspace(0, num_frames - 1, min(num_frames, 8)).astype(int)
        return _draw(
            visualization.draw_timeline,
            clip["videos"][shown],
            shown * step,
            scores,
            clip["labels"],
            num_frames * step,
            self._source.records.class_names,
        )


def _draw(function, *arguments):
    file = io.BytesIO()
    function(file, *arguments)
    return file.getvalue()
