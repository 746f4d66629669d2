import keras
import numpy as np
from absl.testing import parameterized
from clip_pair_reference import alpha_of
from clip_pair_reference import random_pairs
from video_test_case import VideoTestCase

from ssdet_keras.layers import VolumeMixUp


def mix_up(x, partner, n1, n2, r):
    """The paper's sum over frames, for `x` of shape (batch, frames, ...)."""
    output = np.zeros(x.shape, "float64")
    for i in range(len(x)):
        alpha = alpha_of(x.shape[1], n1[i], n2[i], r[i])
        for t, weight in enumerate(alpha.tolist()):
            if weight > 0:
                output[i, t] += weight * x[i, t]
            if weight < 1:
                output[i, t] += (1 - weight) * x[partner[i], t - r[i]]
    return output


class VolumeMixUpTest(VideoTestCase):
    @parameterized.named_parameters(
        ("default", {}), ("long", {"min_length": 0.8, "rate": 0.5})
    )
    def test_augmentation(self, init_kwargs):
        self.run_augmentation_test(VolumeMixUp, init_kwargs)

    @parameterized.named_parameters(
        # The two examples in the docstring.
        ("scenario_1", 6, 6, 2, [1, 1, 1, 0.75, 0.5, 0.25, 0, 0]),
        ("scenario_2", 8, 4, 2, [1, 1, 1, 0.5, 0, 0.5, 1, 1]),
        ("no_overlap", 4, 4, 4, [1, 1, 1, 1, 0, 0, 0, 0]),
        ("boundary", 8, 6, 2, [1, 1, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]),
        (
            "no_shift",
            8,
            8,
            0,
            [1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8],
        ),
    )
    def test_weights(self, length_1, length_2, shift, expected):
        labels = np.eye(2, dtype="float32")[:, None].repeat(8, axis=1)
        given = {
            "partner": [1, 0],
            "length_1": [length_1] * 2,
            "length_2": [length_2] * 2,
            "shift": [shift] * 2,
        }
        labels = VolumeMixUp().transform_labels(labels, given)
        labels = self.to_numpy({"labels": labels})["labels"]
        np.testing.assert_allclose(labels[0, :, 0], expected, atol=1e-6)
        np.testing.assert_allclose(labels[1, :, 1], expected, atol=1e-6)

    def test_partner_is_delayed_by_the_shift(self):
        videos = np.arange(16, dtype="float32").reshape(2, 8, 1, 1, 1)
        given = {"partner": [1, 0], "length_1": [4, 4]}
        given |= {"length_2": [4, 4], "shift": [4, 4]}
        videos = VolumeMixUp().transform_videos(videos, given)
        videos = self.to_numpy({"videos": videos})["videos"]
        self.assertEqual(videos[0].ravel().tolist(), [0, 1, 2, 3, 8, 9, 10, 11])

    @parameterized.parameters(1, 2, 3, 16)
    def test_agrees_with_paper(self, n):
        rng = np.random.default_rng(n)
        batch = self.make_batch((400, n, 2, 2, 3), seed=n)
        videos = batch["videos"].astype("float32")
        given = random_pairs(rng, 400, n)
        layer = VolumeMixUp()
        output = {
            "videos": layer.transform_videos(videos, given),
            "labels": layer.transform_labels(batch["labels"], given),
        }
        expected = {
            "videos": mix_up(videos, *given.values()),
            "labels": mix_up(batch["labels"], *given.values()),
        }
        self.assert_batches_equal(output, expected, atol=1e-4)
        mass = self.to_numpy(output)["labels"].sum(-1)
        np.testing.assert_allclose(mass, 1, atol=1e-6)

    @parameterized.parameters(2, 5, 16)
    def test_drawn_clips_fill_the_window(self, n):
        batch = self.make_batch((1000, n, 1, 1, 1))
        drawn = VolumeMixUp(seed=0).get_random_transformation(batch)
        drawn = self.to_numpy(drawn)
        self.assertEqual({v.dtype for v in drawn.values()}, {np.dtype("int32")})
        n1, n2, r = (drawn[k] for k in ("length_1", "length_2", "shift"))
        self.assertTrue(np.all((r >= 0) & (r <= n1) & (r + n2 <= n)))
        self.assertTrue(np.all(np.maximum(n1, r + n2) == n))
        self.assertTrue(np.all(n1 >= n / 2))
        self.assertTrue(np.all(n2 >= n / 2 - 1e-6))
        partners = drawn["partner"]
        self.assertTrue(np.all(partners != np.arange(1000)))
        self.assertBetween(partners.min(), 0, 10)
        self.assertBetween(partners.max(), 989, 999)

    def test_distribution_of_the_draw(self):
        # The same draw in plain NumPy, as the authors' code places clips.
        n, count = 8, 20000
        rng = np.random.default_rng(0)
        lengths = rng.integers(n // 2, n + 1, (count, 2))
        starts = rng.integers(0, n - lengths + 1)
        each = np.arange(count)
        first = starts.argmin(axis=1)
        starts[each, first] = 0
        last = (starts + lengths).argmax(axis=1)
        lengths[each, last] = n - starts[each, last]
        n1, n2 = lengths[each, first], lengths[each, 1 - first]
        r = starts[each, 1 - first]
        expected = np.stack([n1, n2, r])

        batch = self.make_batch((count, n, 1, 1, 1), num_classes=1)
        drawn = VolumeMixUp(seed=0).get_random_transformation(batch)
        drawn = self.to_numpy(drawn)
        drawn = np.stack([drawn[k] for k in ("length_1", "length_2", "shift")])
        for a, b in zip(drawn, expected, strict=True):
            a, b = (np.bincount(x, minlength=n + 1) / count for x in (a, b))
            # Five standard deviations of the difference of two shares.
            np.testing.assert_allclose(a, b, atol=5 * np.sqrt(0.5 / count))

    def test_padded_clips_keep_their_lengths(self):
        n, num_clips = 12, 600
        batch = self.make_batch((num_clips, n, 1, 1, 1))
        valid = np.random.default_rng(0).integers(1, n + 1, num_clips)
        batch["mask"] = (np.arange(n) < valid[:, None]).astype("float32")
        batch["labels"] *= batch["mask"][..., None]
        layer = VolumeMixUp(seed=0)
        drawn = self.to_numpy(layer.get_random_transformation(batch))
        n1, n2, r = (drawn[k] for k in ("length_1", "length_2", "shift"))
        self.assertTrue(np.all(n1 <= valid))
        self.assertTrue(np.all(n2 <= valid[drawn["partner"]]))
        self.assertTrue(np.all(r <= n1))
        output = self.to_numpy(layer(batch, seed=1))
        # A frame is valid where all that it shows is, and then has one label.
        mass = output["labels"].sum(-1)
        np.testing.assert_allclose(mass[output["mask"] == 1], 1, atol=1e-6)
        self.assertEqual(set(np.unique(output["mask"]).tolist()), {0, 1})
        self.assertGreater(output["mask"].mean(), batch["mask"].mean())

    def test_batch_of_one_is_its_own_partner(self):
        batch = self.make_batch((1, 8, 2, 2, 3))
        output = self.to_numpy(VolumeMixUp(seed=0)(batch))
        np.testing.assert_allclose(output["labels"], batch["labels"], atol=1e-6)

    def test_integer_labels_mix_in_float32(self):
        given = {"partner": [1, 0], "length_1": [4, 4], "length_2": [4, 4]}
        given = {k: np.array(v) for k, v in {**given, "shift": [0, 0]}.items()}
        labels = np.zeros((2, 4, 2), "int32")
        labels[0, :, 0] = labels[1, :, 1] = 1
        output = keras.ops.convert_to_numpy(
            VolumeMixUp().transform_labels(labels, given)
        )
        np.testing.assert_allclose(
            output[0], [[1, 0], [0.75, 0.25], [0.5, 0.5], [0.25, 0.75]]
        )

    @parameterized.parameters(0.0, 1.5)
    def test_invalid_min_length(self, min_length):
        with self.assertRaisesRegex(ValueError, f"min_length={min_length}"):
            VolumeMixUp(min_length=min_length)
