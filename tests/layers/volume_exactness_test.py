"""Every frame, label and mask of the volume augmentations, on given draws."""

import numpy as np
import pytest
import volume_reference
from absl.testing import parameterized
from video_test_case import VideoTestCase

from ssdet_keras.layers import JointVolumeAugmentation
from ssdet_keras.layers import VolumeCutMix
from ssdet_keras.layers import VolumeFreeze
from ssdet_keras.layers import VolumeMixUp

# Frames, width and channels of the clips, and their dtype.
CLIPS = (
    ((1, 1, 1), "float32"),
    ((2, 7, 4), "uint8"),
    ((5, 23, 2), "float32"),
    ((8, 16, 3), "uint8"),
    ((12, 40, 1), "float32"),
)
NUM_CLIPS = 300


def random_segments(rng, num_clips, num_frames, num_segments=1):
    """Freezes disjoint segments anywhere, with starts in ascending order."""
    start = np.zeros((num_clips, num_segments), "int32")
    length = np.zeros((num_clips, num_segments), "int32")
    for i in range(num_clips):
        first = 0
        for k in range(num_segments):
            if first > num_frames - 2:
                break
            start[i, k] = rng.integers(first, num_frames - 1)
            length[i, k] = rng.integers(2, num_frames - start[i, k] + 1)
            # Up to the end of the clip or a few frames, or not at all.
            length[i, k] = min(length[i, k], rng.integers(2, num_frames + 1))
            length[i, k] *= rng.random() < 0.9
            first = start[i, k] + max(length[i, k], 1)
    if num_segments == 1:
        start, length = start[:, 0], length[:, 0]
    return {"start": start, "length": length}


