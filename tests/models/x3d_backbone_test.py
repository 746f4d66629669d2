import os
import tempfile

import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras.models.x3d_backbone import X3DBackbone
from ssdet_keras.models.x3d_backbone import round_filters


def tiny_backbone(**kwargs):
    return X3DBackbone("m", width=0.25, depth=0.1, **kwargs)


def make_clip(shape=(1, 3, 33, 40, 3), seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, "uint8")


class X3DBackboneTest(parameterized.TestCase):
    @parameterized.parameters(
        ("xs", [3, 5, 11, 7], [24, 24, 48, 96, 192], 432),
        ("m", [3, 5, 11, 7], [24, 24, 48, 96, 192], 432),
        ("xl", [5, 10, 25, 15], [32, 32, 72, 136, 280], 630),
    )
    def test_published_variants(self, variant, blocks, channels, features):
        backbone = X3DBackbone(variant)
        self.assertEqual(
            [
                sum(x.name.startswith(f"stage{i}_") for x in backbone.layers)
                for i in (1, 2, 3, 4)
            ],
            blocks,
        )
        self.assertEqual(
            list(backbone.pyramid_outputs),
            ["stem", "stage1", "stage2", "stage3", "stage4"],
        )
        self.assertEqual(
            [x.shape[-1] for x in backbone.pyramid_outputs.values()], channels
        )
        self.assertEqual(backbone.output_shape, (*[None] * 4, features))
        self.assertEqual(backbone.hidden_units, 2048)

    def test_sub_batches_normalise_in_training_alone(self):
        backbone = tiny_backbone(zero_init_residual=False, sub_batch_size=1)
        plain = tiny_backbone(zero_init_residual=False)
        plain.set_weights(backbone.get_weights())
        # Large enough for statistics over many pixels in the last stage, too.
        videos = make_clip((2, 4, 96, 96, 3))

        def call(model, videos, training):
            outputs = model(videos, training=training)
            return keras.ops.convert_to_numpy(outputs)

        np.testing.assert_array_equal(
            call(backbone, videos, False), call(plain, videos, False)
        )
        clips = [call(plain, videos[i : i + 1], True) for i in range(2)]
        np.testing.assert_allclose(
            call(backbone, videos, True), np.concatenate(clips), atol=1e-3
        )
        config = backbone.get_config()
        self.assertEqual(X3DBackbone.from_config(config).get_config(), config)

    def test_inner_channels_and_squeeze_excite(self):
        backbone = X3DBackbone("m", depth=0.5)
        self.assertEqual(
            [
                backbone.get_layer(f"stage{i}_block1").inner_filters
                for i in (1, 2, 3, 4)
            ],
            [54, 108, 216, 432],
        )
        self.assertEqual(
            [
                backbone.get_layer(f"stage3_block{i}").squeeze_units
                for i in range(1, 7)
            ],
            [16, 0, 16, 0, 16, 0],
        )

    @parameterized.parameters(
        (12, 2.0, 24),
        (12, 2.9, 32),
        (48, 2.9, 136),
        (54, 1 / 16, 8),
        (12, 1.0, 16),
        (18, 1.0, 24),
        (216, 1 / 16, 16),
        (3, 1.0, 8),
    )
    def test_round_filters(self, filters, factor, expected):
        self.assertEqual(round_filters(filters, factor), expected)

    def test_pyramid_strides_and_unknown_sizes(self):
        backbone = tiny_backbone()
        pyramid = keras.Model(backbone.inputs, backbone.pyramid_outputs)
        for frames, height, width in ((2, 64, 96), (3, 33, 65)):
            outputs = pyramid.predict(
                make_clip((1, frames, height, width, 3)), verbose=0
            )
            for stride, name in zip(
                (2, 4, 8, 16, 32), backbone.pyramid_outputs, strict=True
            ):
                self.assertEqual(
                    outputs[name].shape[1:4],
                    (frames, -(-height // stride), -(-width // stride)),
                )

    def test_known_sizes(self):
        backbone = tiny_backbone(input_shape=(4, 64, 64, 3))
        self.assertEqual(backbone.output_shape[:4], (None, 4, 2, 2))

    def test_normalization(self):
        """Pixels in, or the normalised clip in: the same features."""
        clip = make_clip()
        backbone = tiny_backbone(normalize="pytorchvideo")
        plain = tiny_backbone(normalize=None)
        plain.set_weights(backbone.get_weights())
        np.testing.assert_allclose(
            backbone.predict(clip, verbose=0),
            plain.predict((clip / 255 - 0.45) / 0.225, verbose=0),
            atol=1e-4,
        )

    def test_uint8_equals_float(self):
        clip, backbone = make_clip(), tiny_backbone()
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(backbone(clip)),
            keras.ops.convert_to_numpy(backbone(clip.astype("float32"))),
        )

    def test_every_weight_has_a_gradient(self):
        keras.utils.set_random_seed(0)
        backbone = tiny_backbone()
        for layer in backbone.layers:
            if hasattr(layer, "project_norm"):
                gamma = layer.project_norm.gamma
                gamma.assign(np.ones(gamma.shape))
        model = keras.Sequential(
            [backbone, keras.layers.GlobalAveragePooling3D()]
        )
        model.compile(keras.optimizers.SGD(1.0), "mse")
        before = [w.copy() for w in backbone.get_weights()]
        clips = make_clip((4, 3, 64, 64, 3))
        # Random targets: batch norm has no gradient for a constant one.
        targets = np.random.default_rng(1).normal(
            scale=10, size=(4, backbone.output_shape[-1])
        )
        model.fit(clips, targets, verbose=0)
        for weight, old in zip(backbone.weights, before, strict=True):
            new = keras.ops.convert_to_numpy(weight)
            self.assertFalse(np.array_equal(new, old), weight.path)
            self.assertTrue(np.isfinite(new).all(), weight.path)

    def test_mixed_precision(self):
        backbone = tiny_backbone(dtype="mixed_bfloat16")
        outputs = backbone(make_clip())
        self.assertEqual(
            keras.backend.standardize_dtype(outputs.dtype), "bfloat16"
        )
        self.assertTrue(all(w.dtype == "float32" for w in backbone.weights))
        restored = X3DBackbone.from_config(backbone.get_config())
        self.assertEqual(restored.compute_dtype, "bfloat16")

    def test_save_and_load(self):
        backbone = tiny_backbone(
            normalize="charades",
            input_shape=(None, 40, None, 3),
            stem_temporal_initializer=keras.initializers.RandomNormal(
                stddev=0.1
            ),
            name="fast",
        )
        path = os.path.join(
            self.enterContext(tempfile.TemporaryDirectory()), "model.keras"
        )
        backbone.save(path)
        restored = keras.saving.load_model(path)
        self.assertIsInstance(restored, X3DBackbone)
        self.assertEqual(restored.get_config(), backbone.get_config())
        self.assertEqual(restored.input_shape, (None, None, 40, None, 3))
        clip = make_clip((1, 2, 40, 33, 3))
        np.testing.assert_allclose(
            restored.predict(clip, verbose=0),
            backbone.predict(clip, verbose=0),
            atol=1e-5,
        )

    @parameterized.named_parameters(
        ("variant", {"variant": "xxl"}, "variant='xxl'"),
        ("normalize", {"normalize": "mean"}, "statistics='mean'"),
        ("width", {"width": 0}, "width=0"),
        ("depth", {"depth": -1.0}, r"depth=-1\.0"),
        ("shape", {"input_shape": (8, 8, 3)}, r"input_shape=\(8, 8, 3\)"),
        ("gray", {"input_shape": (4, 8, 8, 1)}, r"input_shape=\(4, 8, 8, 1\)"),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            X3DBackbone(**kwargs)
