r"""Pretrains X3D on Kinetics-400, for detection or for classification.

The detection task is that of [Kahatapitiya et al., 2023](
https://arxiv.org/abs/2111.13675): the class of a video is the label of each of
its frames, and volume augmentations make clips with several activities out of
clips with one. The classification task, with the same number of steps, is the
baseline. The flag defaults are the settings of the paper for detection.
--augmentation_depth=random is the paper's manifold augmentation, of the feature
maps at a random depth of the network.

    KERAS_BACKEND=torch python recipes/pretrain_kinetics.py \
        --annotations=kinetics400/train.csv --video_root=kinetics400/videos \
        --class_names=kinetics400/classes.txt --workdir=runs/joint \
        --task=detection --augmentation=joint_single --mixed_precision=bfloat16

Stop it at any time; the same command with --resume goes on. The model is
WORKDIR/model.keras: give it to finetune_charades.py as --initial_model.
"""

import keras
import numpy as np
from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras import layers
from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.recipes import run_flags
from ssdet_keras.recipes import training_flags

flags.adopt_module_key_flags(training_flags)  # For --help.

# Task.
_TASK = flags.DEFINE_enum(
    "task", "detection", ["detection", "classification"], "What to pretrain on."
)
_AUGMENTATION = flags.DEFINE_enum(
    "augmentation",
    "joint_single",
    ["freeze", "mixup", "cutmix", "joint_single", "joint", "none"],
    "Volume augmentation of the detection task. joint_single applies one of "
    "the three to a clip, joint each with probability 1/2, none leaves frame "
    "pseudo labels alone.",
)
_AUGMENTATION_RATE = flags.DEFINE_float(
    "augmentation_rate", 1, "Share of augmented clips.", 0, 1
)
_CUTMIX_MODE = flags.DEFINE_enum(
    "cutmix_mode",
    "random",
    ["window", "view", "random"],
    "Volume CutMix: Transient Window, Transient View, or either of them, drawn "
    "for each clip.",
)
_FREEZE_SEGMENTS = flags.DEFINE_integer(
    "freeze_segments", 1, "Segments of a clip that Volume Freeze freezes.", 1
)
_AUGMENTATION_DEPTH = flags.DEFINE_enum(
    "augmentation_depth",
    "input",
    ["input", "random", "stem", "stage1", "stage2", "stage3", "stage4"],
    "What is augmented: the pixels (input), the feature maps after a stage of "
    "the backbone, or one of all these, drawn for each step (random).",
)
_LOSS = flags.DEFINE_enum(
    "loss",
    "sigmoid",
    ["sigmoid", "softmax"],
    "Loss of the detection task; softmax is that of the authors' code, and "
    "adds a background class.",
)

# Data.
_ANNOTATIONS = flags.DEFINE_string(
    "annotations",
    None,
    "Kinetics annotations: CSV, JSON or list.",
    required=True,
)
_VIDEO_ROOT = flags.DEFINE_string(
    "video_root", None, "Folder of the videos.", required=True
)
_CLASS_NAMES = flags.DEFINE_string(
    "class_names", None, "List of the classes, one per line."
)
_SPLIT = flags.DEFINE_string("split", None, "Split of the annotations to read.")
_VALIDATION_ANNOTATIONS = flags.DEFINE_string(
    "validation_annotations", None, "Annotations to measure the accuracy on."
)
_FRAME_STRIDE = flags.DEFINE_integer(
    "frame_stride", 5, "Video frames from one clip frame to the next.", 1
)

# Optimisation.
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 64, "Clips per step and device.", 1
)
_STEPS = flags.DEFINE_integer("steps", 100_000, "Steps of the whole run.", 1)
_STEPS_PER_EPOCH = flags.DEFINE_integer(
    "steps_per_epoch", 1000, "Steps of an epoch. The last may be shorter.", 1
)
_LEARNING_RATE = flags.DEFINE_float("learning_rate", 0.05, "Peak rate.", 0)
_BACKBONE_FACTOR = flags.DEFINE_float(
    "backbone_factor", 0.1, "Factor on the rate of the backbone.", 0, 1
)
_WARMUP_STEPS = flags.DEFINE_integer("warmup_steps", 8000, "Warm-up.", 0)
_MILESTONES = flags.DEFINE_list(
    "milestones", ["80000"], "Steps at which the rate is divided by 10."
)
_WEIGHT_DECAY = flags.DEFINE_float("weight_decay", 5e-5, "Weight decay.", 0)


