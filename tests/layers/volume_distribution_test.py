"""Chi-square tests of everything that the volume augmentations draw."""

import collections

import numpy as np
import volume_reference
from absl.testing import parameterized
from video_test_case import VideoTestCase

from ssdet_keras.layers import JointVolumeAugmentation
from ssdet_keras.layers import VolumeCutMix
from ssdet_keras.layers import VolumeFreeze
from ssdet_keras.layers import VolumeMixUp

NUM_CLIPS = 20000
PAIR = ("length_1", "length_2", "shift")


def chi_square_bound(freedom):
    """Returns what a chi-square variable exceeds with probability 1e-4.

    The approximation of Wilson and Hilferty; 3.719 is the bound of a standard
    normal variable.
    """
    spread = 2 / (9 * freedom)
    return freedom * (1 - spread + 3.719 * spread**0.5) ** 3


def chi_square(draws, probabilities):
    """Returns the statistic, and the number of degrees of freedom.

    Outcomes of which fewer than five are expected are counted as one.
    """
    counts = collections.Counter(draws)
    impossible = set(counts) - set(probabilities)
    if impossible:
        raise AssertionError(f"Impossible draws: {sorted(impossible)}")
    rare, cells = np.zeros(2), []
    for outcome, probability in probabilities.items():
        cell = np.array([counts[outcome], probability * len(draws)])
        if cell[1] < 5:
            rare += cell
        else:
            cells.append(cell)
    if rare[1] > 0:
        cells.append(rare)
    count, expected = np.transpose(cells)
    # Rare outcomes may be too rare even together.
    statistic = np.sum((count - expected) ** 2 / np.maximum(expected, 1))
    return statistic, len(cells) - 1


def product(*marginals):
    """Returns the joint probabilities of independent draws."""
    joint = {(): 1.0}
    for marginal in marginals:
        joint = {
            (*outcomes, outcome): p * q
            for outcomes, p in joint.items()
            for outcome, q in marginal.items()
        }
    return joint


def uniform(*outcomes):
    return dict.fromkeys(outcomes, 1 / len(outcomes))


