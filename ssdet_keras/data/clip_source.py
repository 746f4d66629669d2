"""Clips of videos, for training and evaluation."""

from ssdet_keras.data.clip_features import ClipFeatures
from ssdet_keras.data.clip_features import check_features
from ssdet_keras.data.clip_reader import ClipReader
from ssdet_keras.data.frame_sampling import FrameSampling
from ssdet_keras.data.video_cache import VideoCache
from ssdet_keras.data.video_source import VideoSource


class ClipSource(VideoSource):
    """Draws clips of videos.

    A clip is every `frame_stride`-th frame from a start on, or `frame_rate`
    frames of each second. For training, its start, its square crop and its
    flip are random, the same for all of its frames, and the videos are
    shuffled in every epoch. Otherwise it is the centre of the video, in time
    and in space, and the videos keep their order. The last frame of a shorter
    video is repeated; the mask and the labels are zero there.

    It is a sequence, with which `torch.utils.data.DataLoader(source)` and
    `grain.MapDataset.source(source)` work as well. The loaders below take the
    epoch over, and give equal batches.

    Everything that is drawn depends on `(seed, epoch, index)` alone. So the
    clips are the same with any loader, backend and number of workers, and a
    run can be resumed anywhere.

    Attributes:
        failures: Dict of the path of each video that could not be read to the
            reason.
        max_failures: Float. Share of the videos that may be unreadable. When
            it is exceeded, `VideoReadError` is raised. Is `1.0` until it is
            set.
        read_timeout: Float or `None`. Seconds after which a clip that has not
            been read, for a file system that hangs, makes its video one that
            can't be read. Where the video in its place hangs as well, an error
            names the videos that are being read. Is `None`, wait for ever,
            until it is set.

    Args:
        records: `VideoRecords`, or a sequence of `VideoRecord`.
        num_frames: Integer. Frames per clip. Defaults to `16`.
        frame_stride: Integer. Frames of the video from one frame of the clip
            to the next. Defaults to `5`, unless there is a `frame_rate`.
        size: Integer. Height and width of the clips. Defaults to `224`.
        training: Boolean. Defaults to `True`.
        seed: Integer. Defaults to `0`.
        horizontal_flip: Boolean. Whether every other clip, at random, is
            flipped when training. Defaults to `True`.
        crop_scale: Tuple of floats in `(0, 1]`. Range of the side of the crop
            as a share of the short side. Defaults to `(0.7, 0.875)`, which is
            224 pixels of a short side in `[256, 320]`. The larger one is
            that of the centre crop.
        num_classes: Integer or `None`. Defaults to the number of
            `records.class_names`.
        on_error: `"skip"` to put a clip of another video, a random one, in
            the place of one that can't be read, or `"raise"`.
            Defaults to `"skip"`.
        cache_bytes: Integer. Decoded videos are kept in up to this much
            memory, which makes small data sets much faster. Defaults to `0`.
        frame_rate: Float or `None`. Frames of the clip per second, in place
            of `frame_stride`, for videos of different rates: frame `k` is
            frame `start + round(k * fps / frame_rate)` of a video.
        num_clips: Integer. Clips of each video per epoch, one after the
            other when not training: from its first frames to its last ones,
            at equal distances. `10` is the usual testing on Kinetics.
            Defaults to `1`.
        features: `FeatureFolder` or `None`. Features that were extracted of
            the videos at the same `frame_stride`, or `frame_rate`, to train
            one stream of a two-stream detector on those of the other. They
            are of the centre of the frames: the crops and flips of clips
            don't apply to them, as in the published code. A video without
            features is as one that can't be read.
        num_feature_steps: Integer, at least `num_frames`. Steps of features
            with each clip, of which it is in the middle, as far as the ends
            of its video allow. Defaults to `128`.
        modality: `"rgb"`, or `"flow"` for videos that `extract_flow()` made:
            flips turn their horizontal flow round. Defaults to `"rgb"`.
        reader: `"opencv"` or `"pyav"`, as for `VideoFile`: the latter for AV1
            and interlaced video. Defaults to `"opencv"`.

    Returns:
        A sequence of `num_clips` items per video: a dict with `"videos"`,
        uint8, shape `(num_frames, size, size, 3)`, `"labels"`, float32,
        multi-hot, shape `(num_frames, num_classes)`, and `"mask"`, float32,
        shape `(num_frames,)`. With `features`, further with each of their
        arrays, such as `"stage1"`, in the dtype of the file, shape
        `(num_feature_steps, ...)` and zero after the video;
        `"feature_mask"`, float32, shape `(num_feature_steps,)`, `1` at the
        steps of the video; and `"feature_start"`, float32, shape `()`, the
        step, with its fraction, at which the clip begins.

    Raises:
        ValueError: If there are no records, an argument is out of its range,
            no class names tell the number of classes, or the features are
            those of other videos or of another stride.
        VideoReadError: When an item is drawn, if its video can't be read and
            `on_error="raise"`, or if no video at all can be read.

    Example:

    ```python
    source = ssdet_keras.data.ClipSource(records, num_frames=16, size=224)
    for epoch in range(100):
        source.set_epoch(epoch)
        for batch in source.to_torch_loader(batch_size=8, num_workers=4):
            ...
    ```
    """

    def __init__(
        self,
        records,
        num_frames=16,
        frame_stride=None,
        size=224,
        training=True,
        seed=0,
        horizontal_flip=True,
        crop_scale=(0.7, 0.875),
        num_classes=None,
        on_error="skip",
        cache_bytes=0,
        frame_rate=None,
        num_clips=1,
        features=None,
        num_feature_steps=128,
        modality="rgb",
        reader="opencv",
    ):
        super().__init__(
            records, training, seed, num_classes, on_error, num_clips
        )
        sampling = FrameSampling(frame_stride, frame_rate)
        self._features = None
        if features is not None:
            check_features(features, records)
            self._features = ClipFeatures(
                features, num_feature_steps, num_frames, sampling
            )
        self._reader = ClipReader(
            num_frames,
            sampling,
            size,
            self.num_classes,
            horizontal_flip,
            crop_scale,
            self._features,
            modality,
        )
        self.num_frames = num_frames
        self.frame_stride = sampling.frame_stride
        self.frame_rate = frame_rate
        self.size = size
        self.modality = modality
        self.reader = reader
        self._cache = VideoCache(cache_bytes, reader)

    @property
    def item_shapes(self):
        frames, size = self.num_frames, self.size
        return {
            "videos": ((frames, size, size, 3), "uint8"),
            "labels": ((frames, self.num_classes), "float32"),
            "mask": ((frames,), "float32"),
            **(self._features.item_shapes if self._features else {}),
        }

    def _draw(self, video_index, clip, rng):
        record = self.records[video_index]
        video = self._cache.open(record.path, fps=record.fps)
        try:
            if self.training:
                return self._reader.read_random(video, record, rng)
            position = (
                clip / (self.num_clips - 1) if self.num_clips > 1 else 0.5
            )
            return self._reader.read_at(video, record, position)
        finally:
            video.close()
