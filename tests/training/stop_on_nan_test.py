import pathlib
import tempfile
import unittest

import keras
import numpy as np

from ssdet_keras import data
from ssdet_keras import training
from ssdet_keras.data import generate


class StopOnNaNTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        generate.generate_kinetics(
            cls.root, num_train=4, num_val=0, size=32, duration=1, verbose=False
        )
        cls.records = data.read_kinetics(
            cls.root / "kinetics" / "train.csv", cls.root / "kinetics/videos"
        )

    def make_batches(self):
        source = data.ClipSource(
            self.records, num_frames=2, frame_stride=1, size=16, seed=3
        )
        self.addCleanup(lambda: batches.close())
        batches = data.ClipBatches(
            source,
            batch_size=2,
            steps_per_epoch=3,
            initial_epoch=4,
            initial_batch=1,
            transform=lambda batch: (
                {"videos": batch["videos"]},
                batch["labels"],
            ),
        )
        return source, batches

    def test_names_and_saves_the_batch(self):
        source, batches = self.make_batches()
        callback = training.StopOnNaN(batches, self.root)
        # Two steps are left of the fifth epoch.
        for batch in (0, 1, 0):
            callback.on_train_batch_end(batch, {"loss": 0.5})
        callback.on_train_batch_end(1)
        with self.assertRaises(training.TrainingStopped) as raised:
            callback.on_train_batch_end(2, {"loss": float("nan")})
        message = str(raised.exception)
        self.assertIn("The loss is nan at step 3 of epoch 6", message)
        # The batch 5 * 3 + 2 of the stream is the second of its 9th pass.
        ids = [source.get_record(8, clip).id for clip in (2, 3)]
        self.assertIn(f"on the clips of {', '.join(ids)}.", message)
        self.assertIn("nan_batch.npz", message)
        with np.load(self.root / "nan_batch.npz") as saved:
            self.assertEqual(sorted(saved), ["0/videos", "1"])
            clips = [source.get_clip(8, clip) for clip in (2, 3)]
            np.testing.assert_array_equal(
                saved["0/videos"], [clip["videos"] for clip in clips]
            )
            np.testing.assert_array_equal(
                saved["1"], [clip["labels"] for clip in clips]
            )

    def test_infinite_loss_in_a_folder_that_is_gone(self):
        _, batches = self.make_batches()
        callback = training.StopOnNaN(batches, self.root / "gone")
        with self.assertRaisesRegex(
            training.TrainingStopped, "loss is inf.*could not be saved"
        ):
            callback.on_train_batch_end(0, {"loss": float("inf")})

    def test_in_fit(self):
        _, batches = self.make_batches()
        inputs = keras.Input((2, 16, 16, 3), name="videos")
        x = keras.layers.GlobalAveragePooling3D()(inputs)
        model = keras.Model({"videos": inputs}, keras.layers.Dense(1)(x))
        model.compile("sgd", lambda labels, x: x[:, 0] * float("nan"))
        with self.assertRaisesRegex(
            training.TrainingStopped, "at step 2 of epoch 5"
        ):
            model.fit(
                batches,
                steps_per_epoch=2,
                verbose=0,
                callbacks=[training.StopOnNaN(batches, self.root)],
            )
