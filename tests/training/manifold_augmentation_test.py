import pathlib
import tempfile
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from ssdet_keras import layers
from ssdet_keras import models
from ssdet_keras import training

DEPTHS = ("input", "stem", "stage1", "stage2", "stage3", "stage4")
# Of videos of 34 columns: strides of 2 round up.
WIDTHS = (34, 17, 9, 5, 3, 2)


def to_numpy(batch):
    return keras.tree.map_structure(keras.ops.convert_to_numpy, batch)


def make_x3d():
    keras.utils.set_random_seed(0)
    backbone = models.X3DBackbone(
        width=0.25, depth=0.1, zero_init_residual=False
    )
    return models.FrameDetector(backbone, num_classes=4, dropout=0.0)


def make_detector(dtype=None):
    """Returns a detector of two stages, which is quick to compile."""
    keras.utils.set_random_seed(0)
    dtype = keras.dtype_policies.get(dtype or "float32")
    inputs = keras.Input((None, None, None, 3), dtype="float32")
    x = layers.PixelNormalization(dtype=dtype, name="normalize")(inputs)
    stages = {}
    for name, filters in (("stem", 6), ("stage1", 8)):
        x = keras.layers.Conv3D(
            filters,
            (3, 3, 3),
            strides=(1, 2, 2),
            padding="same",
            dtype=dtype,
            name=f"{name}_conv",
        )(x)
        x = keras.layers.BatchNormalization(dtype=dtype, name=f"{name}_norm")(x)
        stages[name] = x
    x = keras.layers.ReLU(dtype=dtype, name="last")(x)
    backbone = keras.Model(inputs, x)
    backbone.dtype_policy = dtype
    backbone.pyramid_outputs = stages
    return models.FrameDetector(backbone, num_classes=4, dropout=0.0)


def make_joint(background="zero"):
    return layers.JointVolumeAugmentation(
        [
            layers.VolumeFreeze(background=background, seed=1),
            layers.VolumeMixUp(seed=2),
            layers.VolumeCutMix("random", seed=3),
        ],
        seed=4,
    )


def make_batch(dtype="uint8", seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.eye(4, dtype="float32")[:, None], 5, axis=1)
    mask = np.ones((4, 5), "float32")
    mask[1, 3:] = 0
    videos = rng.integers(0, 256, (4, 5, 34, 34, 3)).astype(dtype)
    return {"videos": videos, "labels": labels, "mask": mask}


def at_depth(batch, depth):
    """Returns a drawn batch with another depth."""
    transformation = dict(batch["transformation"])
    transformation["depth"] = np.full(4, DEPTHS.index(depth), "int32")
    return {"videos": batch["videos"], "transformation": transformation}


def composed_logits(detector, augmentation, inputs, depth):
    """Returns the logits of training, layer by layer."""

    def transform(x):
        parameters = inputs["transformation"]["parameters"]
        return augmentation.transform_videos(x, parameters)

    backbone = detector.backbone
    names = [layer.name for layer in backbone.layers]
    stages = [name.split("_")[0] for name in names]
    x = inputs["videos"]
    if depth == "input":
        x = transform(x)
    for i, layer in enumerate(backbone.layers[1:], 1):
        x = layer(x, training=True)
        if stages[i] == depth and depth not in stages[i + 1 :]:
            x = transform(x)
    features = keras.ops.mean(x, axis=(2, 3))
    return detector.head(features, training=True)