def random_pairs(rng, num_clips, num_frames):
    """Lengths and shifts of any kind, and the extremes of each."""
    n = num_frames
    length_1 = rng.integers(1, n + 1, num_clips)
    shift = rng.integers(0, length_1 + 1)
    length_2 = rng.integers(1, n + 1, num_clips)
    extremes = [
        (a, b, r)
        for a in (1, (n + 1) // 2, n)
        for r in (0, a // 2, a - 1, a)  # Both ends of the shift.
        # One frame, the whole clip, and both sides of n2 + r = n1.
        for b in (1, n, a - r - 1, a - r, a - r + 1)
        if 1 <= b <= n
    ]
    # Clips that are left alone.
    extremes.append((n, n, n))
    extremes = np.array(extremes)
    length_1[: len(extremes)] = extremes[:, 0]
    length_2[: len(extremes)] = extremes[:, 1]
    shift[: len(extremes)] = extremes[:, 2]
    pairs = {
        "partner": rng.integers(0, num_clips, num_clips),
        "length_1": length_1,
        "length_2": length_2,
        "shift": shift,
    }
    return {key: x.astype("int32") for key, x in pairs.items()}


def random_cuts(rng, num_clips, num_frames, width, share_of_views=0.0):
    """Pairs with their modes."""
    cuts = random_pairs(rng, num_clips, num_frames)
    is_view = rng.random(num_clips) < share_of_views
    cuts["shift"][is_view] = 0
    cuts["length_1"][is_view] = num_frames
    cuts["length_2"][is_view] = num_frames
    cuts["mode"] = is_view.astype("int32")
    cuts["width"] = np.full(num_clips, width, "int32")
    return cuts


@pytest.mark.slow
class VolumeExactnessTest(VideoTestCase):
    def make_random_batch(self, rng, num_clips, shape, dtype):
        """Returns soft labels, masks with holes, and pixels of `dtype`."""
        num_frames, width, channels = shape
        size = (num_clips, num_frames, 2, width, channels)
        videos = rng.random(size, dtype="float32")
        if dtype == "uint8":
            videos = rng.integers(0, 256, size, dtype="uint8")
        return {
            "videos": videos,
            "labels": rng.random((num_clips, num_frames, 5), dtype="float32"),
            "mask": (rng.random((num_clips, num_frames)) < 0.7).astype(
                "float32"
            ),
        }

    def transform(self, layer, batch, given):
        """Applies a layer, and checks that it leaves the batch alone."""
        before = {key: x.copy() for key, x in batch.items()}
        output = self.to_numpy(
            {
                "videos": layer.transform_videos(batch["videos"], given),
                "labels": layer.transform_labels(batch["labels"], given),
                "mask": layer.transform_mask(batch["mask"], given),
            }
        )
        for key, x in before.items():
            np.testing.assert_array_equal(batch[key], x)
            self.assertFalse(np.shares_memory(batch[key], output[key]))
            self.assertEqual(output[key].dtype, x.dtype)
            self.assertEqual(output[key].shape, x.shape)
        return output

    def assert_equals_reference(self, output, expected, before):
        """Compares with float64, where the formulas leave nothing open."""
        for key in output:
            is_open = np.isnan(expected[key])
            actual = output[key][~is_open].astype("float64")
            wanted = expected[key][~is_open]
            if output[key].dtype == np.uint8:
                self.assert_rounded(actual, wanted)
            else:
                np.testing.assert_allclose(actual, wanted, rtol=0, atol=1e-5)
            # What is open is still a mix.
            mixes = output[key][is_open]
            self.assertGreaterEqual(mixes.min(initial=0), 0)
            self.assertLessEqual(mixes.max(initial=0), before[key].max())

    def assert_rounded(self, actual, wanted):
        """Checks rounding half to even, of values that float32 can tell."""
        is_half = np.abs(wanted - np.floor(wanted) - 0.5) < 1e-3
        np.testing.assert_array_equal(
            actual[~is_half], np.rint(wanted[~is_half])
        )
        distance = np.abs(actual[is_half] - wanted[is_half])
        self.assertLess(distance.max(initial=0), 0.502)

    @parameterized.parameters(*CLIPS)
    def test_freeze(self, shape, dtype):
        rng = np.random.default_rng(shape)
        batch = self.make_random_batch(rng, NUM_CLIPS, shape, dtype)
        for num_segments, background in ((1, "zero"), (3, "class")):
            given = random_segments(rng, NUM_CLIPS, shape[0], num_segments)
            layer = VolumeFreeze(
                num_segments=num_segments, background=background
            )
            output = self.transform(layer, batch, given)
            expected = volume_reference.freeze_batch(batch, given, background)
            # Frames are shown as they are, to the last bit.
            self.assert_batches_equal(output, expected)

    @parameterized.parameters(*CLIPS)
    def test_mix_up(self, shape, dtype):
        rng = np.random.default_rng(shape)
        batch = self.make_random_batch(rng, NUM_CLIPS, shape, dtype)
        given = random_pairs(rng, NUM_CLIPS, shape[0])
        output = self.transform(VolumeMixUp(), batch, given)
        expected = volume_reference.mix_up_batch(batch, given)
        self.assert_equals_reference(output, expected, batch)

    @parameterized.parameters(*CLIPS)
    def test_window(self, shape, dtype):
        rng = np.random.default_rng(shape)
        batch = self.make_random_batch(rng, NUM_CLIPS, shape, dtype)
        for transition in (0.0, 1 / 16, 0.5):
            given = random_cuts(rng, NUM_CLIPS, *shape[:2])
            layer = VolumeCutMix(transition=transition)
            output = self.transform(layer, batch, given)
            expected = volume_reference.cut_mix_batch(batch, given, transition)
            self.assert_equals_reference(output, expected, batch)

    @parameterized.parameters(*CLIPS)
    def test_view_and_random(self, shape, dtype):
        rng = np.random.default_rng(shape)
        batch = self.make_random_batch(rng, NUM_CLIPS, shape, dtype)
        for mode, share in (("view", 1.0), ("random", 0.5)):
            given = random_cuts(rng, NUM_CLIPS, *shape[:2], share)
            # The transition of the views is not that of the windows.
            layer = VolumeCutMix(mode, transition=0.2)
            output = self.transform(layer, batch, given)
            expected = volume_reference.cut_mix_batch(batch, given, 0.2)
            self.assert_equals_reference(output, expected, batch)

    def test_halves_are_rounded_to_even(self):
        rng = np.random.default_rng(0)
        batch = self.make_random_batch(rng, NUM_CLIPS, (2, 16, 3), "uint8")
        pairs = {
            "partner": (np.arange(NUM_CLIPS) + 1) % NUM_CLIPS,
            "length_1": np.full(NUM_CLIPS, 2),
            "length_2": np.full(NUM_CLIPS, 2),
            "shift": np.zeros(NUM_CLIPS, "int32"),
        }
        # The weights are halves and quarters, which float32 mixes exactly.
        output = self.transform(VolumeMixUp(), batch, pairs)["videos"]
        expected = volume_reference.mix_up_batch(batch, pairs)["videos"]
        np.testing.assert_array_equal(output, np.rint(expected))
        views = {**pairs, "mode": np.ones(NUM_CLIPS, "int32")}
        output = self.transform(VolumeCutMix("view"), batch, views)["videos"]
        expected = volume_reference.cut_mix_batch(batch, views)["videos"]
        np.testing.assert_array_equal(output, np.rint(expected))

    @parameterized.parameters("float32", "uint8")
    def test_joint_single(self, dtype):
        rng, shape = np.random.default_rng(0), (7, 19, 3)
        batch = self.make_random_batch(rng, NUM_CLIPS, shape, dtype)
        layers = [VolumeFreeze(), VolumeMixUp(), VolumeCutMix("random")]
        choice = rng.integers(-1, 3, NUM_CLIPS).astype("int32")
        given = [
            random_segments(rng, NUM_CLIPS, 7),
            random_pairs(rng, NUM_CLIPS, 7),
            random_cuts(rng, NUM_CLIPS, 7, 19, 0.5),
        ]
        output = self.transform(
            JointVolumeAugmentation(layers),
            batch,
            {"choice": choice, "layers": given},
        )
        augmented = [
            volume_reference.freeze_batch(batch, given[0]),
            volume_reference.mix_up_batch(batch, given[1]),
            volume_reference.cut_mix_batch(batch, given[2]),
            batch,
        ]
        expected = {
            key: np.stack([augmented[c][key][i] for i, c in enumerate(choice)])
            for key in batch
        }
        self.assert_equals_reference(output, expected, batch)

    def test_joint_independent(self):
        rng, shape = np.random.default_rng(0), (7, 19, 3)
        batch = self.make_random_batch(rng, NUM_CLIPS, shape, "float32")
        layers = [VolumeCutMix("random"), VolumeFreeze(), VolumeMixUp()]
        choice = rng.integers(-1, 1, NUM_CLIPS).astype("int32")
        given = [
            random_cuts(rng, NUM_CLIPS, 7, 19, 0.5),
            random_segments(rng, NUM_CLIPS, 7),
            random_pairs(rng, NUM_CLIPS, 7),
        ]
        output = self.transform(
            JointVolumeAugmentation(layers, "independent"),
            batch,
            {"choice": choice, "layers": given},
        )
        references = (
            volume_reference.cut_mix_batch,
            volume_reference.freeze_batch,
            volume_reference.mix_up_batch,
        )
        expected = batch
        for reference, parameters in zip(references, given, strict=True):
            expected = reference(expected, parameters)
            # A clip left alone meets its partners as it was given.
            for key, x in expected.items():
                x[choice < 0] = batch[key][choice < 0]
        self.assert_equals_reference(output, expected, batch)

    @parameterized.parameters(1, 2, 5)
    def test_drawn_parameters_of_small_padded_batches(self, num_clips):
        rng, shape = np.random.default_rng(num_clips), (6, 11, 2)
        layers = [
            VolumeFreeze(seed=1),
            VolumeFreeze(num_segments=2, seed=2, rate=0.8),
            VolumeMixUp(seed=3, rate=0.8),
            VolumeCutMix("random", seed=4, rate=0.8),
        ]
        references = [
            *[volume_reference.freeze_batch] * 2,
            volume_reference.mix_up_batch,
            volume_reference.cut_mix_batch,
        ]
        for draw in range(8):
            batch = self.make_random_batch(rng, num_clips, shape, "float32")
            num_valid = rng.integers(1, 7, num_clips)
            is_valid = np.arange(6) < num_valid[:, None]
            batch["mask"] = is_valid.astype("float32")
            for layer, reference in zip(layers, references, strict=True):
                given = layer.get_random_transformation(batch, seed=draw)
                output = self.to_numpy(layer(batch, seed=draw))
                given = self.to_numpy(given)
                expected = reference(batch, given)
                self.assert_equals_reference(output, expected, batch)
                if "partner" in given:
                    valid_2 = num_valid[given["partner"]]
                    shift = given["shift"]
                    # A clip left alone, or in a view, keeps its padding.
                    whole = (shift == 6) | (given["length_1"] == 6) & (
                        given["length_2"] == 6
                    ) & (shift == 0)
                    is_short = given["length_1"] <= num_valid
                    self.assertTrue(np.all(whole | is_short))
                    is_short = given["length_2"] <= valid_2
                    self.assertTrue(np.all(whole | is_short))

    @parameterized.product(
        transition=(0.0, 1 / 64, 1 / 16, 0.3, 0.5), width=(1, 7, 40)
    )
    def test_label_is_the_visible_area(self, transition, width):
        # Clips of ones on top of clips of zeros: pixels show the mask itself.
        rng, half = np.random.default_rng(width), 200
        ones = np.arange(2 * half) < half
        labels = np.stack([ones, ~ones], axis=-1).astype("float32")
        labels = np.repeat(labels[:, None], 9, axis=1)
        videos = np.zeros((2 * half, 9, 1, width, 1), "float32")
        videos[:half] = 1
        given = random_cuts(rng, 2 * half, 9, width, 0.3)
        given["partner"] = (np.arange(2 * half, dtype="int32") + half) % (
            2 * half
        )
        batch = {"videos": videos, "labels": labels}
        batch["mask"] = np.ones((2 * half, 9), "float32")
        layer = VolumeCutMix("random", transition=transition)
        output = self.transform(layer, batch, given)
        mask = output["videos"][:, :, 0, :, 0].astype("float64")
        mask[half:] = 1 - mask[half:]
        area = mask.mean(axis=-1)
        own = np.concatenate(
            [output["labels"][:half, :, 0], output["labels"][half:, :, 1]]
        )
        np.testing.assert_allclose(own, area, rtol=0, atol=1e-6)
        np.testing.assert_allclose(
            output["labels"].sum(axis=-1), 1, rtol=0, atol=1e-6
        )
        # Where either clip alone shows, its label is hard.
        is_alone = np.all(mask == mask[..., :1], axis=-1) & (
            (mask[..., 0] == 1) | (mask[..., 0] == 0)
        )
        self.assertGreater(is_alone.mean(), 0.2)
        np.testing.assert_array_equal(own[is_alone], area[is_alone])
        # The mask falls from left to right, from clip 1 to clip 2.
        self.assertLessEqual(np.diff(mask, axis=-1).max(initial=0), 0)

    def test_outside_the_overlap_one_clip_alone_shows(self):
        rng, n = np.random.default_rng(0), 12
        given = random_cuts(rng, NUM_CLIPS, n, 24)
        batch = self.make_random_batch(rng, NUM_CLIPS, (n, 24, 1), "uint8")
        length_1, length_2, shift = (
            given[key][:, None] for key in ("length_1", "length_2", "shift")
        )
        time = np.arange(n)
        before = time < shift
        ends_last = length_2 + shift < length_1
        first_again = ends_last & (time >= shift + length_2)
        second = ~ends_last & (time >= length_1)
        for layer in (VolumeMixUp(), VolumeCutMix()):
            output = self.transform(layer, batch, given)
            for key in ("videos", "labels"):
                alone = before | first_again
                np.testing.assert_array_equal(
                    output[key][alone], batch[key][alone]
                )
                clip, frame = np.nonzero(second)
                source = given["partner"][clip], frame - shift[clip, 0]
                np.testing.assert_array_equal(
                    output[key][second], batch[key][source]
                )

    def test_label_mass(self):
        batch = self.make_batch((64, 10, 1, 13, 1), num_classes=64)
        batch["videos"] = batch["videos"].astype("float32")
        pairs = [VolumeMixUp(), VolumeCutMix("random", rate=0.5)]
        for layer in [*pairs, JointVolumeAugmentation(pairs, "independent")]:
            for seed in range(5):
                mass = self.to_numpy(layer(batch, seed=seed))["labels"].sum(-1)
                np.testing.assert_allclose(mass, 1, rtol=0, atol=1e-6)
        freeze = VolumeFreeze(num_segments=3)
        labels = self.to_numpy(freeze(batch, seed=0))["labels"]
        # Hard labels: action or background.
        self.assertEqual(set(np.unique(labels.sum(-1)).tolist()), {0, 1})
        self.assertEqual(set(np.unique(labels).tolist()), {0, 1})
        everything = JointVolumeAugmentation([freeze, *pairs], "independent")
        for seed in range(5):
            labels = self.to_numpy(everything(batch, seed=seed))["labels"]
            self.assertLessEqual(labels.sum(-1).max(), 1 + 1e-6)
            self.assertGreaterEqual(labels.min(), 0)
