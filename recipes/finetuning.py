"""Fine-tuning for detection, shared by the recipes of the data sets."""

import functools

from absl import app
from absl import flags

from ssdet_keras import training
from ssdet_keras.recipes import detector_flags
from ssdet_keras.recipes import run_flags
from ssdet_keras.recipes import training_flags

flags.adopt_module_key_flags(detector_flags)  # For --help.

# Data.
_ANNOTATIONS = flags.DEFINE_string(
    "annotations", None, "Annotations of the training videos.", required=True
)
_VIDEO_ROOT = flags.DEFINE_string(
    "video_root", None, "Folder of the videos.", required=True
)
_CLASS_NAMES = flags.DEFINE_string("class_names", None, "List of the classes.")
_FRAME_STRIDE = flags.DEFINE_integer(
    "frame_stride", 10, "Video frames from one clip frame to the next.", 1
)

# Optimisation.
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 16, "Clips per step and device.", 1
)
_EPOCHS = flags.DEFINE_integer("epochs", 100, "Passes over the videos.", 1)
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 0.02, "Peak rate.", 0)
_BACKBONE_FACTOR = flags.DEFINE_float(
    "backbone_factor", 1, "Factor on the rate of the backbone.", 0, 1
)
_FUSION_FACTOR = flags.DEFINE_float(
    "fusion_factor", 10, "Factor on the rate of what fuses two streams.", 0
)
_WARMUP_EPOCHS = flags.DEFINE_integer("warmup_epochs", 0, "Warm-up.", 0)
_MILESTONES = flags.DEFINE_list(
    "milestones", ["80"], "Epochs at which the rate is divided by 10."
)
_WEIGHT_DECAY = flags.DEFINE_float("weight_decay", 1e-5, "Weight decay.", 0)


def mean_label(records):
    """Returns the share of positive labels, over time and classes."""
    active = total = 0.0
    for record in records:
        ends = [end for _, _, end in record.segments]
        duration = record.duration or max(ends, default=0.0)
        active += sum(end - start for _, start, end in record.segments)
        total += duration * len(records.class_names)
    return min(max(active / max(total, 1e-6), 1e-4), 0.5)


def make_source(model, records, features):
    """Returns the `ClipSource` of the flags, with features or `None`."""
    options = {}
    if features is not None:
        options = {
            "features": features,
            "num_feature_steps": max(128, flags.FLAGS.num_frames),
        }
    try:
        return training_flags.make_source(
            model, records, _FRAME_STRIDE.value, **options
        )
    except ValueError as error:
        raise app.UsageError(str(error)) from error


def make_slow_stream(detector):
    """Returns a model that trains the second stream of a compiled detector."""
    model = training.SlowStreamTraining(detector)
    # With the optimizer of the detector, whose checkpoints hold its state.
    model.compile(detector.optimizer, detector.loss, auto_scale_loss=False)
    return model


def to_feature_example(names, batch):
    """Returns the inputs of the second stream, and frame labels."""
    _, labels = training_flags.to_detection_example(batch)
    return {name: batch[name] for name in names}, labels


def finetune(reader, dataset, split=None):
    """Fine-tunes a detector of the flags on a data set.

    Args:
        reader: Function of `ssdet_keras.data` that reads the annotations.
        dataset: Name of the data set, for the model's description.
        split: Split of the annotations to train on, or `None`.
    """
    detector_flags.check_flags()
    try:
        milestones = [int(epoch) for epoch in _MILESTONES.value]
    except ValueError as error:
        raise app.UsageError(f"--milestones must be epochs: {error}") from error
    distribution = training_flags.start_distribution()
    records = training_flags.read_records(
        reader,
        "Training videos",
        annotations=_ANNOTATIONS.value,
        video_root=_VIDEO_ROOT.value,
        split=split,
        class_names=_CLASS_NAMES.value,
    )
    batch_size = _BATCH_SIZE.value * distribution.num_replicas
    steps = len(records) // batch_size
    if steps == 0:
        raise app.UsageError(
            f"--batch_size: a batch of {batch_size} clips exceeds the "
            f"{len(records)} training videos."
        )
    workdir = training_flags.start_run(distribution)
    with distribution.scope():
        model = detector_flags.make_detector(
            len(records.class_names), mean_label(records)
        )
        features = detector_flags.read_features(model, _FRAME_STRIDE.value)
        if features is not None:
            # Before the optimizer looks at what is trained.
            model.fast.trainable = False
        model.compile(
            optimizer=training_flags.make_optimizer(
                _LEARNING_RATE.value,
                _BACKBONE_FACTOR.value,
                _WEIGHT_DECAY.value,
                steps * _EPOCHS.value,
                steps * _WARMUP_EPOCHS.value,
                [steps * epoch for epoch in milestones],
                distribution,
                fusion_factor=_FUSION_FACTOR.value,
            ),
            loss=training.DetectionLoss(),
        )
        model = training_flags.resume(model, workdir)
        if features is not None:
            model = make_slow_stream(model)
    transform = training_flags.to_detection_example
    source = make_source(model, records, features)
    if features is not None:
        transform = functools.partial(to_feature_example, model.input_names)
    training_flags.fit(
        model,
        source,
        workdir,
        distribution,
        batch_size=batch_size,
        num_epochs=_EPOCHS.value,
        steps_per_epoch=steps,
        transform=transform,
    )
    run_flags.save_description(
        workdir,
        task="detection",
        model=flags.FLAGS.model,
        dataset=dataset,
        **training_flags.describe(records, _FRAME_STRIDE.value),
    )
