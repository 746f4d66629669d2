import pathlib
import tempfile

import i3d_checkpoint
import keras
import numpy as np
import torch
from absl.testing import parameterized
from backbone_test_case import BackboneTestCase

from ssdet_keras.models import FrameDetector
from ssdet_keras.models import I3DBackbone
from ssdet_keras.models import VideoClassifier
from ssdet_keras.models import count_costs
from ssdet_keras.models import load_checkpoint
from ssdet_keras.models import read_checkpoint
from ssdet_keras.models import split_stages
from ssdet_keras.recipes import i3d_in_torch


def make_clip(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, "uint8")


class I3DBackboneTest(BackboneTestCase):
    @parameterized.named_parameters(
        ("even", "rgb", (1, 16, 64, 32, 3)),
        ("odd", "rgb", (1, 11, 49, 35, 3)),
        ("one_frame", "rgb", (2, 1, 33, 40, 3)),
        ("flow", "flow", (1, 10, 41, 48, 2)),
    )
    def test_parity(self, modality, shape):
        """The names, padding and outputs of the port to PyTorch."""
        state = i3d_checkpoint.generated_state(channels=shape[-1])
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        torch.save(state, folder / "i3d.pt")
        detector = FrameDetector(I3DBackbone(modality), 157)
        result = load_checkpoint(detector, folder / "i3d.pt")
        self.assertEqual(result.layout, "pytorch-i3d")
        self.assertLen(result.loaded, len(detector.weights))
        self.assertEqual(result[2:], ([], [], [], []))

        clip = make_clip(shape)
        expected = i3d_in_torch.run_i3d(
            read_checkpoint(folder / "i3d.pt"),
            clip.astype("float32") / 127.5 - 1,
            per_frame=True,
        )
        backbone = detector.backbone
        pyramid = keras.Model(backbone.inputs, backbone.pyramid_outputs)
        actual = pyramid.predict_on_batch(clip)
        for name, output in actual.items():
            self.assertEqual(output.shape, expected[name].shape)
            scale = expected[name].std()
            np.testing.assert_allclose(
                output / scale, expected[name] / scale, rtol=0, atol=1e-3
            )
        self.assertEqual(
            actual["stage4"].shape[1:],
            (
                *(
                    -(-n // s)
                    for n, s in zip(shape[1:4], (8, 32, 32), strict=True)
                ),
                1024,
            ),
        )
        logits = detector.predict_on_batch(clip)
        self.assertEqual(logits.shape, (shape[0], shape[1], 157))
        np.testing.assert_allclose(logits, expected["logits"], atol=1e-3)

    def test_pictures_of_flow(self):
        """The third channel is left out, and the weights are the same."""
        flow = I3DBackbone("flow")
        pictures = I3DBackbone("flow", input_shape=(None, None, None, 3))
        pictures.set_weights(flow.get_weights())
        detector = FrameDetector(pictures, 3)
        path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        detector.save(path / "flow.keras")
        detector = keras.saving.load_model(path / "flow.keras")
        clip = make_clip((1, 4, 33, 40, 3))
        np.testing.assert_array_equal(
            detector.backbone.predict_on_batch(clip),
            flow.predict_on_batch(clip[..., :2]),
        )
        self.assertEqual(
            list(split_stages(pictures)),
            ["stem", "stage1", "stage2", "stage3", "stage4"],
        )
        *_, total = count_costs(detector, (16, 64, 64, 3))
        *_, expected = count_costs(FrameDetector(flow, 3), (16, 64, 64, 2))
        self.assertEqual(total.multiply_adds, expected.multiply_adds)

    def test_published_sizes(self):
        classifier = VideoClassifier(I3DBackbone(), 400)
        *parts, total = count_costs(classifier, (64, 224, 224, 3))
        # 12.29 million without the last layer (the paper says 12 million).
        self.assertEqual(total.parameters, 12_287_264 + 1025 * 400)
        self.assertEqual(
            [part.output_shape for part in parts[:5]],
            [
                (32, 112, 112, 64),
                (32, 56, 56, 192),
                (32, 28, 28, 480),
                (16, 14, 14, 832),
                (8, 7, 7, 1024),
            ],
        )
        # Windows of 7; 3 and 3; 3, 3 and 3; 3 and 5 of 3; 2 and 2 of 3. The
        # first poolings are over space alone.
        frames = [7, 11, 19, 63, 99]
        sizes = [7, 19, 59, 235, 379]
        self.assertEqual(
            [part.receptive_field for part in parts[:5]],
            [(f, n, n) for f, n in zip(frames, sizes, strict=True)],
        )
        self.assertEqual(classifier.backbone.receptive_field, 99)

    def test_train_save_and_load(self):
        keras.utils.set_random_seed(0)
        self.run_training_test(I3DBackbone(), make_clip((2, 9, 33, 32, 3)))

    def test_mixed_precision(self):
        backbone = I3DBackbone(dtype="mixed_bfloat16")
        outputs = backbone(make_clip((1, 3, 32, 32, 3)))
        self.assertEqual(
            keras.backend.standardize_dtype(outputs.dtype), "bfloat16"
        )
        self.assertTrue(all(w.dtype == "float32" for w in backbone.weights))
        restored = I3DBackbone.from_config(backbone.get_config())
        self.assertEqual(restored.compute_dtype, "bfloat16")

    def test_known_sizes_and_stages(self):
        backbone = I3DBackbone("flow", input_shape=(20, 64, None, 2))
        self.assertEqual(backbone.output_shape, (None, 3, 2, None, 1024))
        parts = split_stages(backbone)
        self.assertEqual(
            list(parts),
            ["stem", "stage1", "stage2", "stage3", "stage4"],
        )

    @parameterized.named_parameters(
        ("modality", {"modality": "depth"}, "modality='depth'"),
        ("rank", {"input_shape": (8, 8, 3)}, r"input_shape=\(8, 8, 3\)"),
        (
            "channels",
            {"modality": "flow", "input_shape": (4, 8, 8, 4)},
            r"\(frames, height, width, 2 or 3\) for 'flow'. .*\(4, 8, 8, 4\)",
        ),
        (
            "normalize",
            {"modality": "flow", "normalize": "kinetics"},
            "of flow must be 'i3d' or None. Received: normalize='kinetics'",
        ),
        ("statistics", {"normalize": "mean"}, "statistics='mean'"),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            I3DBackbone(**kwargs)
