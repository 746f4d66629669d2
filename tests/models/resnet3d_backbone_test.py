import pathlib
import tempfile

import keras
import numpy as np
import resnet3d_checkpoint
import torch
from absl.testing import parameterized
from backbone_test_case import BackboneTestCase

from ssdet_keras.models import ResNet3DBackbone
from ssdet_keras.models import VideoClassifier
from ssdet_keras.models import count_costs
from ssdet_keras.models import load_checkpoint
from ssdet_keras.models import read_checkpoint
from ssdet_keras.recipes import resnet3d_in_torch


def make_clip(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, "uint8")


class ResNet3DBackboneTest(BackboneTestCase):
    def test_parity(self):
        """The names and outputs of PyTorchVideo, also of odd sizes."""
        state = resnet3d_checkpoint.generated_state()
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
            expected = resnet3d_in_torch.run_resnet3d(
                read_checkpoint(folder / "SLOW_8x8_R50.pyth"),
                ((clip / 255 - 0.45) / 0.225).astype("float32"),
                per_frame=False,
            )
            logits = expected["logits"]
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
