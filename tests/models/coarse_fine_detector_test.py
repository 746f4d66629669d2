import os
import tempfile

import keras
import numpy as np
import torch
from absl.testing import parameterized

from ssdet_keras.models import CoarseFineDetector
from ssdet_keras.models import X3DBackbone
from ssdet_keras.models import load_checkpoint


def tiny_backbone(**kwargs):
    return X3DBackbone(
        **{
            "width": 0.25,
            "depth": 0.1,
            "zero_init_residual": False,
            "name": "x3d",
            **kwargs,
        }
    )


def make_detector(seed=0, dtype=None, **kwargs):
    keras.utils.set_random_seed(seed)
    backbones = (tiny_backbone(dtype=dtype) for _ in range(2))
    return CoarseFineDetector(*backbones, num_classes=5, **kwargs)


def make_clip(num_frames=10, size=(64, 40)):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (2, num_frames, *size, 3), "uint8")


def extract(detector, videos):
    """Returns the inputs of the slow stream, of features of the fast one."""
    features = detector.fast_stream.predict_on_batch(videos)
    return {
        "videos": videos,
        "feature_mask": np.ones(videos.shape[:2], "float32"),
        "feature_start": np.zeros(len(videos), "float32"),
        **{k: features[k] for k in features if k in detector.slow_stream.input},
    }


def public_state(model):
    """Returns the weights of a slow stream in the public layout."""
    state = {}
    for weight in model.weights:
        name = weight.path
        for ours, theirs in NAMES:
            name = name.replace(ours, theirs)
        array = keras.ops.convert_to_numpy(weight)
        if name.endswith(("conv1_s/weight", "pool_1/conv3/weight")):
            array = array.transpose(3, 2, 0, 1)[:, :, None]
        elif array.ndim == 4:
            array = array.transpose(3, 0, 1, 2)[:, None]
        elif array.ndim > 1:
            array = np.moveaxis(array, (-1, -2), (0, 1))
            if name.startswith(("rw", "mix")):
                array = array[..., None]
        state[name.replace("/", ".")] = torch.from_numpy(array.copy())
    return state


class CoarseFineDetectorTest(parameterized.TestCase):
    @parameterized.parameters(
        ("grid", None),
        ("average", None),
        ("grid", "mixed_bfloat16"),
    )
    def test_both_ways_give_the_same_logits(self, pooling, dtype):
        detector = make_detector(pooling=pooling, dtype=dtype)
        videos = make_clip()
        logits = detector.predict_on_batch(videos)
        self.assertEqual(logits.shape, (2, 10, 5))
        self.assertEqual(logits.dtype, np.float32)
        inputs = extract(detector, videos)
        scale = 1 if dtype is None else 300
        np.testing.assert_allclose(
            detector.slow_stream.predict_on_batch(inputs),
            logits,
            atol=1e-4 * scale,
        )
        # The clip as a part of longer features, of another start each.
        longer = dict(inputs)
        for name, array in inputs.items():
            if array.ndim > 1 and name != "videos":
                longer[name] = np.zeros((2, 40, *array.shape[2:]), array.dtype)
                for i, start in enumerate((30, 7)):
                    longer[name][i, start : start + 10] = array[i]
        longer["feature_start"] = np.array([30, 7], "float32")
        np.testing.assert_allclose(
            detector.slow_stream.predict_on_batch(longer),
            logits,
            atol=1e-4 * scale,
        )

    def test_fine_reaches_coarse(self):
        detector = make_detector()
        inputs = extract(detector, make_clip(8, (32, 32)))
        before = detector.slow_stream.predict_on_batch(inputs)
        for name in ("stage1", "stage2", "stage3", "stage4", "output"):
            other = {**inputs, name: inputs[name] + 1}
            after = detector.slow_stream.predict_on_batch(other)
            self.assertGreater(np.abs(after - before).max(), 1e-6, name)

    @parameterized.parameters((1, "grid"), (9, "stride"), (6, "max"))
    def test_any_number_of_frames(self, num_frames, pooling):
        detector = make_detector(pooling=pooling)
        logits = detector.predict_on_batch(make_clip(num_frames, (32, 32)))
        self.assertEqual(logits.shape, (2, num_frames, 5))
        self.assertTrue(np.isfinite(logits).all())

    def test_streams_of_other_width_and_depth(self):
        detector = CoarseFineDetector(
            tiny_backbone(), tiny_backbone(width=0.5, depth=0.2), 3, ratio=2
        )
        logits = detector.predict_on_batch(make_clip(6, (32, 32)))
        self.assertEqual(logits.shape, (2, 6, 3))
        self.assertEqual(detector.head.hidden_units, 512)

    def test_training(self):
        detector = make_detector()
        detector.compile(
            keras.optimizers.SGD(0.05, momentum=0.9),
            keras.losses.BinaryCrossentropy(from_logits=True),
        )
        videos = make_clip(8, (32, 32))
        labels = np.zeros((2, 8, 5), "float32")
        labels[0, :4, 0] = labels[1, :, 3] = 1
        # What pools, aligns and fuses is trained, and so are both streams.
        kernels = [
            w
            for w in detector.trainable_weights
            if w.path.startswith(("grid_pool", "fusion", "stem", "conv5"))
            and w.path.endswith("kernel")
        ]
        before = [keras.ops.convert_to_numpy(w).copy() for w in kernels]
        losses = [
            float(detector.train_on_batch(videos, labels)) for _ in range(8)
        ]
        self.assertLess(losses[-1], 0.8 * losses[0])
        self.assertLen(kernels, 3 + 5 * 6 + 4 * 2 + 2 * 3)
        for weight, old in zip(kernels, before, strict=True):
            new = keras.ops.convert_to_numpy(weight)
            self.assertTrue((new != old).any(), weight.path)

    @parameterized.parameters("grid", "average")
    def test_round_trip(self, pooling):
        detector = make_detector(pooling=pooling, ratio=2, dropout=0.3)
        videos = make_clip(5, (32, 32))
        logits = detector.predict_on_batch(videos)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "detector.keras")
            detector.save(path)
            restored = keras.saving.load_model(path)
            other = make_detector(seed=1, pooling=pooling, ratio=2)
            result = load_checkpoint(other, path)
        self.assertEqual(restored.get_config(), detector.get_config())
        self.assertLen(result.loaded, len(detector.weights))
        for model in (restored, other):
            np.testing.assert_allclose(
                model.predict_on_batch(videos), logits, atol=1e-5
            )

    def test_public_checkpoint(self):
        detector, other = make_detector(0), make_detector(1)
        videos = make_clip(8, (32, 32))
        with tempfile.TemporaryDirectory() as folder:
            for stream in ("slow_stream", "fast_stream"):
                path = os.path.join(folder, f"{stream}.pt")
                torch.save(public_state(getattr(detector, stream)), path)
                result = load_checkpoint(getattr(other, stream), path)
                self.assertEqual(
                    result.layout,
                    "Coarse-Fine Networks"
                    if stream == "slow_stream"
                    else "X3D-Multigrid",
                )
                self.assertEqual(result[2:], ([], [], [], []))
            with self.assertRaisesRegex(
                ValueError, "`model` must be one stream, `slow_stream` or"
            ):
                load_checkpoint(other, path)
        np.testing.assert_allclose(
            other.predict_on_batch(videos),
            detector.predict_on_batch(videos),
            atol=1e-5,
        )

    def test_errors(self):
        backbone = tiny_backbone()
        with self.assertRaisesRegex(
            ValueError, "`coarse` and `fine` must be two backbones"
        ):
            CoarseFineDetector(backbone, backbone, 5)
        with self.assertRaisesRegex(
            ValueError, "`pooling` must be one of .*pooling='median'"
        ):
            make_detector(pooling="median")
        with self.assertRaisesRegex(ValueError, "power of two.*ratio=3"):
            make_detector(ratio=3)


