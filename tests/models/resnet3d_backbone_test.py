import pathlib
import tempfile

import keras
import numpy as np
import torch
from absl.testing import parameterized
from backbone_test_case import BackboneTestCase
from torch.nn import functional

from ssdet_keras.models import ResNet3DBackbone
from ssdet_keras.models import VideoClassifier
from ssdet_keras.models import count_costs
from ssdet_keras.models import load_checkpoint

STAGES = ((3, 1), (4, 1), (6, 3), (3, 3))


def make_clip(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, "uint8")


def generated_state(num_classes=5):
    """Returns a state dict with the names of PyTorchVideo's `slow_r50`."""
    state, rng = {}, np.random.default_rng(0)

    def add(conv, norm, filters, channels, size):
        shape = (filters, channels, *size)
        scale = np.sqrt(2 / np.prod(shape[1:]))
        tensors = {
            f"{conv}.weight": rng.normal(0, scale, shape),
            f"{norm}.weight": rng.uniform(0.5, 1, filters),
            f"{norm}.bias": rng.uniform(-0.2, 0.2, filters),
            f"{norm}.running_mean": rng.uniform(-0.2, 0.2, filters),
            f"{norm}.running_var": rng.uniform(0.5, 1.5, filters),
        }
        for name, value in tensors.items():
            state[name] = torch.from_numpy(value.astype("float32"))
        state[f"{norm}.num_batches_tracked"] = torch.tensor(1)

    add("blocks.0.conv", "blocks.0.norm", 64, 3, (1, 7, 7))
    channels = 64
    for stage, (num_blocks, frames) in enumerate(STAGES, start=1):
        inner = 32 * 2**stage
        for i in range(num_blocks):
            block = f"blocks.{stage}.res_blocks.{i}"
            branch = f"{block}.branch2"
            if i == 0:
                shortcut = f"{block}.branch1_conv", f"{block}.branch1_norm"
                add(*shortcut, 4 * inner, channels, (1, 1, 1))
            for part, filters, inputs, size in (
                ("a", inner, channels, (frames, 1, 1)),
                ("b", inner, inner, (1, 3, 3)),
                ("c", 4 * inner, inner, (1, 1, 1)),
            ):
                names = f"{branch}.conv_{part}", f"{branch}.norm_{part}"
                add(*names, filters, inputs, size)
            channels = 4 * inner
    values = rng.normal(0, 0.05, (num_classes, channels)).astype("float32")
    state["blocks.5.proj.weight"] = torch.from_numpy(values)
    state["blocks.5.proj.bias"] = torch.arange(num_classes).float()
    return state


@torch.no_grad()
def run(state, videos):
    """Returns the stages and the logits, in plain PyTorch."""

    def convolve(x, conv, norm, stride=1):
        kernel = state[f"{conv}.weight"]
        x = functional.conv3d(
            x,
            kernel,
            stride=(1, stride, stride),
            padding=[size // 2 for size in kernel.shape[2:]],
        )
        return functional.batch_norm(
            x,
            state[f"{norm}.running_mean"],
            state[f"{norm}.running_var"],
            state[f"{norm}.weight"],
            state[f"{norm}.bias"],
        )

    x = (torch.from_numpy(videos).float().movedim(-1, 1) / 255 - 0.45) / 0.225
    x = torch.relu(convolve(x, "blocks.0.conv", "blocks.0.norm", 2))
    x = functional.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))
    outputs = {"stem": x}
    for stage, (num_blocks, _) in enumerate(STAGES, start=1):
        for i in range(num_blocks):
            block = f"blocks.{stage}.res_blocks.{i}"
            stride = 2 if stage > 1 and i == 0 else 1
            y, shortcut = x, x
            if i == 0:
                shortcut = convolve(
                    x, f"{block}.branch1_conv", f"{block}.branch1_norm", stride
                )
            for part in "abc":
                y = convolve(
                    y,
                    f"{block}.branch2.conv_{part}",
                    f"{block}.branch2.norm_{part}",
                    stride if part == "b" else 1,
                )
                y = y + shortcut if part == "c" else y
                y = torch.relu(y)
            x = y
        outputs[f"stage{stage}"] = x
    logits = functional.linear(
        x.mean((2, 3, 4)),
        state["blocks.5.proj.weight"],
        state["blocks.5.proj.bias"],
    )
    outputs = {k: v.movedim(1, -1).numpy() for k, v in outputs.items()}
    return outputs, logits.numpy()