def has_background_class():
    return _TASK.value == "detection" and _LOSS.value == "softmax"


def has_augmentation():
    return _TASK.value == "detection" and _AUGMENTATION.value != "none"


def make_augmentation(seed):
    """Returns the volume augmentation of the flags, or `None`."""
    if not has_augmentation():
        return None
    background = "class" if has_background_class() else "zero"
    # uint8, because batches travel and models normalise.
    common = {"dtype": "uint8"}

    def make_layers(**kwargs):
        return {
            "freeze": layers.VolumeFreeze(
                num_segments=_FREEZE_SEGMENTS.value,
                background=background,
                seed=seed,
                **kwargs,
            ),
            "mixup": layers.VolumeMixUp(seed=seed + 1, **kwargs),
            "cutmix": layers.VolumeCutMix(
                _CUTMIX_MODE.value, seed=seed + 2, **kwargs
            ),
        }

    name, rate = _AUGMENTATION.value, _AUGMENTATION_RATE.value
    if name == "joint_single":
        return layers.JointVolumeAugmentation(
            make_layers(**common).values(), rate=rate, seed=seed + 3, **common
        )
    if name == "joint":
        return layers.JointVolumeAugmentation(
            make_layers(rate=0.5, **common).values(),
            strategy="independent",
            rate=rate,
            seed=seed + 3,
            **common,
        )
    return make_layers(rate=rate, **common)[name]


def check_augmentation_depth(distribution):
    """Raises an error where the model doesn't get the batches of `draw()`.

    A process draws for its share. With JAX, the model gets that of all
    processes, and with TensorFlow that of one device.
    """
    processes = distribution.num_processes
    devices = distribution.num_replicas
    is_other_batch = {
        "jax": processes > 1,
        "tensorflow": devices > processes,
    }.get(keras.config.backend(), False)
    if is_other_batch and _AUGMENTATION_DEPTH.value != "input":
        raise app.UsageError(
            f"--augmentation_depth={_AUGMENTATION_DEPTH.value} must be used in "
            "one process with JAX, and with one device per process with "
            f"TensorFlow. Received: {processes} processes with {devices} "
            "devices. Use --augmentation_depth=input, --distribution=none, or "
            "PyTorch."
        )


def add_background_class(batch):
    """Adds a last class to the labels, of frames without an activity."""
    labels = batch["labels"]
    rest = np.clip(1 - labels.sum(-1, keepdims=True), 0, 1)
    return {**batch, "labels": np.concatenate([labels, rest], axis=-1)}


def make_augment(function, host_device):
    """Returns the callable for `ClipBatches`, NumPy in and out.

    Args:
        function: Function of a batch and a seed: the augmentation, or what
            prepares that of feature maps. `None` for neither.
        host_device: String. The CPU.
    """

    def augment(batch, seed):
        if has_background_class():
            batch = add_background_class(batch)
        if function is None:
            return batch
        # On the CPU, beside the training on a GPU.
        with keras.device(host_device):
            batch = function(batch, seed=seed)
        return keras.tree.map_structure(keras.ops.convert_to_numpy, batch)

    return augment


def make_manifold(model, augmentation, seed):
    """Returns the model to train where feature maps are augmented.

    Args:
        model: Compiled `FrameDetector`.
        augmentation: Volume augmentation.
        seed: Integer. Seed of the depths.
    """
    manifold = training.ManifoldAugmentation(
        model, augmentation, _AUGMENTATION_DEPTH.value, seed=seed
    )
    # With the optimizer of the detector, whose checkpoints hold its state.
    manifold.compile(model.optimizer, model.loss, auto_scale_loss=False)
    return manifold


def to_manifold_example(batch):
    videos, labels = training_flags.to_detection_example(batch)
    transformation = batch["transformation"]
    return {"videos": videos, "transformation": transformation}, labels


def to_classification_example(batch):
    return batch["videos"], batch["labels"].max(axis=1)


def make_model(num_classes):
    """Returns the model of the task, from the initial model if there is one."""
    initial_model = training_flags.load_initial_model()
    backbone = training_flags.make_backbone(initial_model)
    dropout = flags.FLAGS.dropout
    if _TASK.value == "classification":
        model = models.VideoClassifier(backbone, num_classes, dropout=dropout)
    else:
        num_outputs = num_classes + has_background_class()
        model = models.FrameDetector(backbone, num_outputs, dropout=dropout)
    if initial_model is not None:
        _, not_copied = models.transfer_weights(initial_model, model)
        logging.info("New weights: %s", not_copied or "none")
    if _TASK.value == "detection" and _LOSS.value == "sigmoid":
        training.set_prior(model.head, 1 / (num_classes + 1))
    return model


