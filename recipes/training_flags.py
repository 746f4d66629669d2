"""Flags and steps that the recipes share which train on clips."""

import os
import sys

import keras
from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras import layers
from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.recipes import run_flags
from ssdet_keras.recipes.clip_pictures import ClipPictures
from ssdet_keras.recipes.keras_file import load_keras_file

flags.adopt_module_key_flags(run_flags)  # For --help.

# Run.
_MIXED_PRECISION = flags.DEFINE_enum(
    "mixed_precision", "none", ["none", "bfloat16", "float16"], "Compute dtype."
)
_PICTURED_CLIPS = flags.DEFINE_integer(
    "pictured_clips",
    2,
    "Clips that are drawn for the trackers after every epoch, as they are "
    "trained on, and videos with what is detected in them. None are drawn with "
    "--distribution over several devices.",
    0,
    32,
)

# Distribution.
_DISTRIBUTION = flags.DEFINE_enum(
    "distribution",
    "auto",
    ["auto", "none", *training.ENGINES],
    "Engine for several processes or devices, see docs/scaling.md. auto: where "
    "there are several.",
)
_DISTRIBUTION_TIMEOUT = flags.DEFINE_integer(
    "distribution_timeout", 600, "Seconds to wait for other processes.", 1
)
_SCALE_LEARNING_RATE = flags.DEFINE_bool(
    "scale_learning_rate",
    False,
    "Multiply the learning rate by the number of devices, as the batch is.",
)
_SYNCHRONIZE_NORMALIZATION = flags.DEFINE_bool(
    "synchronize_normalization",
    False,
    "Batch normalisation by the statistics of all devices, instead of those of "
    "each. JAX always does so.",
)

# Data.
_NUM_WORKERS = flags.DEFINE_integer(
    "num_workers", os.cpu_count() or 1, "Threads that read videos.", 0, 512
)
_CACHE_GIB = flags.DEFINE_float(
    "cache_gib", 0, "Memory for decoded videos, in GiB.", 0
)
_READER = flags.DEFINE_enum(
    "reader",
    "opencv",
    ["opencv", "pyav"],
    "What decodes videos. PyAV, which must be installed, reads AV1 and "
    "interlaced video, too.",
)
_SKIP_LIST = flags.DEFINE_string(
    "skip_list",
    None,
    "List of videos to leave out, one path per line, as check_dataset.py "
    "writes it.",
)
_READ_TIMEOUT = flags.DEFINE_float(
    "read_timeout",
    300,
    "Seconds after which a clip that has not been read counts as unreadable. "
    "The run stops where the one in its place hangs, too. 0 waits for ever.",
    0,
)
_NUM_FRAMES = flags.DEFINE_integer("num_frames", 16, "Frames per clip.", 1)
_SIZE = flags.DEFINE_integer("size", 224, "Height and width, in pixels.", 16)
_HORIZONTAL_FLIP = flags.DEFINE_bool(
    "horizontal_flip", True, "Flip every other clip, at random."
)
_MIN_CROP = flags.DEFINE_float(
    "min_crop",
    0.7,
    "Smallest crop, as a share of the short side (224 of 320 pixels).",
    0.1,
    1,
)
_MAX_CROP = flags.DEFINE_float(
    "max_crop",
    0.875,
    "Largest crop, as a share of the short side (224 of 256 pixels), which is "
    "also that of evaluation.",
    0.1,
    1,
)

