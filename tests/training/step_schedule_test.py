import keras
from absl.testing import parameterized

from ssdet_keras.training import StepSchedule


class StepScheduleTest(parameterized.TestCase):
    @parameterized.parameters(
        # Warm-up over 4 steps, then divided by 10 twice.
        (0, 0.1),
        (1, 0.2),
        (3, 0.4),
        (9, 0.4),
        (10, 0.04),
        (20, 0.004),
    )
    def test_values(self, step, expected):
        schedule = StepSchedule(0.4, milestones=[10, 20], warmup_steps=4)
        self.assertAlmostEqual(float(schedule(step)), expected, places=7)

    def test_without_warm_up_starts_at_the_rate(self):
        self.assertAlmostEqual(float(StepSchedule(0.4)(0)), 0.4, places=7)

    def test_round_trip(self):
        schedule = StepSchedule(
            0.4, milestones=[10], factor=0.5, warmup_steps=4
        )
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(schedule)
        )
        self.assertEqual(restored.get_config(), schedule.get_config())

    def test_invalid_rate(self):
        with self.assertRaisesRegex(ValueError, "learning_rate=0"):
            StepSchedule(0)