def make_loss():
    if _TASK.value == "detection":
        return training.DetectionLoss(_LOSS.value)
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def measure_accuracy(model, source, num_classes):
    """Returns the share of centre clips whose class has the highest logit."""
    num_correct = 0
    for batch in data.ClipBatches(source, _BATCH_SIZE.value):
        logits = model.predict_on_batch(batch["videos"])
        if logits.ndim == 3:
            logits = logits[..., :num_classes].mean(axis=1)
        classes = batch["labels"].max(axis=1).argmax(axis=-1)
        num_correct += int((logits.argmax(axis=-1) == classes).sum())
    return num_correct / len(source)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    try:
        milestones = [int(step) for step in _MILESTONES.value]
    except ValueError as error:
        raise app.UsageError(f"--milestones must be steps: {error}") from error
    if _AUGMENTATION_DEPTH.value != "input" and not has_augmentation():
        raise app.UsageError(
            f"--augmentation_depth={_AUGMENTATION_DEPTH.value} needs an "
            "augmentation: --task=detection and not --augmentation=none."
        )
    distribution = training_flags.start_distribution()
    check_augmentation_depth(distribution)
    records = training_flags.read_records(
        data.read_kinetics,
        "Training videos",
        annotations=_ANNOTATIONS.value,
        video_root=_VIDEO_ROOT.value,
        split=_SPLIT.value,
        class_names=_CLASS_NAMES.value,
    )
    validation = None
    if _VALIDATION_ANNOTATIONS.value is not None:
        validation = training_flags.read_records(
            data.read_kinetics,
            "Validation videos",
            annotations=_VALIDATION_ANNOTATIONS.value,
            video_root=_VIDEO_ROOT.value,
            class_names=records.class_names,
        )
    batch_size = _BATCH_SIZE.value * distribution.num_replicas
    if len(records) < batch_size:
        raise app.UsageError(
            f"--batch_size: a batch of {batch_size} clips exceeds the "
            f"{len(records)} training videos."
        )
    workdir = training_flags.start_run(distribution)
    num_classes = len(records.class_names)
    augment = make_augmentation(flags.FLAGS.seed)
    with distribution.scope():
        model = make_model(num_classes)
        model.compile(
            optimizer=training_flags.make_optimizer(
                _LEARNING_RATE.value,
                _BACKBONE_FACTOR.value,
                _WEIGHT_DECAY.value,
                _STEPS.value,
                _WARMUP_STEPS.value,
                milestones,
                distribution,
            ),
            loss=make_loss(),
        )
        model = trained = training_flags.resume(model, workdir)
        if _AUGMENTATION_DEPTH.value != "input":
            trained = make_manifold(model, augment, flags.FLAGS.seed)
    transform = to_classification_example
    if _TASK.value == "detection":
        transform = training_flags.to_detection_example
    if trained is not model:
        augment, transform = trained.draw, to_manifold_example
    source = training_flags.make_source(model, records, _FRAME_STRIDE.value)
    steps, steps_per_epoch = _STEPS.value, _STEPS_PER_EPOCH.value
    training_flags.fit(
        trained,
        source,
        workdir,
        distribution,
        batch_size=batch_size,
        num_epochs=-(-steps // steps_per_epoch),
        steps_per_epoch=steps_per_epoch,
        last_steps=steps % steps_per_epoch or None,
        saved_model=model,
        augment=make_augment(augment, distribution.host_device),
        transform=transform,
    )
    accuracy = None
    if validation is not None:
        source = training_flags.make_source(
            model, validation, _FRAME_STRIDE.value, is_training=False
        )
        # The one that was trained may be spread over other processes.
        model = keras.saving.load_model(workdir.model_path)
        accuracy = measure_accuracy(model, source, num_classes)
        logging.info("Clip accuracy: %.1f %%", 100 * accuracy)
    run_flags.save_description(
        workdir,
        task=_TASK.value,
        augmentation=_AUGMENTATION.value,
        augmentation_depth=_AUGMENTATION_DEPTH.value,
        loss=_LOSS.value,
        clip_accuracy=accuracy,
        **training_flags.describe(records, _FRAME_STRIDE.value),
    )


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    app.run(main)
