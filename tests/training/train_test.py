import contextlib
import pathlib
import tempfile
import unittest

import keras
import numpy as np
import pytest
from absl.testing import parameterized
from training_log import read_log

from ssdet_keras import data
from ssdet_keras import models
from ssdet_keras import training
from ssdet_keras.data import generate
from ssdet_keras.layers import VolumeMixUp

STEPS = 3
EPOCHS = 3


class Killed(Exception):
    pass


class Losses(keras.callbacks.Callback):
    """Keeps the loss of every step, and kills the run after some of them."""

    def __init__(self, kill_after=None):
        super().__init__()
        self.losses = []
        self._kill_after = kill_after

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])
        if len(self.losses) == self._kill_after:
            raise Killed


@pytest.mark.slow
class TrainTest(parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        generate.generate_kinetics(
            cls.root, num_train=4, num_val=0, size=32, duration=1, verbose=False
        )
        cls.records = data.read_kinetics(
            cls.root / "kinetics" / "train.csv", cls.root / "kinetics/videos"
        )
        cls.expected = {}

    def make_source(self):
        return data.ClipSource(
            self.records, num_frames=4, frame_stride=2, size=32, seed=3
        )

    def make_detector(self, optimizer):
        keras.utils.set_random_seed(1)
        backbone = models.X3DBackbone(
            "m", width=0.25, depth=0.1, zero_init_residual=False
        )
        model = models.FrameDetector(backbone, 4, dropout=0.5)
        # Compiling takes longer than these steps.
        model.compile(optimizer, training.DetectionLoss(), jit_compile=False)
        return model

    def train(
        self,
        name,
        make_model,
        kill_after=None,
        manifold=False,
        callbacks=(),
        **kwargs,
    ):
        """Returns the detector and the losses of the steps."""
        path = self.root / name
        workdir = training.WorkDir(path, resume=path.exists())
        workdir.save_flags("")
        detector = model = make_model()
        if workdir.checkpoint is not None:
            detector = model = keras.saving.load_model(workdir.checkpoint.path)
        mixup = VolumeMixUp(seed=0, dtype="uint8")
        losses = Losses(kill_after)
        kwargs = {
            "batch_size": 2,
            "steps_per_epoch": STEPS,
            "checkpoint_steps": 2,
            "augment": mixup,
            "transform": lambda b: (b["videos"], b["labels"]),
            **kwargs,
        }
        if manifold:
            model = training.ManifoldAugmentation(detector, mixup, seed=1)
            model.compile(
                detector.optimizer,
                detector.loss,
                auto_scale_loss=False,
                jit_compile=False,
            )
            kwargs["augment"] = model.draw
            kwargs["transform"] = lambda b: (
                {key: b[key] for key in ("videos", "transformation")},
                b["labels"],
            )
        augment = kwargs["augment"]
        kwargs["augment"] = lambda batch, seed: keras.tree.map_structure(
            keras.ops.convert_to_numpy, augment(batch, seed=seed)
        )
        with contextlib.suppress(Killed):
            training.train(
                model,
                self.make_source(),
                workdir,
                num_epochs=EPOCHS,
                saved_model=detector,
                callbacks=[*callbacks, losses],
                **kwargs,
            )
        return detector, losses.losses

    def assert_same_model(self, model, expected):
        pairs = zip(
            [*model.variables, *model.optimizer.variables],
            [*expected.variables, *expected.optimizer.variables],
            strict=True,
        )
        for a, b in pairs:
            np.testing.assert_array_equal(
                keras.ops.convert_to_numpy(a),
                keras.ops.convert_to_numpy(b),
                a.path,
            )

    def make_sgd(self):
        schedule = training.StepSchedule(0.05, [5], warmup_steps=4)
        return self.make_detector(
            training.SGD(schedule, momentum=0.9, backbone_factor=0.5)
        )

    def run_whole(self):
        if "sgd" not in self.expected:
            self.expected["sgd"] = self.train("whole", self.make_sgd)
        return self.expected["sgd"]

    # Checkpoints are after 2, 3, 5, 6 and 8 steps.
    @parameterized.parameters((4, 3), (6, 5))
    def test_resumed_run_is_the_whole_run(self, killed_after, resumed_after):
        expected, losses = self.run_whole()
        self.assertLen(losses, EPOCHS * STEPS)
        self.assertLen(set(losses), EPOCHS * STEPS)
        name = f"after_{killed_after}"
        _, first = self.train(name, self.make_sgd, kill_after=killed_after)
        model, rest = self.train(name, self.make_sgd)
        self.assertEqual(first, losses[:killed_after])
        self.assertEqual(rest, losses[resumed_after:])
        self.assert_same_model(model, expected)
        self.assertEqual(
            read_log(self.root / name), read_log(self.root / "whole")
        )

    def test_last_epoch_that_is_shorter(self):
        _, losses = self.run_whole()
        kwargs = {"last_steps": 2, "checkpoint_steps": 1}
        # Resumed after 7 steps, within the last epoch.
        _, first = self.train("s", self.make_sgd, kill_after=8, **kwargs)
        model, rest = self.train("s", self.make_sgd, **kwargs)
        self.assertEqual(first, losses[:8])
        self.assertEqual(rest, losses[7:8])
        self.assertEqual(int(model.optimizer.iterations), 8)
        self.assertLen(read_log(self.root / "s"), EPOCHS)

    def test_float16(self):
        def make_model():
            return self.make_detector(training.SGD(0.01))

        keras.config.set_dtype_policy("mixed_float16")
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        expected, losses = self.train("h", make_model)
        self.assertIsInstance(
            expected.optimizer, keras.optimizers.LossScaleOptimizer
        )
        self.assertTrue(np.isfinite(losses).all())
        self.train("i", make_model, kill_after=6)
        model, rest = self.train("i", make_model)
        self.assertEqual(rest, losses[5:])
        self.assert_same_model(model, expected)

    def test_the_saved_model_is_the_average_of_the_weights(self):
        weights = []

        class KeepWeights(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                weights.append(
                    [
                        keras.ops.convert_to_numpy(variable).copy()
                        for variable in self.model.trainable_variables
                    ]
                )

        def make_model():
            return self.make_detector(
                training.SGD(
                    0.05,
                    use_ema=True,
                    ema_momentum=0.75,
                    gradient_accumulation_steps=2,
                )
            )

        callbacks = [KeepWeights()]
        # Resumed after 5 steps, within an epoch: its rest is a `fit` apart.
        self.train("e", make_model, kill_after=6, callbacks=callbacks)
        del weights[5:]
        self.train("e", make_model, callbacks=callbacks)
        self.assertLen(weights, EPOCHS * STEPS)
        # It begins with the first update, after two steps.
        expected = weights[1]
        for new in weights[2:]:
            expected = [
                0.75 * a + 0.25 * b for a, b in zip(expected, new, strict=True)
            ]
        model = keras.saving.load_model(self.root / "e" / "model.keras")
        for variable, average in zip(
            model.trainable_variables, expected, strict=True
        ):
            np.testing.assert_allclose(
                keras.ops.convert_to_numpy(variable),
                average,
                rtol=1e-5,
                atol=1e-7,
            )
        self.assertFalse(np.allclose(average, weights[-1][-1], atol=1e-4))

    def test_finished_run_is_saved_again(self):
        def make_model():
            return self.make_detector(training.SGD(0.01, use_ema=True))

        self.train("f", make_model)
        path = self.root / "f" / "model.keras"
        expected = keras.saving.load_model(path)
        path.unlink()
        _, losses = self.train("f", make_model)
        self.assertEqual(losses, [])
        saved = keras.saving.load_model(path)
        for a, b in zip(
            saved.get_weights(), expected.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(a, b)

    def test_other_steps(self):
        self.train("o", self.make_sgd, kill_after=3)
        for name, before, value in (
            ("steps_per_epoch", STEPS, 4),
            ("batch_size", 2, 1),
        ):
            with self.assertRaisesRegex(
                training.TrainingStopped,
                f"resumed with {name}={before},.*Received: {name}={value}",
            ):
                self.train("o", self.make_sgd, **{name: value})

    def test_processes_must_see_the_same_checkpoint(self):
        distribution = training.Distribution()
        distribution.all_gather_objects = lambda value: [[1, 2], value]
        with self.assertRaisesRegex(
            training.TrainingStopped, r"same checkpoint.*\[\[1, 2\], \[0, 0\]\]"
        ):
            self.train("p", self.make_sgd, distribution=distribution)

    def test_manifold_augmentation_averages_and_accumulated_gradients(self):
        def make_model():
            optimizer = training.AdamW(
                0.01, use_ema=True, gradient_accumulation_steps=2
            )
            return self.make_detector(optimizer)

        expected, losses = self.train("m", make_model, manifold=True)
        self.train("n", make_model, kill_after=6, manifold=True)
        model, rest = self.train("n", make_model, manifold=True)
        # In the middle of an epoch, with gradients of one step accumulated.
        self.assertEqual(rest, losses[5:])
        self.assert_same_model(model, expected)


if __name__ == "__main__":
    unittest.main()
