import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras import training


def make_model():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,))
    x = keras.layers.Dense(4, name="stem")(inputs)
    x = keras.layers.Dense(4, name="fusion_stem")(x)
    outputs = keras.layers.Dense(2, name="head")(x)
    return keras.Model(
        inputs, outputs + keras.layers.Dense(2, name="fast_head")(x)
    )


def train(optimizer, steps=1):
    """Returns the changes of all weights by their path."""
    model = make_model()
    before = {
        w.path: keras.ops.convert_to_numpy(w).copy() for w in model.weights
    }
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
    for _ in range(steps):
        model.train_on_batch(x, y)
    after = {w.path: keras.ops.convert_to_numpy(w) for w in model.weights}
    return {path: after[path] - before[path] for path in before}


class BackboneFactorTest(parameterized.TestCase):
    @parameterized.parameters("SGD", "AdamW")
    def test_factor_one_is_the_optimizer_of_keras(self, name):
        expected = train(getattr(keras.optimizers, name)(0.01), steps=3)
        changes = train(getattr(training, name)(0.01), steps=3)
        for path, change in expected.items():
            np.testing.assert_allclose(changes[path], change, atol=1e-7)

    @parameterized.parameters("SGD", "AdamW")
    def test_factors_scale_the_parts_outside_the_heads(self, name):
        optimizer = getattr(training, name)
        whole = train(optimizer(0.01, weight_decay=0.0))
        changes = train(
            optimizer(
                0.01, weight_decay=0.0, backbone_factor=0.25, fusion_factor=4
            )
        )
        factors = {"stem": 0.25, "fusion_stem": 4, "head": 1, "fast_head": 1}
        for path, change in whole.items():
            factor = factors[path.partition("/")[0]]
            # A new weight is the old one plus a small change, in float32.
            np.testing.assert_allclose(
                changes[path], factor * change, rtol=1e-4, atol=1e-7
            )

    @parameterized.product(name=["SGD", "AdamW"], norm=[None, 0.1])
    def test_accumulated_gradients_are_those_of_a_larger_batch(
        self, name, norm
    ):
        rng = np.random.default_rng(0)
        x, y = rng.normal(size=(24, 3)), rng.normal(size=(24, 2))
        weights = []
        for batch_size, steps in ((8, None), (4, 2)):
            model = make_model()
            optimizer = getattr(training, name)(
                0.1,
                backbone_factor=0.5,
                global_clipnorm=norm,
                gradient_accumulation_steps=steps,
            )
            model.compile(optimizer, "mse")
            model.fit(x, y, batch_size, epochs=2, shuffle=False, verbose=0)
            weights.append(model.get_weights())
        for a, b in zip(*weights, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)

    def test_factor_zero_freezes_the_backbone(self):
        changes = train(training.SGD(0.01, backbone_factor=0.0), steps=2)
        self.assertEqual(np.abs(changes["stem/kernel"]).max(), 0)
        self.assertGreater(np.abs(changes["head/kernel"]).max(), 0)

    @parameterized.parameters("SGD", "AdamW")
    def test_round_trip(self, name):
        optimizer = getattr(training, name)(
            0.01, backbone_factor=0.5, fusion_factor=10
        )
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(optimizer)
        )
        self.assertEqual(restored.get_config(), optimizer.get_config())
        self.assertEqual(restored.backbone_factor, 0.5)
        self.assertEqual(restored.fusion_factor, 10)

    def test_invalid_factor(self):
        for name in ("backbone_factor", "fusion_factor"):
            with self.assertRaisesRegex(ValueError, f"{name}=-1"):
                training.SGD(0.01, **{name: -1})