# In this order.
NAMES = (
    ("fusion_logits/", "rw6/"),
    *((f"fusion_stage{n}_modulation/", f"rw{n + 1}/") for n in range(1, 5)),
    ("attention_hidden/", "at1/"),
    ("attention/", "at2/"),
    ("shift_hidden/", "fc1/"),
    ("scale_hidden/", "fc3/"),
    *((f"fusion_stage{n}/shift/", f"mix{n + 1}/conv_at/") for n in range(1, 5)),
    *(
        (f"fusion_stage{n}/scale/", f"mix{n + 1}/conv_at2/")
        for n in range(1, 5)
    ),
    ("/shift/", "/fc2/"),
    ("/scale/", "/fc4/"),
    ("grid_pool/conv1_norm/", "pool_1/bn1/"),
    ("grid_pool/conv2_norm/", "pool_1/bn2/"),
    ("grid_pool/confidence/", "pool_1/conv3/"),
    ("grid_pool/", "pool_1/"),
    ("stem/spatial/", "conv1_s/"),
    ("stem/temporal/", "conv1_t/"),
    ("stem/norm/", "bn1/"),
    ("conv5_norm/", "bn5/"),
    ("head/hidden/", "fc1/"),
    ("head/output/", "fc2/"),
    *(
        (f"stage{n}_block{m}/", f"layer{n}/{m - 1}/")
        for n in range(1, 5)
        for m in range(1, 3)
    ),
    ("shortcut_norm/", "downsample/1/"),
    ("shortcut/", "downsample/0/"),
    ("expand_norm/", "bn1/"),
    ("depthwise_norm/", "bn2/"),
    ("project_norm/", "bn3/"),
    ("squeeze_excite/reduce/", "fc1/"),
    ("squeeze_excite/expand/", "fc2/"),
    ("expand/", "conv1/"),
    ("depthwise/", "conv2/"),
    ("project/", "conv3/"),
    ("/kernel", "/weight"),
    ("/gamma", "/weight"),
    ("/beta", "/bias"),
    ("/moving_mean", "/running_mean"),
    ("/moving_variance", "/running_var"),
)