# Model.
_INITIAL_MODEL = flags.DEFINE_string(
    "initial_model", None, "Model (.keras) of another run to start from."
)
_VARIANT = flags.DEFINE_enum(
    "variant", "m", ["xs", "s", "m", "l", "xl"], "X3D without --initial_model."
)
_WIDTH = flags.DEFINE_float("width", 1, "Factor on the channels.", 0.1, 8)
_DEPTH = flags.DEFINE_float("depth", 1, "Factor on the blocks.", 0.1, 8)
_INITIALIZATION = flags.DEFINE_enum(
    "initialization",
    "published",
    ["published", "motion"],
    "Weights without --initial_model. Small models learn motion faster from "
    "scratch with residual branches that are not zero and a stem whose "
    "temporal kernels have zero mean.",
)
_NORMALIZE = flags.DEFINE_enum(
    "normalize",
    "kinetics",
    ["kinetics", "charades", "pytorchvideo"],
    "Statistics of the pixels.",
)
_SUB_BATCH_SIZE = flags.DEFINE_integer(
    "sub_batch_size",
    None,
    "Clips that batch normalisation in an X3D normalises together, of which "
    "--batch_size must be a multiple. X3D was published with 8. Default: the "
    "whole batch, which is quicker.",
    1,
)
_DROPOUT = flags.DEFINE_float("dropout", 0.5, "Rate of dropout.", 0, 0.99)

# Optimisation.
_OPTIMIZER = flags.DEFINE_enum(
    "optimizer", "sgd", ["sgd", "adamw"], "SGD has a momentum of 0.9."
)
_ACCUMULATE_STEPS = flags.DEFINE_integer(
    "accumulate_steps",
    1,
    "Steps whose gradients are averaged for one update of the weights, as in a "
    "batch that is so much larger. Schedules count steps, not updates.",
    1,
)
_CLIP_NORM = flags.DEFINE_float(
    "clip_norm", None, "Largest norm of the gradient of all weights.", 1e-6
)
_EMA = flags.DEFINE_float(
    "ema",
    None,
    "Momentum of the moving average of the weights, which is the model that is "
    "saved at the end, such as 0.999.",
    0,
    1,
)
_SCHEDULE = flags.DEFINE_enum(
    "schedule", "step", ["step", "cosine"], "Step divides by 10 at milestones."
)


def start_distribution():
    """Finds the other processes and devices. Returns a `Distribution`."""
    run_flags.start_backend()
    try:
        distribution = training.make_distribution(
            _DISTRIBUTION.value, _DISTRIBUTION_TIMEOUT.value
        )
    except ValueError as error:
        raise app.UsageError(f"--distribution: {error}") from error
    except training.TrainingStopped as error:
        logging.error("%s", error)
        sys.exit(error.exit_status)
    if not distribution.is_main:
        # What all have to say, the first one says.
        logging.set_verbosity(logging.ERROR)
    elif distribution.num_replicas > 1:
        logging.info(
            "%d processes with %d devices",
            distribution.num_processes,
            distribution.num_replicas,
        )
    return distribution


def start_run(distribution):
    """Makes the workdir, and sets seed and precision. Returns the workdir."""
    if _MIN_CROP.value > _MAX_CROP.value:
        raise app.UsageError("--min_crop must not exceed --max_crop.")
    if _SYNCHRONIZE_NORMALIZATION.value and _SUB_BATCH_SIZE.value:
        raise app.UsageError(
            "--synchronize_normalization and --sub_batch_size exclude each "
            "other."
        )
    size = _SUB_BATCH_SIZE.value
    if size and flags.FLAGS.batch_size % size:
        raise app.UsageError(
            "--batch_size must be a multiple of --sub_batch_size. Received: "
            f"--batch_size={flags.FLAGS.batch_size}, --sub_batch_size={size}"
        )
    check_devices(distribution)
    workdir = run_flags.start_run(distribution.is_main)
    if _MIXED_PRECISION.value != "none":
        keras.config.set_dtype_policy(f"mixed_{_MIXED_PRECISION.value}")
    return workdir


