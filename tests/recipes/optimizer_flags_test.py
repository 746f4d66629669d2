import types
import unittest

import numpy as np
from absl import flags
from absl.testing import flagsaver

from ssdet_keras import training
from ssdet_keras.recipes import training_flags


class OptimizerFlagsTest(unittest.TestCase):
    def setUp(self):
        flags.FLAGS.mark_as_parsed()

    def make(self, num_replicas=1, **values):
        """Returns the optimizer of 100 steps, 10 of which warm up."""
        with flagsaver.flagsaver(**values):
            return training_flags.make_optimizer(
                learning_rate=0.5,
                backbone_factor=0.25,
                weight_decay=0.125,
                num_steps=100,
                warmup=10,
                milestones=[60],
                distribution=types.SimpleNamespace(num_replicas=num_replicas),
                fusion_factor=2.0,
            )

    def assert_rates(self, optimizer, expected):
        rates = {}
        for step in expected:
            optimizer.iterations.assign(step)
            rates[step] = float(optimizer.learning_rate)
        np.testing.assert_allclose(
            list(rates.values()), list(expected.values()), rtol=1e-5, atol=1e-7
        )

    def test_sgd(self):
        optimizer = self.make()
        self.assertIsInstance(optimizer, training.SGD)
        config = optimizer.get_config()
        for name, value in (
            ("momentum", 0.9),
            ("weight_decay", 0.125),
            ("backbone_factor", 0.25),
            ("fusion_factor", 2.0),
            ("use_ema", False),
            ("global_clipnorm", None),
            ("gradient_accumulation_steps", None),
        ):
            self.assertEqual(config[name], value, name)
        self.assert_rates(optimizer, {0: 0.05, 9: 0.5, 59: 0.5, 60: 0.05})

    def test_all_else(self):
        optimizer = self.make(
            optimizer="adamw", ema=0.99, accumulate_steps=4, clip_norm=1.5
        )
        self.assertIsInstance(optimizer, training.AdamW)
        config = optimizer.get_config()
        for name, value in (
            ("weight_decay", 0.125),
            ("backbone_factor", 0.25),
            ("fusion_factor", 2.0),
            ("use_ema", True),
            ("ema_momentum", 0.99),
            ("global_clipnorm", 1.5),
            ("gradient_accumulation_steps", 4),
        ):
            self.assertEqual(config[name], value, name)

    def test_cosine(self):
        optimizer = self.make(schedule="cosine")
        # Half of the 90 steps after the warm-up are done at step 55.
        self.assert_rates(optimizer, {0: 0, 5: 0.25, 10: 0.5, 55: 0.25, 100: 0})

    def test_scaled_learning_rate(self):
        with self.assertLogs("absl", "INFO") as logs:
            optimizer = self.make(4, scale_learning_rate=True)
        self.assertIn("Peak learning rate: 2", logs.output[0])
        self.assert_rates(optimizer, {10: 2.0})
        self.assert_rates(self.make(4), {10: 0.5})


if __name__ == "__main__":
    unittest.main()