@pytest.mark.slow
class ManifoldAugmentationTest(parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.detector = make_detector()
        cls.augmentation = make_joint()
        cls.model = training.ManifoldAugmentation(
            cls.detector, cls.augmentation, seed=5
        )
        cls.x3d = make_x3d()
        cls.x3d_model = training.ManifoldAugmentation(
            cls.x3d, cls.augmentation, seed=5
        )

    def draw(self, batch=None, seed=7):
        return to_numpy(self.model.draw(batch or make_batch(), seed=seed))

    @parameterized.parameters("uint8", "float32")
    def test_logits_are_those_of_the_composition(self, dtype):
        batch = self.draw(make_batch(dtype))
        plain = to_numpy(self.detector(batch["videos"], training=True))
        for depth in DEPTHS[:3]:
            inputs = at_depth(batch, depth)
            actual = to_numpy(self.model(inputs, training=True))
            expected = to_numpy(
                composed_logits(self.detector, self.augmentation, inputs, depth)
            )
            with self.subTest(depth=depth):
                np.testing.assert_allclose(actual, expected, atol=1e-5)
                self.assertGreater(np.abs(actual - plain).max(), 1e-4)

    @parameterized.parameters(
        (make_detector, DEPTHS[:3]), (make_x3d, ("stage3",))
    )
    def test_compiled_training(self, make, depths):
        detector = make()
        model = training.ManifoldAugmentation(detector, self.augmentation)
        loss = training.DetectionLoss()
        # At a rate of zero the weights stay, and the losses can be compared.
        model.compile(keras.optimizers.SGD(0.0), loss)
        batch = self.draw()
        labels = batch["labels"]
        weights = [w.copy() for w in detector.get_weights()]
        for depth in depths:
            inputs = at_depth(batch, depth)
            actual = model.train_on_batch(inputs, labels)
            logits = composed_logits(detector, self.augmentation, inputs, depth)
            with self.subTest(depth=depth):
                np.testing.assert_allclose(
                    float(actual), float(loss(labels, logits)), rtol=1e-4
                )
        # Moving averages alone have changed, all of them.
        for variable, before in zip(detector.weights, weights, strict=True):
            after = keras.ops.convert_to_numpy(variable)
            self.assertEqual(
                np.array_equal(after, before), variable.trainable, variable.path
            )

    def test_gradients_flow_through_the_deepest_feature_maps(self):
        detector = make_detector()
        model = training.ManifoldAugmentation(
            detector, self.augmentation, "stage1"
        )
        # A rate at which no change is lost to rounding, for one step.
        model.compile(keras.optimizers.SGD(1e3), training.DetectionLoss())
        batch = to_numpy(model.draw(make_batch(), seed=1))
        before = {w.path: to_numpy(w).copy() for w in model.trainable_variables}
        labels = np.where(batch["mask"][..., None] > 0, batch["labels"], -1)
        model.train_on_batch(at_depth(batch, "stage1"), labels)
        for variable in model.trainable_variables:
            change = np.abs(to_numpy(variable) - before[variable.path]).max()
            self.assertGreater(change, 0, variable.path)

    def test_labels_and_mask_have_the_parameters_of_the_features(self):
        batch = make_batch()
        seen = set()
        for seed in range(20):
            drawn = to_numpy(self.x3d_model.draw(batch, seed=seed))
            np.testing.assert_array_equal(drawn["videos"], batch["videos"])
            depth = drawn["transformation"]["depth"]
            self.assertEqual(depth.tolist(), [depth[0]] * 4)
            parameters = drawn["transformation"]["parameters"]
            width = parameters["layers"][2]["width"]
            self.assertEqual(width.tolist(), [WIDTHS[depth[0]]] * 4)
            for key in ("labels", "mask"):
                transform = getattr(self.augmentation, f"transform_{key}")
                expected = to_numpy(transform(batch[key], parameters))
                np.testing.assert_array_equal(drawn[key], expected)
            seen.add(int(depth[0]))
        self.assertGreater(len(seen), 3)

    def test_label_is_the_area_that_is_visible_at_the_depth(self):
        augmentation = layers.VolumeCutMix(seed=0)
        labels = make_batch()["labels"]
        for depth, width in zip(DEPTHS, WIDTHS, strict=True):
            model = training.ManifoldAugmentation(self.x3d, augmentation, depth)
            drawn = to_numpy(model.draw(make_batch(), seed=3))
            # Feature maps of one channel per class, one where it is visible.
            features = np.broadcast_to(
                labels[:, :, None, None], (4, 5, 1, width, 4)
            )
            visible = augmentation.transform_videos(
                features, drawn["transformation"]["parameters"]
            )
            np.testing.assert_allclose(
                to_numpy(visible).mean(axis=(2, 3)), drawn["labels"], atol=1e-6
            )

    def test_depths_are_uniform(self):
        model = training.ManifoldAugmentation(
            self.x3d, layers.VolumeFreeze(seed=0), seed=1
        )
        batch = {
            "videos": np.zeros((2, 2, 32, 32, 3), "uint8"),
            "labels": np.zeros((2, 2, 4), "float32"),
        }
        counts = np.zeros(6)
        for _ in range(300):
            counts[int(model.draw(batch)["transformation"]["depth"][0])] += 1
        # 99.9 % of chi-square with five degrees of freedom.
        self.assertLess(((counts - 50) ** 2 / 50).sum(), 20.5, counts)

    def test_a_fixed_depth_is_drawn_always(self):
        for i, depth in enumerate(DEPTHS):
            model = training.ManifoldAugmentation(
                self.x3d, self.augmentation, depth
            )
            for seed in range(3):
                drawn = to_numpy(model.draw(make_batch(), seed=seed))
                self.assertEqual(
                    drawn["transformation"]["depth"].tolist(), [i] * 4
                )

    def test_draws_depend_on_the_seed_alone(self):
        first, again, other = self.draw(), self.draw(), self.draw(seed=8)
        keras.tree.map_structure(np.testing.assert_array_equal, first, again)
        self.assertFalse(np.array_equal(first["labels"], other["labels"]))
        # Without a seed, draws go on.
        streams = []
        for _ in range(2):
            model = training.ManifoldAugmentation(
                self.detector, layers.VolumeMixUp(seed=0), seed=1
            )
            streams.append(
                [to_numpy(model.draw(make_batch())) for _ in range(4)]
            )
        keras.tree.map_structure(np.testing.assert_array_equal, *streams)
        labels = {drawn["labels"].tobytes() for drawn in streams[0]}
        self.assertLen(labels, 4)

    def test_batch_is_not_modified_and_other_keys_pass(self):
        batch = {**make_batch(), "path": np.array(["a", "b", "c", "d"])}
        before = {key: value.copy() for key, value in batch.items()}
        drawn = self.model.draw(batch, seed=0)
        self.assertIs(drawn["path"], batch["path"])
        self.assertIs(drawn["videos"], batch["videos"])
        for key, value in before.items():
            np.testing.assert_array_equal(batch[key], value)
        del batch["mask"]
        self.assertNotIn("mask", self.model.draw(batch, seed=0))

    def test_background_class(self):
        model = training.ManifoldAugmentation(
            self.detector, layers.VolumeFreeze(background="class", seed=0)
        )
        labels = to_numpy(model.draw(make_batch(), seed=2)["labels"])
        np.testing.assert_array_equal(labels.sum(-1), np.ones((4, 5)))
        self.assertGreater(labels[:3, :, -1].sum(), 0)

    def test_fit_in_a_tf_data_pipeline(self):
        detector = make_detector()
        model = training.ManifoldAugmentation(detector, make_joint(), seed=5)
        model.compile("sgd", training.DetectionLoss())
        dataset = tf.data.Dataset.from_tensors(make_batch()).repeat(2)
        dataset = dataset.map(model.draw)
        batches = [to_numpy(b) for _ in range(2) for b in dataset]
        self.assertLen({b["labels"].tobytes() for b in batches}, 4)
        before = [w.copy() for w in detector.get_weights()]
        history = model.fit(
            dataset.map(lambda batch: (batch, batch["labels"])), verbose=0
        )
        self.assertTrue(np.isfinite(history.history["loss"]).all())
        after = detector.get_weights()
        self.assertFalse(np.array_equal(before[0], after[0]))

    def test_without_training_it_is_the_detector(self):
        videos = make_batch()["videos"]
        np.testing.assert_array_equal(
            self.model.predict({"videos": videos}, verbose=0),
            self.detector.predict(videos, verbose=0),
        )
        for name in ("trainable_variables", "non_trainable_variables"):
            for a, b in zip(
                getattr(self.model, name),
                getattr(self.detector, name),
                strict=True,
            ):
                self.assertIs(a, b)

    def test_saves_the_detector(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.keras"
            self.x3d_model.save(path)
            with zipfile.ZipFile(path) as file:
                config = file.read("config.json").decode()
            restored = keras.saving.load_model(path)
        self.assertNotRegex(config, "Manifold|Volume")
        self.assertIs(type(restored), models.FrameDetector)
        self.assertEqual(restored.get_config(), self.x3d.get_config())
        for a, b in zip(
            restored.get_weights(), self.x3d.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(a, b)

    def test_mixed_precision(self):
        detector = make_detector("mixed_bfloat16")
        model = training.ManifoldAugmentation(detector, self.augmentation)
        batch = self.draw(make_batch("float32"))
        for depth in ("input", "stage1"):
            logits = model(at_depth(batch, depth), training=True)
            self.assertEqual(
                keras.backend.standardize_dtype(logits.dtype), "float32"
            )
            self.assertTrue(np.isfinite(to_numpy(logits)).all())

    def test_round_trip(self):
        model = training.ManifoldAugmentation(
            self.x3d, self.augmentation, "stage2", seed=3, name="manifold"
        )
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(model)
        )
        self.assertEqual(restored.get_config(), model.get_config())

    def test_invalid_arguments(self):
        build = training.ManifoldAugmentation
        for depth in ("stage5", "output", 2):
            with self.assertRaisesRegex(
                ValueError,
                r"one of \['input', 'stem', 'stage1', .*'stage4', 'random'\]"
                f".*depth={depth!r}",
            ):
                build(self.x3d, self.augmentation, depth)
        with self.assertRaisesRegex(ValueError, "`VideoAugmentation` layer"):
            build(self.x3d, keras.layers.Dropout(0.5))
        with self.assertRaisesRegex(ValueError, "`FrameDetector`"):
            build(self.x3d.backbone, self.augmentation)
        inputs = keras.Input((None, None, None, 3))
        plain = keras.Model(inputs, keras.layers.Conv3D(4, 1)(inputs))
        with self.assertRaisesRegex(ValueError, "name its stages"):
            build(models.FrameDetector(plain, 4), self.augmentation)
        x = keras.layers.Conv3D(4, 1, strides=(2, 1, 1))(inputs)
        strided = keras.Model(inputs, keras.layers.Conv3D(4, 1)(x))
        strided.pyramid_outputs = {"stem": x}
        with self.assertRaisesRegex(ValueError, "64 frames in and 32 out"):
            build(models.FrameDetector(strided, 4), self.augmentation)

    def test_unknown_size(self):
        def generate():
            yield make_batch()

        dataset = tf.data.Dataset.from_generator(
            generate,
            output_signature={
                "videos": tf.TensorSpec((4, 5, None, None, 3), "uint8"),
                "labels": tf.TensorSpec((4, 5, 4), "float32"),
                "mask": tf.TensorSpec((4, 5), "float32"),
            },
        )
        with self.assertRaisesRegex(ValueError, "known height and width"):
            dataset.map(self.model.draw)
