r"""Speed of the other backbones beside their originals, on one machine.

    pip install --no-deps -r benchmarks/requirements.txt
    KERAS_BACKEND=torch python benchmarks/backbones.py
    KERAS_BACKEND=jax python benchmarks/backbones.py --model=i3d

Inference on one clip: 16 x 224 x 224 of I3D, beside its transcription to plain
PyTorch (`recipes/i3d_in_torch.py`), 8 x 224 x 224 of the 3D ResNet-50, beside
`slow_r50` of PyTorchVideo, and 16 x 224 x 224 of the Video Swin Transformer,
beside KerasCV's own on the same backend. Those of PyTorch compute in
channels_last_3d. Both of a pair run once in every round. Times are medians; the
ratio is to the original.
"""

import pathlib
import sys

import keras
import numpy as np
import pytorchvideo_x3d
import timing
import torch
from absl import app
from absl import flags

from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.recipes import i3d_in_torch

_MODEL = flags.DEFINE_list(
    "model", ["i3d", "resnet3d", "video_swin"], "What to measure."
)
_ROUNDS = flags.DEFINE_integer("rounds", 7, "Rounds.", lower_bound=2)
_KEEP_FREED_MEMORY = flags.DEFINE_bool(
    "keep_freed_memory",
    False,
    "Call `training.keep_freed_memory` first, as the recipes do.",
)


def make_forward(model, clip):
    """Returns inference of a Keras model, as a function."""
    clip = keras.ops.convert_to_tensor(clip)
    backend = keras.config.backend()
    if backend == "torch":

        def forward():
            with torch.no_grad():
                model(clip, training=False)

    elif backend == "tensorflow":
        import tensorflow as tf

        call = tf.function(lambda x: model(x, training=False))

        def forward():
            call(clip).numpy()

    else:
        import jax

        weights = [
            [v.value for v in model.trainable_variables],
            [v.value for v in model.non_trainable_variables],
        ]
        call = jax.jit(lambda w, x: model.stateless_call(*w, x)[0])

        def forward():
            call(weights, clip).block_until_ready()

    return forward


def make_i3d(clip):
    """Returns I3D in plain PyTorch, as a function."""
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))
    import i3d_checkpoint

    state = {
        name: tensor.contiguous(memory_format=torch.channels_last_3d)
        if tensor.ndim == 5
        else tensor
        for name, tensor in i3d_checkpoint.generated_state().items()
    }
    x = torch.from_numpy(clip).float().movedim(-1, 1) / 127.5 - 1

    def forward():
        with torch.no_grad():
            i3d_in_torch.run_stages(state, x)

    return forward


def make_resnet3d(clip):
    """Returns `slow_r50` of PyTorchVideo, as a function."""
    network = pytorchvideo_x3d.import_models("resnet").create_resnet(
        stem_conv_kernel_size=(1, 7, 7),
        head_pool_kernel_size=(8, 7, 7),
        head_activation=None,
    )
    network = network.eval().to(memory_format=torch.channels_last_3d)
    x = torch.from_numpy(clip).movedim(-1, 1)
    x = x.contiguous(memory_format=torch.channels_last_3d)

    def forward():
        with torch.no_grad():
            network(x)

    return forward


def make_video_swin(clip):
    """Returns that of KerasCV, without our normalisation, as a function."""
    import keras_cv  # Here, as it imports TensorFlow.

    original = keras_cv.models.VideoSwinBackbone(
        input_shape=clip.shape[1:],
        embed_dim=96,
        depths=[2, 2, 6, 2],
        num_heads=[3, 6, 12, 24],
    )
    return make_forward(original, clip)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    contenders = {
        "i3d": (models.I3DBackbone, 16, make_i3d),
        "resnet3d": (models.ResNet3DBackbone, 8, make_resnet3d),
        "video_swin": (
            lambda: models.VideoSwinBackbone(input_shape=(16, 224, 224, 3)),
            16,
            make_video_swin,
        ),
    }
    if _KEEP_FREED_MEMORY.value:
        training.keep_freed_memory()
    unknown = set(_MODEL.value) - contenders.keys()
    if unknown:
        raise app.UsageError(f"--model has no {', '.join(sorted(unknown))}.")
    print("| | original, ms | ssdet_keras, ms | ratio |\n|---|---:|---:|---:|")
    for name in _MODEL.value:
        backbone, num_frames, make_reference = contenders[name]
        rng = np.random.default_rng(0)
        clip = rng.random((1, num_frames, 224, 224, 3), "float32")
        timings = timing.interleave(
            {
                "reference": (make_reference(clip), 1),
                "ours": (make_forward(backbone(), clip), 1),
            },
            _ROUNDS.value,
        )
        reference, ours = (1e3 * t.seconds for t in timings.values())
        print(
            f"| {name}, {keras.config.backend()} | {reference:.0f} | "
            f"{ours:.0f} | {ours / reference:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    app.run(main)
