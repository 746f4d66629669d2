import keras
import numpy as np
from absl.testing import parameterized
from clip_pair_reference import alpha_of
from clip_pair_reference import random_pairs
from video_test_case import VideoTestCase

from ssdet_keras.layers import VolumeCutMix


def window_of(alpha, width, transition=1 / 16):
    """The mask of clip 1 over the columns of one frame."""
    if alpha in (0.0, 1.0):
        return np.full(width, alpha)
    centers = np.arange(width) + 0.5
    reach = transition * width
    weight = (alpha * width + reach - centers) / (2 * reach)
    return np.clip(weight, 0, 1)


class VolumeCutMixTest(VideoTestCase):
    @parameterized.named_parameters(
        ("window", {}),
        ("view", {"mode": "view"}),
        ("random", {"mode": "random", "rate": 0.7, "transition": 0.1}),
    )
    def test_augmentation(self, init_kwargs):
        self.run_augmentation_test(VolumeCutMix, init_kwargs)

    @parameterized.parameters((16, 16), (5, 33), (2, 7), (1, 8), (16, 3))
    def test_window_agrees_with_paper(self, n, width):
        rng = np.random.default_rng(n)
        batch = self.make_batch((300, n, 2, width, 3), seed=n)
        videos, labels = batch["videos"].astype("float32"), batch["labels"]
        given = random_pairs(rng, 300, n)
        partner, n1, n2, r = given.values()
        expected = {
            "videos": np.zeros(videos.shape),
            "labels": np.zeros(labels.shape),
        }
        for i in range(300):
            alpha = alpha_of(n, n1[i], n2[i], r[i])
            for t in range(n):
                mask = window_of(alpha[t], width)
                second = (partner[i], max(t - r[i], 0))
                column = mask[:, None]
                expected["videos"][i, t] = (
                    column * videos[i, t] + (1 - column) * videos[second]
                )
                expected["labels"][i, t] = (
                    mask.mean() * labels[i, t]
                    + (1 - mask.mean()) * labels[second]
                )
        given["mode"] = np.zeros(300, "int32")
        given["width"] = np.full(300, width, "int32")
        layer = VolumeCutMix()
        output = {
            "videos": layer.transform_videos(videos, given),
            "labels": layer.transform_labels(labels, given),
        }
        self.assert_batches_equal(output, expected, atol=1e-3)
        self.assert_batches_equal(
            {"labels": output["labels"]},
            {"labels": expected["labels"]},
            atol=1e-5,
        )

    @parameterized.product(
        mode=("window", "view", "random"), width=(16, 23, 64)
    )
    def test_labels_are_the_visible_area(self, mode, width):
        # Clips of one colour: clip 1 of each pair is white for one class.
        labels = self.make_batch((64, 9, 2, width, 3), num_classes=64)["labels"]
        for transition in (0.0, 1 / 16, 0.25):
            layer = VolumeCutMix(mode, transition=transition, seed=0)
            videos = np.zeros((64, 9, 2, width, 64), "float32")
            videos += labels[:, :, None, None, :]
            batch = {"videos": videos, "labels": labels}
            output = self.to_numpy(layer(batch))
            area = output["videos"].mean((2, 3))
            np.testing.assert_allclose(output["labels"], area, atol=2e-5)
            np.testing.assert_allclose(output["labels"].sum(-1), 1, atol=1e-5)

    def test_view_values(self):
        # 16 columns numbered from 0 in clip 1 and from 100 in clip 2.
        columns = np.arange(16, dtype="float32")
        videos = np.stack([columns, columns + 100])
        videos = np.tile(videos[:, None, None, :, None], (1, 3, 1, 1, 1))
        labels = np.eye(2, dtype="float32")[:, None].repeat(3, axis=1)
        layer = VolumeCutMix(mode="view", seed=0)
        output = self.to_numpy(layer({"videos": videos, "labels": labels}))
        np.testing.assert_allclose(output["labels"], 0.5, atol=1e-6)
        clip = output["videos"][0, :, 0, :, 0]
        # Columns 0 to 6 are clip 1's, moving by 0, 4 (3.5 rounded to even)
        # and 7 columns; columns 9 to 15 are clip 2's, moving the other way.
        for t, moved in enumerate((0, 4, 7)):
            np.testing.assert_allclose(clip[t, :7], columns[:7] + moved)
            np.testing.assert_allclose(clip[t, 9:], columns[9:] + 100 - moved)
            # The two columns between blend 3/4 to 1/4 and 1/4 to 3/4.
            for column, weight in ((7, 0.75), (8, 0.25)):
                first = column + moved
                second = column - moved + 100
                blend = weight * first + (1 - weight) * second
                self.assertAlmostEqual(clip[t, column], blend, places=4)

    def test_random_draws_both_modes(self):
        batch = self.make_batch((2000, 4, 1, 16, 1))
        layer = VolumeCutMix(mode="random", seed=0)
        drawn = self.to_numpy(layer.get_random_transformation(batch))
        self.assertBetween(drawn["mode"].mean(), 0.5 - 0.056, 0.5 + 0.056)
        is_view = drawn["mode"] == 1
        self.assertTrue(np.all(drawn["shift"][is_view] == 0))
        self.assertTrue(np.all(drawn["length_1"][is_view] == 4))
        self.assertTrue(np.all(drawn["width"] == 16))

    def test_given_mode_counts_in_a_layer_of_windows(self):
        batch = self.make_batch((4, 6, 2, 16, 3))
        given = VolumeCutMix("view").get_random_transformation(batch, seed=0)
        outputs = [
            keras.ops.convert_to_numpy(
                VolumeCutMix(mode).transform_videos(batch["videos"], given)
            )
            for mode in ("window", "view")
        ]
        np.testing.assert_array_equal(*outputs)

    def test_mask_of_a_view_needs_both_clips(self):
        batch = self.make_batch((2, 4, 1, 16, 1))
        batch["mask"] = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], "float32")
        output = VolumeCutMix(mode="view", seed=0)(batch)
        mask = self.to_numpy(output)["mask"]
        self.assertEqual(mask.tolist(), [[1, 1, 0, 0], [1, 1, 0, 0]])

    def test_labels_without_a_width_are_those_of_a_wide_frame(self):
        labels = np.eye(2, dtype="float32")[:, None].repeat(8, axis=1)
        given = {"partner": [1, 0], "length_1": [8, 8], "mode": [0, 0]}
        given |= {"length_2": [8, 8], "shift": [0, 0]}
        labels = VolumeCutMix().transform_labels(labels, given)
        labels = self.to_numpy({"labels": labels})["labels"]
        # The plane at 7/8 of the width leaves the whole transition visible.
        np.testing.assert_allclose(labels[0, 1], [7 / 8, 1 / 8], atol=1e-4)
        np.testing.assert_allclose(labels[0, 4], [0.5, 0.5], atol=1e-4)

        # Other frames have other areas, by less than a column.
        layer = VolumeCutMix("random", transition=0.0)
        for width in (7, 64):
            batch = self.make_batch((64, 9, 1, width, 1), num_classes=64)
            given = dict(layer.get_random_transformation(batch, seed=0))
            area = layer.transform_labels(batch["labels"], given)
            del given["width"]
            wide = layer.transform_labels(batch["labels"], given)
            self.assert_batches_equal({"x": area}, {"x": wide}, atol=1 / width)

    @parameterized.named_parameters(
        ("mode", {"mode": "door"}, "mode='door'"),
        ("transition", {"transition": 0.6}, "transition=0.6"),
        ("min_length", {"min_length": 2.0}, "min_length=2.0"),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            VolumeCutMix(**kwargs)
