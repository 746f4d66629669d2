"""The detector that a recipe fine-tunes, of one stream or of two."""

from absl import app
from absl import flags
from absl import logging

from ssdet_keras import data
from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.recipes import training_flags
from ssdet_keras.recipes.keras_file import compute_sha256
from ssdet_keras.recipes.keras_file import load_keras_file

flags.adopt_module_key_flags(training_flags)  # For --help.

_MODEL = flags.DEFINE_enum(
    "model",
    "x3d",
    ["x3d", "slowfast", "coarse_fine"],
    "Detector: one X3D, or two as in SlowFast or Coarse-Fine.",
)
_SLOW_CHECKPOINT = flags.DEFINE_string(
    "slow_checkpoint",
    None,
    "Where the backbone of the Slow (Coarse) stream starts: a model (.keras), "
    "or a public checkpoint of --variant. Default: --initial_model.",
)
_FAST_CHECKPOINT = flags.DEFINE_string(
    "fast_checkpoint",
    None,
    "The same of the Fast (Fine) stream, whose head is taken, too, where it "
    "has as many classes.",
)
_FEATURES = flags.DEFINE_string(
    "features",
    None,
    "Folder of features that extract_features.py --outputs=pyramid made of the "
    "training videos with --fast_checkpoint. The Slow (Coarse) stream alone is "
    "trained on them; Fast (Fine) stays as it is.",
)
_POOLING = flags.DEFINE_enum(
    "pooling",
    "grid",
    ["grid", "stride", "max", "average"],
    "What makes the frames of the Coarse stream fewer.",
)


def check_flags():
    """Raises an error if flags of two streams are set for one."""
    if _MODEL.value != "x3d":
        return
    for flag in (_SLOW_CHECKPOINT, _FAST_CHECKPOINT, _FEATURES):
        if flag.value is not None:
            raise app.UsageError(
                f"--{flag.name} needs --model=slowfast or --model=coarse_fine."
            )


def make_detector(num_classes, prior):
    """Returns the detector of the flags, with a new head.

    Args:
        num_classes: Integer.
        prior: Float. Score at which new heads start.
    """
    options = {"num_classes": num_classes, "dropout": flags.FLAGS.dropout}
    if _MODEL.value == "x3d":
        initial_model = training_flags.load_initial_model()
        if initial_model is None:
            logging.warning(
                "Training from scratch: --initial_model is not set."
            )
        backbone = training_flags.make_backbone(initial_model)
        detector = models.FrameDetector(backbone, **options)
    else:
        slow, _ = load_stream(_SLOW_CHECKPOINT)
        fast, trained_head = load_stream(_FAST_CHECKPOINT)
        if _MODEL.value == "coarse_fine":
            options["pooling"] = _POOLING.value
            detector = models.CoarseFineDetector(slow, fast, **options)
        else:
            detector = models.SlowFastDetector(slow, fast, **options)
            set_fast_head(detector.fast_head, trained_head, prior)
    training.set_prior(detector.head, prior)
    return detector


def load_stream(flag):
    """Returns the backbone of a stream, and a trained head or `None`."""
    name, path = find_checkpoint(flag)
    if path is None:
        logging.warning(
            "From scratch: neither --%s nor --initial_model is set.",
            flag.name,
        )
        return training_flags.make_backbone(None), None
    if name == flag.name and not path.endswith(".keras"):
        return load_public_checkpoint(name, path)
    model = load_keras_file(name, path)
    if not hasattr(model, "backbone"):
        raise app.UsageError(
            f"--{name} must be a FrameDetector or a VideoClassifier. "
            f"Received: {path}, a {type(model).__name__}"
        )
    return training_flags.make_backbone(model), model.head


def find_checkpoint(flag):
    """Returns the name and the value of the flag that a stream starts from."""
    if flag.value is None:
        return "initial_model", flags.FLAGS.initial_model
    return flag.name, flag.value


def load_public_checkpoint(name, path):
    """Returns an X3D of the flags with the weights of a file, and its head."""
    model = backbone = training_flags.make_backbone(None)
    try:
        num_classes = models.read_checkpoint(path).num_classes
        if num_classes is not None:
            model = models.FrameDetector(backbone, num_classes)
        models.load_checkpoint(model, path)
    except (OSError, ImportError, ValueError) as error:
        raise app.UsageError(f"--{name}: {error}") from error
    return backbone, getattr(model, "head", None)


def set_fast_head(head, trained_head, prior):
    """Copies a trained head, if it is one of as many classes."""
    shapes, trained_shapes = (
        [weight.shape for weight in getattr(x, "weights", [])]
        for x in (head, trained_head)
    )
    if shapes == trained_shapes:
        head.set_weights(trained_head.get_weights())
        logging.info("The Fast stream has the head of its checkpoint.")
    else:
        training.set_prior(head, prior)
        logging.info("The Fast stream has a new head.")


def read_features(detector, frame_stride):
    """Returns the `FeatureFolder` of --features, or `None` without them."""
    if _FEATURES.value is None:
        return None
    inputs = detector.slow_stream.input
    names = [name for name in detector.fast_stream.output if name in inputs]
    try:
        features = data.FeatureFolder(_FEATURES.value, names)
    except (OSError, ValueError) as error:
        raise app.UsageError(
            f"--features must be a folder that extract_features.py "
            f"--outputs=pyramid made: {error}"
        ) from error
    name, path = find_checkpoint(_FAST_CHECKPOINT)
    checkpoint = None if path is None else compute_sha256(path)
    if features.origin.get("checkpoint_sha256") != checkpoint:
        raise app.UsageError(
            f"--features must be those of --{name}. Received: "
            f"--{name}={path}, and {_FEATURES.value} of another file, with "
            f"SHA-256 {features.origin.get('checkpoint_sha256')}"
        )
    if features.origin.get("frame_stride") != frame_stride:
        raise app.UsageError(
            "--frame_stride must be that of the features, "
            f"{features.origin.get('frame_stride')}. "
            f"Received: --frame_stride={frame_stride}"
        )
    return features