class VolumeDistributionTest(VideoTestCase):
    def draw(self, layer, num_frames, num_clips=NUM_CLIPS, seed=None, **extra):
        """Returns a transformation of tiny clips, as NumPy arrays."""
        batch = {
            "videos": np.zeros((num_clips, num_frames, 1, 1, 1), "uint8"),
            "labels": np.zeros((num_clips, num_frames, 1), "float32"),
            **extra,
        }
        drawn = layer.get_random_transformation(batch, seed)
        layers = drawn.pop("layers", [])
        drawn = self.to_numpy(drawn)
        for key, x in drawn.items():
            self.assertEqual(x.dtype, np.int32, key)
        if layers:
            drawn["layers"] = [self.to_numpy(x) for x in layers]
        return drawn

    def assert_distribution(self, columns, probabilities):
        """Checks columns of draws against the probabilities of their rows."""
        draws = list(zip(*(x.tolist() for x in columns), strict=True))
        statistic, freedom = chi_square(draws, probabilities)
        if freedom:
            self.assertLess(statistic, chi_square_bound(freedom))

    def assert_freezes(self, drawn, num_frames, max_length=None):
        self.assert_distribution(
            [drawn["start"], drawn["length"]],
            volume_reference.freeze_probabilities(num_frames, max_length),
        )

    def assert_pairs(self, drawn, num_frames, min_length=0.5):
        self.assert_distribution(
            [drawn[key] for key in PAIR],
            volume_reference.pair_probabilities(num_frames, min_length),
        )

    @parameterized.parameters(
        (2, None, None),
        (3, None, None),
        (8, None, None),
        (16, None, None),
        (9, 3, 3),
        (9, 0.5, 4),
        (8, 0.5, 4),
        (8, 1.0, 8),
    )
    def test_freeze(self, num_frames, max_length, longest):
        layer = VolumeFreeze(max_length=max_length, seed=0)
        drawn = self.draw(layer, num_frames)
        self.assert_freezes(drawn, num_frames, longest)

    @parameterized.parameters((9, 2, (4, 5)), (5, 3, (1, 2, 2)))
    def test_segments(self, num_frames, num_segments, parts):
        # Each part of the clip has a segment of its own, if it can.
        layer = VolumeFreeze(num_segments=num_segments, seed=0)
        drawn = self.draw(layer, num_frames)
        probabilities, columns, first = [], [], 0
        for k, part in enumerate(parts):
            start, length = drawn["start"][:, k], drawn["length"][:, k]
            if part == 1:
                self.assertEqual(set(length.tolist()), {0})
            else:
                alone = {"start": start - first, "length": length}
                self.assert_freezes(alone, part)
                probabilities.append(
                    volume_reference.freeze_probabilities(part)
                )
                columns.append((start - first) * 100 + length)
            first += part
        # Independent of each other.
        codes = [
            {100 * start + length: p for (start, length), p in x.items()}
            for x in probabilities
        ]
        self.assert_distribution(columns, product(*codes))

    def test_freeze_of_padded_clips(self):
        num_valid = np.arange(NUM_CLIPS) % 6 + 1
        mask = (np.arange(6) < num_valid[:, None]).astype("float32")
        drawn = self.draw(VolumeFreeze(seed=0), 6, mask=mask)
        for valid in range(1, 7):
            alone = {k: x[num_valid == valid] for k, x in drawn.items()}
            if valid == 1:
                self.assertEqual(set(alone["length"].tolist()), {0})
            else:
                self.assert_freezes(alone, valid)

    @parameterized.parameters(
        (1, 0.5),
        (2, 0.5),
        (5, 0.5),
        (8, 0.5),
        (16, 0.5),
        (8, 0.25),
        (7, 0.1),
        (6, 1.0),
    )
    def test_mix_up(self, num_frames, min_length):
        layer = VolumeMixUp(min_length, seed=0)
        drawn = self.draw(layer, num_frames)
        self.assert_pairs(drawn, num_frames, min_length)

    @parameterized.parameters("window", "random")
    def test_window(self, mode):
        drawn = self.draw(VolumeCutMix(mode, seed=1), 8)
        is_view = drawn["mode"] == 1
        share = {"window": uniform(0), "random": uniform(0, 1)}[mode]
        self.assert_distribution([drawn["mode"]], product(share))
        self.assert_pairs({k: x[~is_view] for k, x in drawn.items()}, 8)
        whole = [drawn[key][is_view] for key in PAIR]
        self.assertLessEqual(set(zip(*whole, strict=True)), {(8, 8, 0)})

    @parameterized.parameters(2, 3, 5)
    def test_partner_in_a_small_batch(self, num_clips):
        layer = VolumeMixUp(seed=0)
        draws = [self.draw(layer, 2, num_clips) for _ in range(200)]
        partner = np.stack([drawn["partner"] for drawn in draws])
        for clip in range(num_clips):
            others = [i for i in range(num_clips) if i != clip]
            probabilities = product(uniform(*others))
            self.assert_distribution([partner[:, clip]], probabilities)
        if num_clips == 3:
            # Independent of each other: a clip may be the partner of several.
            others = [uniform(1, 2), uniform(0, 2), uniform(0, 1)]
            self.assert_distribution(partner.T, product(*others))

    @parameterized.parameters(VolumeMixUp, VolumeCutMix)
    def test_partner_in_a_large_batch(self, layer_class):
        drawn = self.draw(layer_class(seed=2), 8)
        clip = np.arange(NUM_CLIPS)
        self.assertFalse(np.any(drawn["partner"] == clip))
        # 19,999 partners at equal distances, in 101 bins of 198 but one of 199.
        distance = (drawn["partner"] - clip) % NUM_CLIPS - 1
        bins = np.minimum(distance // 198, 100)
        sizes = np.bincount(np.minimum(np.arange(NUM_CLIPS - 1) // 198, 100))
        shares = dict(enumerate(sizes / sizes.sum()))
        self.assert_distribution([bins], product(shares))
        # Independent of the pair's shift.
        shifts = collections.defaultdict(float)
        for pair, p in volume_reference.pair_probabilities(8).items():
            shifts[pair[2]] += p
        half = distance * 2 // (NUM_CLIPS - 1)
        joint = product(uniform(0, 1), shifts)
        self.assert_distribution([half, drawn["shift"]], joint)

    @parameterized.parameters(0.0, 0.3, 1.0)
    def test_rate(self, rate):
        shares = {True: rate, False: 1 - rate}
        shares = product({k: p for k, p in shares.items() if p > 0})
        drawn = self.draw(VolumeFreeze(rate=rate, seed=0), 6)
        is_augmented = drawn["length"] > 0
        self.assert_distribution([is_augmented], shares)
        drawn = {k: x[is_augmented] for k, x in drawn.items()}
        if rate > 0:
            self.assert_freezes(drawn, 6)

        # All segments of a clip or none.
        layer = VolumeFreeze(num_segments=2, rate=rate, seed=0)
        is_frozen = self.draw(layer, 6)["length"] > 0
        self.assert_distribution([is_frozen[:, 0]], shares)
        np.testing.assert_array_equal(is_frozen[:, 0], is_frozen[:, 1])

        clip = np.arange(NUM_CLIPS)
        for layer in (
            VolumeMixUp(rate=rate, seed=0),
            VolumeCutMix(rate=rate, seed=1),
        ):
            drawn = self.draw(layer, 6)
            is_augmented = drawn["partner"] != clip
            self.assert_distribution([is_augmented], shares)
            drawn = {k: x[is_augmented] for k, x in drawn.items()}
            if rate > 0:
                self.assert_pairs(drawn, 6)

    def test_rate_of_random_cut_mix(self):
        drawn = self.draw(VolumeCutMix("random", rate=0.6, seed=0), 6)
        is_augmented = drawn["partner"] != np.arange(NUM_CLIPS)
        # A clip left alone is no view.
        shares = {(False, 0): 0.4, (True, 0): 0.3, (True, 1): 0.3}
        self.assert_distribution([is_augmented, drawn["mode"]], shares)

    @parameterized.parameters(None, 5)
    def test_joint_single(self, seed):
        layers = [
            VolumeFreeze(seed=1),
            VolumeMixUp(seed=2),
            VolumeCutMix("random", seed=3),
        ]
        joint = JointVolumeAugmentation(layers, rate=0.7, seed=0)
        drawn = self.draw(joint, 4, seed=seed)
        choices = {-1: 0.3, **dict.fromkeys(range(3), 0.7 / 3)}
        self.assert_distribution([drawn["choice"]], product(choices))
        freeze, mix_up, cut_mix = drawn["layers"]
        # Choices and the draws of the layers are independent of each other.
        joint = product(choices, uniform(0, 1, 2), uniform(0, 1))
        self.assert_distribution(
            [drawn["choice"], freeze["start"], cut_mix["mode"]], joint
        )
        chosen = drawn["choice"] == 1
        self.assert_pairs({k: x[chosen] for k, x in mix_up.items()}, 4)
        clip = np.arange(NUM_CLIPS)
        sides = [(x["partner"] - clip) % NUM_CLIPS for x in (mix_up, cut_mix)]
        sides = [side * 2 // NUM_CLIPS for side in sides]
        self.assert_distribution(sides, product(uniform(0, 1), uniform(0, 1)))

    @parameterized.parameters(None, 5)
    def test_joint_independent(self, seed):
        layers = [
            VolumeFreeze(rate=0.2, seed=1),
            VolumeMixUp(rate=0.5, seed=2),
            VolumeCutMix(rate=0.7, seed=3),
        ]
        joint = JointVolumeAugmentation(layers, "independent", rate=0.9, seed=0)
        drawn = self.draw(joint, 4, seed=seed)
        freeze, mix_up, cut_mix = drawn["layers"]
        clip = np.arange(NUM_CLIPS)
        columns = [
            drawn["choice"] == 0,
            freeze["length"] > 0,
            mix_up["partner"] != clip,
            cut_mix["partner"] != clip,
        ]
        rates = [{True: rate, False: 1 - rate} for rate in (0.9, 0.2, 0.5, 0.7)]
        self.assert_distribution(columns, product(*rates))

    def test_clips_of_a_batch_are_independent(self):
        starts = uniform(*range(5))
        start = self.draw(VolumeFreeze(seed=0), 6)["start"]
        for distance in (1, 2, NUM_CLIPS // 2):
            columns = [start[:-distance:2], start[distance::2]]
            columns = [x[: NUM_CLIPS // 4] for x in columns]
            self.assert_distribution(columns, product(starts, starts))

    def test_calls_are_independent_and_repeatable(self):
        starts = uniform(*range(5))
        layer, again = VolumeFreeze(seed=0), VolumeFreeze(seed=0)
        calls = [self.draw(layer, 6) for _ in range(3)]
        for drawn in calls:
            self.assert_batches_equal(drawn, self.draw(again, 6))
        pairs = [(calls[0], calls[1]), (calls[1], calls[2])]
        pairs.append((calls[0], calls[2]))
        # Other seeds, of the layer or of a call.
        pairs.append((calls[0], self.draw(VolumeFreeze(seed=1), 6)))
        of_calls = [self.draw(layer, 6, seed=seed) for seed in (3, 4, 3)]
        self.assert_batches_equal(of_calls[0], of_calls[2])
        pairs.append((of_calls[0], of_calls[1]))
        pairs.append((calls[0], of_calls[0]))
        for first, second in pairs:
            self.assert_distribution(
                [first["start"], second["start"]], product(starts, starts)
            )

    @parameterized.parameters(
        # The number of starts, lengths and partners off by one.
        ("start", lambda n: n - 2, lambda n, start: n - start),
        ("longest", lambda n: n - 1, lambda n, start: n - start - 1),
        ("shortest", lambda n: n - 1, lambda n, start: n - start + 1),
    )
    def test_the_check_refuses_near_misses(self, name, num_starts, longest):
        del name
        rng = np.random.default_rng(0)
        start = rng.integers(0, num_starts(16), NUM_CLIPS)
        length = rng.integers(2, np.maximum(longest(16, start), 2) + 1)
        with self.assertRaises(AssertionError):
            self.assert_freezes({"start": start, "length": length}, 16)

    def test_the_check_accepts_right_draws(self):
        for seed in range(20):
            rng = np.random.default_rng(seed)
            start = rng.integers(0, 15, NUM_CLIPS)
            length = rng.integers(2, 16 - start + 1)
            self.assert_freezes({"start": start, "length": length}, 16)