def check_devices(distribution):
    """Raises an error at flags that `tf.distribute` has wrong results with.

    Keras sees the gradients of each device there, not their mean: it clips
    them, and looks for those that are not finite, before they are added up, and
    can't add them up in only some of the steps.
    """
    if keras.config.backend() != "tensorflow" or distribution.num_replicas == 1:
        return
    for flag, is_wrong, instead in (
        (
            _ACCUMULATE_STEPS,
            _ACCUMULATE_STEPS.value > 1,
            "a larger --batch_size",
        ),
        (_CLIP_NORM, _CLIP_NORM.value is not None, "no --clip_norm"),
        (
            _MIXED_PRECISION,
            _MIXED_PRECISION.value == "float16",
            "--mixed_precision=bfloat16",
        ),
    ):
        if is_wrong:
            raise app.UsageError(
                f"--{flag.name}={flag.value} must be used on one device with "
                f"TensorFlow. Received: {distribution.num_replicas} devices. "
                f"Use {instead}, --distribution=none, or PyTorch or JAX."
            )


def read_records(reader, name, **arguments):
    """Calls a reader of `ssdet_keras.data`, and logs what it found."""
    try:
        records = reader(**arguments)
    except (OSError, ValueError) as error:
        raise app.UsageError(str(error)) from error
    logging.info("%s: %s", name, records.report())
    if _SKIP_LIST.value is None:
        return records
    return leave_out_videos(records, name, arguments["video_root"])


def leave_out_videos(records, name, video_root):
    """Returns the records that are not on --skip_list."""
    try:
        paths = data.read_skip_list(_SKIP_LIST.value)
    except (OSError, ValueError) as error:
        raise app.UsageError(f"--skip_list: {error}") from error
    kept, num_unmatched = data.skip_videos(records, paths, video_root)
    logging.info(
        "%s: --skip_list leaves out %d of %d",
        name,
        len(records) - len(kept),
        len(records),
    )
    if num_unmatched:
        logging.warning(
            "%s: %d of the %d paths of --skip_list are none of them",
            name,
            num_unmatched,
            len(paths),
        )
    if not kept:
        raise app.UsageError(
            f"--skip_list={_SKIP_LIST.value} leaves no videos."
        )
    return kept


def make_source(model, records, frame_stride, is_training=True, **features):
    """Returns the `ClipSource` of the flags.

    Args:
        model: Model whose backbone may have a `modality`, that of the videos.
        records: Sequence of `VideoRecord`.
        frame_stride: Integer.
        is_training: Boolean.
        **features: Arguments of `ClipSource` that add features.
    """
    return data.ClipSource(
        records,
        num_frames=_NUM_FRAMES.value,
        frame_stride=frame_stride,
        size=_SIZE.value,
        training=is_training,
        seed=flags.FLAGS.seed,
        horizontal_flip=_HORIZONTAL_FLIP.value,
        crop_scale=(_MIN_CROP.value, _MAX_CROP.value),
        cache_bytes=int(_CACHE_GIB.value * 2**30),
        modality=getattr(getattr(model, "backbone", None), "modality", "rgb"),
        reader=_READER.value,
        **features,
    )


def to_detection_example(batch):
    """Returns the videos of a batch, and frame labels for `DetectionLoss`."""
    labels = training.ignore_padding(batch["labels"], batch["mask"])
    return batch["videos"], labels


def load_initial_model():
    """Returns the model of --initial_model, or `None` without one."""
    if _INITIAL_MODEL.value is None:
        return None
    return load_keras_file(_INITIAL_MODEL.name, _INITIAL_MODEL.value)


def make_backbone(initial_model):
    """Returns an X3D, with the weights of a model where one is given."""
    if initial_model is None:
        initialization = {}
        if _INITIALIZATION.value == "motion":
            initialization = {
                "zero_init_residual": False,
                "stem_temporal_initializer": layers.ZeroMeanInitializer(),
            }
        return models.X3DBackbone(
            _VARIANT.value,
            normalize=_NORMALIZE.value,
            width=_WIDTH.value,
            depth=_DEPTH.value,
            sub_batch_size=_SUB_BATCH_SIZE.value,
            **initialization,
        )
    config = initial_model.backbone.get_config()
    # Anew, so that it computes in the precision of this run.
    config["dtype"] = keras.config.dtype_policy().name
    if isinstance(initial_model.backbone, models.X3DBackbone):
        config["sub_batch_size"] = _SUB_BATCH_SIZE.value
    elif _SUB_BATCH_SIZE.value is not None:
        raise app.UsageError(
            "--sub_batch_size is of X3D. Received: --initial_model with a "
            f"{type(initial_model.backbone).__name__}"
        )
    backbone = type(initial_model.backbone).from_config(config)
    models.transfer_weights(initial_model, backbone)
    return backbone


