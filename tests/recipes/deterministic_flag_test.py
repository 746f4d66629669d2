"""--deterministic is heeded by every recipe, before its backend starts."""

import pathlib
import subprocess
import sys
import unittest

RECIPES = pathlib.Path(__file__).resolve().parents[2] / "recipes"
# Runs a recipe up to a function, and prints what is set there.
CODE = """
import importlib.util
import os
import sys
from unittest import mock

import keras
from absl import app


def is_deterministic():
    if keras.config.backend() == "torch":
        import torch

        return torch.are_deterministic_algorithms_enabled()
    if keras.config.backend() == "tensorflow":
        from tensorflow.python.framework import config

        return config.is_op_determinism_enabled()
    from jax._src import xla_bridge

    has_flag = "--xla_gpu_deterministic_ops=true" in os.environ["XLA_FLAGS"]
    return has_flag and not xla_bridge.backends_are_initialized()


def stop(*args, **kwargs):
    print("DETERMINISTIC", is_deterministic())
    sys.exit()


path, function, *arguments = sys.argv[1:]
spec = importlib.util.spec_from_file_location("recipe", path)
recipe = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recipe)
with mock.patch(function, stop):
    app.run(recipe.main, argv=[path, *arguments])
"""


class DeterministicFlagTest(unittest.TestCase):
    def test_it_is_set_before_anything_is_computed(self):
        videos = ["--video_root=videos"]
        features = ["--head=pdan", "--features=features"]
        for recipe, function, flags in (
            ("pretrain_kinetics", "training.make_distribution", videos),
            ("finetune_charades", "training.make_distribution", videos),
            ("train_head", "data.FeatureFolder", features),
        ):
            command = [
                RECIPES / f"{recipe}.py",
                f"ssdet_keras.{function}",
                "--workdir=run",
                "--annotations=train.csv",
                "--deterministic",
                *flags,
            ]
            with self.subTest(recipe):
                result = subprocess.run(
                    [sys.executable, "-c", CODE, *command],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                self.assertEqual(result.returncode, 0, result.stderr[-3000:])
                self.assertIn("DETERMINISTIC True", result.stdout)


if __name__ == "__main__":
    unittest.main()
