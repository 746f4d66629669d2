import numpy as np
import torch
from absl.testing import parameterized
from ops.gradients import to_numpy
from sequence_test_case import SequenceTestCase

from ssdet_keras.layers.temporal_scale_mixer import TemporalScaleMixer


class TemporalScaleMixerTest(SequenceTestCase):
    def make_mixer(self):
        mixer = TemporalScaleMixer(2)
        mixer.build([(None, None, 4), (None, None, 3), (None, None, 5)])
        rng = np.random.default_rng(0)
        mixer.set_weights(
            [rng.normal(size=w.shape) for w in mixer.get_weights()]
        )
        return mixer

    def draw_scales(self, num_steps, batch=1):
        lengths = (num_steps, -(-num_steps // 2), -(-num_steps // 4))
        return [
            self.draw(batch, length, features)
            for length, features in zip(lengths, (4, 3, 5), strict=True)
        ]

    @parameterized.parameters(8, 7, 5, 1)
    def test_agrees_with_pytorch(self, num_steps):
        mixer, scales = self.make_mixer(), self.draw_scales(num_steps)

        def dense(layer, x):
            kernel, bias = layer.get_weights()
            return x @ kernel + bias

        upsampled = []
        for layer, x in zip(mixer.projections, scales, strict=True):
            x = torch.from_numpy(dense(layer, x)).transpose(1, 2)
            x = torch.nn.functional.interpolate(
                x, size=num_steps, mode="linear", align_corners=False
            )
            upsampled.append(x.transpose(1, 2).numpy())
        first, second, third = upsampled
        unmixed = np.concatenate([third, second, first], axis=-1)
        first = first + dense(mixer.additions[0], third)
        second = second + dense(mixer.additions[1], third)
        mixed = np.concatenate([third, second, first], axis=-1)
        for actual, expected in zip(
            mixer(scales), (mixed, unmixed), strict=True
        ):
            np.testing.assert_allclose(to_numpy(actual), expected, atol=1e-5)

    def test_padding_has_no_effect(self):
        mixer, scales = self.make_mixer(), self.draw_scales(7)
        padded, masks = [], []
        for x, num_steps in zip(scales, (11, 6, 3), strict=True):
            x, mask = self.pad(x, x.shape[1:2], num_steps)
            padded.append(x)
            masks.append(mask)
        for actual, expected in zip(
            mixer(padded, mask=masks), mixer(scales), strict=True
        ):
            np.testing.assert_allclose(
                to_numpy(actual)[:, :7], to_numpy(expected), atol=1e-5
            )

    def test_output_shape(self):
        mixer, scales = self.make_mixer(), self.draw_scales(8, batch=2)
        shapes = mixer.compute_output_shape([x.shape for x in scales])
        self.assertEqual(shapes, ((2, 8, 6), (2, 8, 6)))
        self.assertEqual(tuple(mixer(scales)[0].shape), shapes[0])

    def test_round_trip(self):
        self.run_round_trip_test(TemporalScaleMixer(3, name="mixer"))

    def test_invalid_units(self):
        with self.assertRaisesRegex(ValueError, "units=0"):
            TemporalScaleMixer(0)
