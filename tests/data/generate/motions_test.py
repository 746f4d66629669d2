import numpy as np
from absl.testing import parameterized

from ssdet_keras.data.generate import MOTIONS
from ssdet_keras.data.generate.motions import CHANNELS
from ssdet_keras.data.generate.motions import check_motions
from ssdet_keras.data.generate.motions import draw_states
from ssdet_keras.data.generate.motions import move


class MotionsTest(parameterized.TestCase):
    def test_names(self):
        self.assertGreaterEqual(len(MOTIONS), 12)
        self.assertLen(set(MOTIONS), len(MOTIONS))
        self.assertEqual(check_motions(None), MOTIONS)
        self.assertEqual(
            check_motions(["hopping", "blinking"]), ("hopping", "blinking")
        )

    @parameterized.named_parameters(
        ("unknown", ["hopping", "sleeping"], "sleeping"),
        ("twice", ["hopping", "hopping"], "hopping"),
        ("one", ["hopping"], "two or more"),
    )
    def test_invalid_names(self, motions, message):
        with self.assertRaisesRegex(ValueError, message):
            check_motions(motions)

    def test_move_values(self):
        rng = np.random.default_rng(0)
        periods = np.arange(5) / 4
        np.testing.assert_allclose(
            move(0.25, "forward", periods, rng), [0.25, 0.5, 0.75, 0, 0.25]
        )
        np.testing.assert_allclose(
            move(0.25, "backward", periods, rng), [0.25, 0, 0.75, 0.5, 0.25]
        )
        swings = {tuple(move(0.25, "swing", periods, rng)) for _ in range(20)}
        self.assertEqual(
            swings,
            {(0.25, 0.75, 0.75, 0.25, 0.25), (0.25, 0.25, 0.75, 0.75, 0.25)},
        )
        turns = {tuple(move(0.25, "turn", periods, rng)) for _ in range(20)}
        self.assertEqual(
            turns,
            {(0.25, 0.5, 0.75, 0, 0.25), (0.25, 0, 0.75, 0.5, 0.25)},
        )

    def test_steps_turn_a_quarter_and_pause(self):
        rng = np.random.default_rng(0)
        path = move(0.5, "steps", np.arange(4001) / 1000, rng)
        turned = np.unwrap(path, period=1)
        self.assertAlmostEqual(abs(turned[1000] - turned[0]), 0.25, places=6)
        self.assertAlmostEqual(abs(turned[-1] - turned[0]), 1, places=6)
        rests = np.mean(np.diff(turned) == 0)
        self.assertBetween(rests, 0.55, 0.65)

    @parameterized.parameters(*MOTIONS)
    def test_every_frame_has_the_same_distribution(self, motion):
        # 2,000 actors: the mean of 20 fractions of a uniform distribution has
        # a standard deviation of 0.0049 each. Six of them are allowed.
        rng = np.random.default_rng(1)
        states = [
            draw_states([(motion, 10, 60)], 80, 25, rng) for _ in range(2000)
        ]
        for frame in (0, 33, 59, 79):
            for channel in CHANNELS:
                values = np.array([s[channel][frame] for s in states])
                counts, _ = np.histogram(values, 20, (0, 1))
                self.assertEqual(counts.sum(), 2000)
                self.assertLess(np.abs(counts / 2000 - 0.05).max(), 0.03)
                self.assertAlmostEqual(values.mean(), 0.5, delta=0.04)

    @parameterized.parameters(*MOTIONS)
    def test_one_channel_moves_while_it_should(self, motion):
        rng = np.random.default_rng(2)
        states = draw_states([(motion, 25, 75)], 100, 25, rng)
        moving = [c for c in CHANNELS if np.ptp(states[c]) > 0]
        self.assertLen(moving, 1)
        path = states[moving[0]]
        self.assertEqual(np.ptp(path[:26]), 0)
        self.assertEqual(np.ptp(path[74:]), 0)
        self.assertGreater(np.ptp(path[25:75]), 0.2)

    def test_actions_go_on_from_each_other(self):
        rng = np.random.default_rng(3)
        actions = [
            ("hopping", 0, 40),
            ("spinning", 50, 90),
            ("hopping", 90, 99),
        ]
        states = draw_states(actions, 100, 25, rng)
        # A period is at least 1.2 seconds.
        self.assertLess(np.abs(np.diff(states["hop"])).max(), 2 / 30 + 1e-9)
        turns = np.unwrap(states["angle"], period=1)
        self.assertLess(np.abs(np.diff(turns)).max(), 1 / 30 + 1e-9)
