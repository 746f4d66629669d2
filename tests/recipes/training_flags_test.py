"""Flags that an engine of several devices can't compute with."""

import unittest
from unittest import mock

import keras
from absl import app
from absl import flags
from absl.testing import flagsaver

from ssdet_keras import training
from ssdet_keras.recipes import pretrain_kinetics
from ssdet_keras.recipes import training_flags


class Read(Exception):
    """All flags were taken: the recipe begins to read."""


class TrainingFlagsTest(unittest.TestCase):
    def setUp(self):
        flags.FLAGS.mark_as_parsed()
        self.distribution = training.Distribution()
        for function in ("start_distribution", "read_records"):
            self.enterContext(mock.patch.object(training_flags, function))
        training_flags.start_distribution.return_value = self.distribution
        training_flags.read_records.side_effect = Read
        # The next step of the function that is called.
        self.enterContext(
            mock.patch.object(
                training_flags.run_flags, "start_run", side_effect=Read
            )
        )

    def call(self, function, backend, processes, devices, **values):
        """Calls a function with flags on an engine of several devices."""
        self.distribution.num_processes = processes
        self.distribution.num_replicas = devices
        with (
            flagsaver.flagsaver(**values),
            mock.patch.object(keras.config, "backend", return_value=backend),
        ):
            function()

    def start_run(self, *args, **values):
        self.call(
            lambda: training_flags.start_run(self.distribution), *args, **values
        )

    def test_gradients_of_several_devices(self):
        for name, value, instead in (
            ("accumulate_steps", 2, "a larger --batch_size"),
            ("clip_norm", 1.0, "no --clip_norm"),
            ("mixed_precision", "float16", "--mixed_precision=bfloat16"),
        ):
            with self.subTest(name):
                for processes in (1, 2):
                    with self.assertRaisesRegex(
                        app.UsageError,
                        f"--{name}={value} must be used on one device with "
                        "TensorFlow. Received: 2 devices. "
                        f"Use {instead}, --distribution=none, or PyTorch or",
                    ):
                        self.start_run(
                            "tensorflow", processes, 2, **{name: value}
                        )
                for case in (
                    ("tensorflow", 1, 1),
                    ("torch", 2, 2),
                    ("jax", 1, 2),
                ):
                    with self.assertRaises(Read):
                        self.start_run(*case, **{name: value})
        with self.assertRaises(Read):
            self.start_run("tensorflow", 2, 2, mixed_precision="bfloat16")

    def test_reader(self):
        with (
            flagsaver.flagsaver(reader="pyav"),
            mock.patch.object(training_flags.data, "ClipSource") as source,
        ):
            training_flags.make_source(None, [], 5)
        self.assertEqual(source.call_args.kwargs["reader"], "pyav")

    def test_depth_of_the_augmentation(self):
        def pretrain(*args, depth="random"):
            self.call(
                lambda: pretrain_kinetics.main([""]),
                *args,
                augmentation_depth=depth,
                annotations="train.csv",
                video_root="videos",
            )

        for case in (
            ("jax", 2, 2),
            ("tensorflow", 1, 2),
            ("tensorflow", 2, 4),
        ):
            with (
                self.subTest(case),
                self.assertRaisesRegex(
                    app.UsageError,
                    "--augmentation_depth=random must be used in one process "
                    "with JAX, and with one device per process with "
                    "TensorFlow. Received: {1} processes with {2} devices. "
                    "Use --augmentation_depth=input".format(*case),
                ),
            ):
                pretrain(*case)
            with self.assertRaises(Read):
                pretrain(*case, depth="input")
        for case in (("jax", 1, 2), ("tensorflow", 2, 2), ("torch", 2, 2)):
            with self.subTest(case), self.assertRaises(Read):
                pretrain(*case)


if __name__ == "__main__":
    unittest.main()