class ResNet3DBackboneTest(BackboneTestCase):
    def test_parity(self):
        """The names and outputs of PyTorchVideo, also of odd sizes."""
        state = generated_state()
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        torch.save({"model_state": state}, folder / "SLOW_8x8_R50.pyth")
        classifier = VideoClassifier(ResNet3DBackbone(), 5)
        result = load_checkpoint(classifier, folder / "SLOW_8x8_R50.pyth")
        self.assertEqual(result.layout, "PyTorchVideo ResNet")
        self.assertLen(result.loaded, len(classifier.weights))
        self.assertEqual(result[2:], ([], [], [], []))

        backbone = classifier.backbone
        pyramid = keras.Model(backbone.inputs, backbone.pyramid_outputs)
        for shape in ((1, 4, 64, 32, 3), (2, 1, 49, 35, 3)):
            clip = make_clip(shape)
            expected, logits = run(state, clip)
            actual = pyramid.predict_on_batch(clip)
            for name, output in actual.items():
                self.assertEqual(output.shape, expected[name].shape)
                scale = expected[name].std()
                np.testing.assert_allclose(
                    output / scale, expected[name] / scale, rtol=0, atol=1e-3
                )
            np.testing.assert_allclose(
                classifier.predict_on_batch(clip),
                logits,
                atol=1e-3 * max(1, logits.std()),
            )

    def test_published_sizes(self):
        classifier = VideoClassifier(ResNet3DBackbone(), 400)
        *parts, total = count_costs(classifier, (8, 256, 256, 3))
        # 32.45 million and 54.52 billion in PyTorchVideo's model zoo.
        self.assertEqual(total.parameters, 32_454_096)
        self.assertAlmostEqual(total.multiply_adds / 1e9, 54.5, delta=0.3)
        self.assertEqual(
            [part.output_shape for part in parts[:5]],
            [
                (8, 64, 64, 64),
                (8, 64, 64, 256),
                (8, 32, 32, 512),
                (8, 16, 16, 1024),
                (8, 8, 8, 2048),
            ],
        )
        self.assertEqual(
            [part.receptive_field[0] for part in parts[:5]], [1, 1, 1, 13, 19]
        )
        self.assertEqual(classifier.backbone.receptive_field, 19)

    def test_train_save_and_load(self):
        keras.utils.set_random_seed(0)
        self.run_training_test(
            ResNet3DBackbone(zero_init_residual=False),
            make_clip((2, 2, 33, 32, 3)),
        )

    def test_starts_as_its_shortcuts(self):
        backbone = ResNet3DBackbone(dtype="mixed_bfloat16")
        block = backbone.get_layer("stage2_block2")
        self.assertEqual(np.max(block.expand_norm.get_weights()[0]), 0)
        self.assertEqual(block.compute_dtype, "bfloat16")
        restored = ResNet3DBackbone.from_config(backbone.get_config())
        self.assertEqual(restored.get_config(), backbone.get_config())

    @parameterized.named_parameters(
        ("rank", {"input_shape": (8, 8, 3)}, r"input_shape=\(8, 8, 3\)"),
        ("flow", {"input_shape": (4, 8, 8, 2)}, r"input_shape=\(4, 8, 8, 2\)"),
        ("statistics", {"normalize": "mean"}, "statistics='mean'"),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            ResNet3DBackbone(**kwargs)
