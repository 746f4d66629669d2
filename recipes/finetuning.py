"""Fine-tuning for detection, shared by the recipes of the data sets."""

from absl import app
from absl import flags
from absl import logging

from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.recipes import training_flags

flags.adopt_module_key_flags(training_flags)  # For --help.

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
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Clips per step.", 1)
_EPOCHS = flags.DEFINE_integer("epochs", 100, "Passes over the videos.", 1)
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 0.02, "Peak rate.", 0)
_BACKBONE_FACTOR = flags.DEFINE_float(
    "backbone_factor", 1, "Factor on the rate of the backbone.", 0, 1
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


def finetune(reader, dataset, split=None):
    """Fine-tunes a detector with a new head on a data set.

    Args:
        reader: Function of `ssdet_keras.data` that reads the annotations.
        dataset: Name of the data set, for the model's description.
        split: Split of the annotations to train on, or `None`.
    """
    try:
        milestones = [int(epoch) for epoch in _MILESTONES.value]
    except ValueError as error:
        raise app.UsageError(f"--milestones must be epochs: {error}") from error
    records = training_flags.read_records(
        reader,
        "Training videos",
        annotations=_ANNOTATIONS.value,
        video_root=_VIDEO_ROOT.value,
        split=split,
        class_names=_CLASS_NAMES.value,
    )
    steps = len(records) // _BATCH_SIZE.value
    if steps == 0:
        raise app.UsageError(
            f"--batch_size={_BATCH_SIZE.value} exceeds the {len(records)} "
            "training videos."
        )
    workdir = training_flags.start_run()
    initial_model = training_flags.load_initial_model()
    if initial_model is None:
        logging.warning("Training from scratch: --initial_model is not set.")
    model = models.FrameDetector(
        training_flags.make_backbone(initial_model),
        len(records.class_names),
        dropout=flags.FLAGS.dropout,
    )
    training.set_prior(model.head, mean_label(records))
    model.compile(
        optimizer=training_flags.make_optimizer(
            _LEARNING_RATE.value,
            _BACKBONE_FACTOR.value,
            _WEIGHT_DECAY.value,
            steps * _EPOCHS.value,
            steps * _WARMUP_EPOCHS.value,
            [steps * epoch for epoch in milestones],
        ),
        loss=training.DetectionLoss(),
    )
    source = training_flags.make_source(records, _FRAME_STRIDE.value)
    training_flags.fit(
        training_flags.resume(model, workdir),
        source,
        workdir,
        batch_size=_BATCH_SIZE.value,
        num_epochs=_EPOCHS.value,
        steps_per_epoch=steps,
        transform=training_flags.to_detection_example,
    )
    workdir.save_description(
        task="detection",
        dataset=dataset,
        **training_flags.describe(records, _FRAME_STRIDE.value),
    )