def make_optimizer(
    learning_rate,
    backbone_factor,
    weight_decay,
    num_steps,
    warmup,
    milestones,
    distribution,
    fusion_factor=1.0,
):
    """Returns the optimizer of the flags.

    Args:
        learning_rate: Float. The peak rate.
        backbone_factor: Float. Factor on the rate of the backbone.
        weight_decay: Float.
        num_steps: Integer. Steps of the whole run.
        warmup: Integer. Steps of linear warm-up.
        milestones: List of integers. Steps at which the rate is divided by 10.
        distribution: `Distribution`.
        fusion_factor: Float. Factor on the rate of what fuses two streams.
    """
    if _SCALE_LEARNING_RATE.value:
        learning_rate *= distribution.num_replicas
        logging.info("Peak learning rate: %g", learning_rate)
    if _SCHEDULE.value == "cosine":
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else learning_rate,
            max(num_steps - warmup, 1),
            warmup_target=learning_rate if warmup else None,
            warmup_steps=warmup,
        )
    else:
        schedule = training.StepSchedule(
            learning_rate, milestones, warmup_steps=warmup
        )
    common = {
        "weight_decay": weight_decay,
        "backbone_factor": backbone_factor,
        "fusion_factor": fusion_factor,
        "global_clipnorm": _CLIP_NORM.value,
    }
    if _ACCUMULATE_STEPS.value > 1:
        common["gradient_accumulation_steps"] = _ACCUMULATE_STEPS.value
    if _EMA.value is not None:
        common.update(use_ema=True, ema_momentum=_EMA.value)
    if _OPTIMIZER.value == "adamw":
        return training.AdamW(schedule, **common)
    return training.SGD(schedule, momentum=0.9, **common)


def resume(model, workdir):
    """Returns the newest checkpoint of the run, or `model` if it has none."""
    if workdir.checkpoint is not None:
        model = keras.saving.load_model(workdir.checkpoint.path)
    if _SYNCHRONIZE_NORMALIZATION.value:
        training.synchronize_normalization(model)
    return model


def fit(model, source, workdir, distribution, transform, **kw):
    """Trains a compiled model from its newest checkpoint on, and saves it.

    It returns in the first process alone; the others have ended then.

    Args:
        model: Compiled Keras model, as `resume()` returns it.
        source: `ClipSource`.
        workdir: `WorkDir`.
        distribution: `Distribution`.
        transform: That of `ClipBatches`.
        **kw: Further arguments of `run_flags.fit()`.
    """
    source.read_timeout = _READ_TIMEOUT.value or None
    draw = None
    if _PICTURED_CLIPS.value and distribution.num_replicas == 1:
        detector = getattr(model, "detector", model)
        pictures = ClipPictures(detector, source, _PICTURED_CLIPS.value)
        transform = pictures.watch(transform)
        draw = pictures.draw
    run_flags.fit(
        model,
        source,
        workdir,
        distribution=distribution,
        draw=draw,
        transform=transform,
        workers=_NUM_WORKERS.value,
        **kw,
    )
    if not distribution.is_main:
        sys.exit(0)


def describe(records, frame_stride):
    """Returns what must be known to use a model that was trained on clips."""
    return {
        "class_names": list(records.class_names),
        "num_frames": _NUM_FRAMES.value,
        "frame_stride": frame_stride,
        "size": _SIZE.value,
        "crop_scale": _MAX_CROP.value,
        "seed": flags.FLAGS.seed,
        "backend": keras.config.backend(),
    }
