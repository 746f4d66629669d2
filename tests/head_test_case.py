"""Checks that every head of several steps must pass."""

import pathlib
import re
import tempfile

import keras
import numpy as np
import torch
from ops.gradients import to_numpy
from sequence_test_case import SequenceTestCase

from ssdet_keras.models import FrameDetector
from ssdet_keras.models import load_checkpoint

GOLDEN = pathlib.Path(__file__).resolve().parent / "models/golden/heads"


def generated_state(name):
    """Returns random tensors with the names and shapes of a public layout."""
    lines = (GOLDEN / f"{name}_keys.txt").read_text().splitlines()
    state, rng = {}, np.random.default_rng(0)
    for line in lines:
        name, shape, _ = line.split("\t")
        shape = [int(size) for size in re.findall(r"\d+", shape)]
        values = rng.normal(size=shape)
        if len(shape) > 1:
            values /= np.sqrt(np.prod(shape[1:]))
        elif re.search(r"norm\d?\.weight$", name):
            values = 1 + 0.3 * values
        else:
            values *= 0.5
        state[name] = torch.from_numpy(values.astype("float32"))
    return state


def small_backbone():
    """A backbone whose features are the mean colours of frames."""
    videos = keras.Input((None, None, None, 3))
    x = keras.layers.AveragePooling3D((1, 4, 4))(videos)
    return keras.Model(videos, keras.layers.Rescaling(1 / 255)(x))


class HeadTestCase(SequenceTestCase):
    def setUp(self):
        super().setUp()
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.folder = pathlib.Path(folder)

    def load(self, head, state, features, **kwargs):
        """Builds a head, and loads a state dict from a file into it."""
        path = self.folder / "head.pt"
        torch.save(state, path)
        if not head.built:
            head.build((None, None, features))
        return load_checkpoint(head, path, **kwargs)

    def run_checkpoint_test(self, head, state, layout, features, expected):
        """Loads a checkpoint, and compares with what it should compute.

        Args:
            head: Head.
            state: Dict of tensors.
            layout: Name of the layout.
            features: Integer.
            expected: Function of the state dict and features.
        """
        result = self.load(head, state, features)
        self.assertEqual(result.layout, layout)
        self.assertLen(set(result.loaded), len(head.weights))
        self.assertEqual(result[2:], ([], [], [], []))
        for num_steps in (13, 3):
            x = self.draw(2, num_steps, features)
            logits = expected(state, torch.from_numpy(x)).numpy()
            self.assert_logits(head(x), logits)
            ones = np.ones(x.shape[:2], bool)
            self.assert_logits(head(x, mask=ones), logits)

    def assert_logits(self, actual, expected):
        tolerance = 1e-4 * max(1, expected.std())
        np.testing.assert_allclose(
            to_numpy(actual), expected, rtol=0, atol=tolerance
        )

    def run_misfit_test(self, head, state, features, removed):
        """Loads a checkpoint that lacks a tensor, and has one too many."""
        state = {**state, "extra.weight": torch.zeros(3)}
        del state[removed]
        head.build((None, None, features))
        before = head.get_weights()
        with self.assertRaisesRegex(
            ValueError, r"(?s)1 missing in the file.*1 left over.*extra\.weight"
        ):
            self.load(head, state, features)
        for old, new in zip(before, head.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)
        result = self.load(head, state, features, strict=False)
        self.assertLen(result.missing, 1)
        self.assertEqual(result.left_over, ["extra.weight"])

    def run_detector_test(self, head, num_classes):
        """Trains a step of a detector with a head, saves and loads it."""
        detector = FrameDetector(small_backbone(), num_classes, head=head)
        detector.compile(
            "sgd", keras.losses.BinaryCrossentropy(from_logits=True)
        )
        rng = np.random.default_rng(0)
        clips = rng.integers(0, 256, (2, 9, 4, 8, 3), "uint8")
        labels = rng.integers(0, 2, (2, 9, num_classes)).astype("float32")
        before = detector.get_weights()
        history = detector.fit(clips, labels, verbose=0)
        self.assertTrue(np.isfinite(history.history["loss"][0]))
        changes = [
            np.abs(old - new).max()
            for old, new in zip(before, detector.get_weights(), strict=True)
        ]
        self.assertGreater(np.count_nonzero(changes), len(changes) // 2)
        logits = detector.predict_on_batch(clips)
        self.assertEqual(logits.shape, (2, 9, num_classes))
        self.assertEqual(logits.dtype, "float32")
        detector.save(self.folder / "detector.keras")
        restored = keras.saving.load_model(self.folder / "detector.keras")
        self.assertIs(type(restored.head), type(head))
        self.assertEqual(restored.head.get_config(), head.get_config())
        np.testing.assert_allclose(
            restored.predict_on_batch(clips), logits, atol=1e-5
        )
        other = restored.predict_on_batch(clips[:, :4])
        self.assertEqual(other.shape, (2, 4, num_classes))

    def run_invalid_arguments_test(self, head_class):
        with self.assertRaisesRegex(ValueError, "num_classes=0"):
            head_class(0)
        with self.assertRaisesRegex(ValueError, r"dropout=1"):
            head_class(2, dropout=1)
