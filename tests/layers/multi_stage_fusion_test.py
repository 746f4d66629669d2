import keras
import numpy as np
import torch
from absl.testing import parameterized
from layer_test_case import LayerTestCase
from ops.gradients import layer_gradients
from ops.gradients import to_numpy

from ssdet_keras.layers.multi_stage_fusion import MultiStageFusion


def fuse(weights, inputs, shifts, scales):
    """The same in PyTorch, with its pooling."""
    size = (None, *inputs.shape[2:4])

    def mix(maps, kernel, bias):
        x = torch.cat(
            [
                torch.nn.functional.adaptive_max_pool3d(
                    torch.as_tensor(x).movedim(-1, 1), size
                )
                for x in maps
            ],
            dim=1,
        )
        kernel, bias = map(torch.as_tensor, (kernel, bias))
        return x.movedim(1, -1) @ kernel + bias

    shift, scale = mix(shifts, *weights[:2]), mix(scales, *weights[2:])
    return torch.as_tensor(inputs) * torch.sigmoid(scale) + shift


class FusionOfOne(keras.layers.Layer):
    """A fusion of which one input is given, for gradients."""

    def __init__(self, fusion, arguments, of, **kwargs):
        super().__init__(**kwargs)
        self.fusion, self.arguments, self.of = fusion, arguments, of
        self.built = True

    def call(self, inputs, training=None):
        x, shifts, scales = self.arguments
        x, shifts, scales = {
            "inputs": (inputs, shifts, scales),
            "shifts": (x, [inputs, shifts[1]], scales),
            "scales": (x, shifts, [inputs, scales[1]]),
        }[self.of]
        return self.fusion(x, shifts, scales)


class MultiStageFusionTest(LayerTestCase):
    def make(self, dtype=None):
        layer = MultiStageFusion(dtype=dtype)
        stages = [(2, 3, 4, 4, 2), (2, 3, 4, 4, 3)]
        layer.build((2, 3, 8, 8, 4), stages, stages)
        rng = np.random.default_rng(3)
        layer.set_weights(
            [rng.normal(size=x.shape) for x in layer.get_weights()]
        )
        return layer

    def draw_arguments(self, height, width, size=7):
        stages = [
            [self.draw(2, 3, size, size, n, seed=seed) for n in (2, 3)]
            for seed in (1, 2)
        ]
        return self.draw(2, 3, height, width, 4), *stages

    def test_values(self):
        layer = self.make()
        kernel = np.zeros((5, 4))
        kernel[0, 0] = 1
        scale_bias = np.array([0, 100, 0, 0])
        layer.set_weights([kernel, np.zeros(4), 0 * kernel, scale_bias])
        stage = np.array([[1, 2], [5, 3]], "float32").reshape(1, 1, 2, 2, 1)
        stages = [np.tile(stage, (1, 1, 1, 1, n)) for n in (2, 3)]
        x = np.full((1, 1, 3, 4, 4), 10, "float32")
        outputs = to_numpy(layer(x, stages, stages))
        # Of 2 x 2 pixels to 3 x 4: the maximum of both rows is in the middle.
        np.testing.assert_allclose(
            outputs[0, 0, :, :, 0] - 5,
            [[1, 1, 2, 2], [5, 5, 3, 3], [5, 5, 3, 3]],
        )
        np.testing.assert_allclose(outputs[..., 1], 10)

    @parameterized.product(
        size=((14, 28), (16, 9), (3, 20)),
        of=("inputs", "shifts", "scales"),
    )
    def test_pytorch_and_its_gradients(self, size, of):
        layer = self.make()
        arguments = self.draw_arguments(*size)
        x = {"inputs": arguments[0], "shifts": arguments[1][0]}.get(
            of, arguments[2][0]
        )
        gradient = self.draw(2, 3, *size, 4, seed=5)
        outputs, gradients = layer_gradients(
            FusionOfOne(layer, arguments, of), x, gradient, True
        )
        variables = [
            torch.tensor(a, requires_grad=True)
            for a in (x, *layer.get_weights())
        ]
        inputs, shifts, scales = arguments
        if of == "inputs":
            inputs = variables[0]
        elif of == "shifts":
            shifts = [variables[0], shifts[1]]
        else:
            scales = [variables[0], scales[1]]
        expected = fuse(variables[1:], inputs, shifts, scales)
        np.testing.assert_allclose(
            to_numpy(outputs), expected.detach().numpy(), atol=1e-5
        )
        for a, b in zip(
            gradients,
            torch.autograd.grad(expected, variables, torch.tensor(gradient)),
            strict=True,
        ):
            np.testing.assert_allclose(a, b.numpy(), atol=1e-3)

    def test_unknown_sizes(self):
        layer = self.make()
        inputs = [
            keras.Input((None, None, None, 4)),
            [keras.Input((None, 7, 7, n)) for n in (2, 3)],
            [keras.Input((None, 7, 7, n)) for n in (2, 3)],
        ]
        model = keras.Model(inputs, layer(*inputs))
        self.assertEqual(model.output_shape, (None, None, None, None, 4))
        for size in ((8, 15), (2, 7)):
            arguments = self.draw_arguments(*size)
            np.testing.assert_allclose(
                model.predict_on_batch(list(arguments)),
                to_numpy(layer(*arguments)),
                atol=1e-5,
            )

    @parameterized.parameters(("bfloat16", 0.03), ("float16", 0.005))
    def test_low_precision(self, dtype, tolerance):
        arguments = self.draw_arguments(9, 3)
        expected = to_numpy(self.make()(*arguments))
        outputs = self.make(f"mixed_{dtype}")(*arguments)
        self.assertEqual(keras.backend.standardize_dtype(outputs.dtype), dtype)
        error = np.linalg.norm(to_numpy(outputs) - expected)
        self.assertLess(error / np.linalg.norm(expected), tolerance)

    def test_round_trip(self):
        self.run_round_trip_test(MultiStageFusion(name="fusion"))

    def test_unknown_channels(self):
        with self.assertRaisesRegex(ValueError, "channels must be known"):
            MultiStageFusion().build((None,) * 5, [], [])
