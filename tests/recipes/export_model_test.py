import pathlib
import tempfile
import unittest

import keras
import pytest
from run_recipe_cases import run_recipe_cases

from ssdet_keras import models

FOLDER = pathlib.Path(__file__).resolve().parent
RECIPE = FOLDER.parents[1] / "recipes" / "export_model.py"


@pytest.mark.slow
@unittest.skipIf(
    keras.config.backend() != "tensorflow", "The recipe is for TensorFlow."
)
class ExportModelTest(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.folder = pathlib.Path(folder)
        self.checkpoint = self.folder / "model.keras"
        backbone = models.X3DBackbone(width=0.25, depth=0.1)
        models.FrameDetector(backbone, 5).save(self.checkpoint)

    def call(self, cases, backend="tensorflow"):
        """Returns the message that each call ended with."""
        return run_recipe_cases(RECIPE, cases, KERAS_BACKEND=backend)

    def test_writes_both_formats_and_tells_bad_flags(self):
        checkpoint = f"--checkpoint={self.checkpoint}"
        output = f"--output={self.folder / 'out' / 'model.onnx'}"
        saved_model = f"--output={self.folder / 'saved'}"
        backbone = self.folder / "backbone.keras"
        models.X3DBackbone(width=0.25, depth=0.1).save(backbone)
        broken = self.folder / "broken.keras"
        broken.write_bytes(b"no model")
        messages = self.call(
            [
                [checkpoint, output, "--dtype=uint8"],
                [checkpoint, saved_model],
                [output],
                ["--checkpoint=none.keras", output],
                [f"--checkpoint={broken}", output],
                [f"--checkpoint={backbone}", output],
                [checkpoint, f"--output={broken}/model.onnx"],
                [checkpoint, output, "more"],
            ]
        )
        # Each call has compared the logits.
        self.assertEqual(messages[:2], [None, None])
        self.assertTrue((self.folder / "out" / "model.onnx").is_file())
        self.assertTrue((self.folder / "saved" / "saved_model.pb").is_file())
        for message, expected in zip(
            messages[2:],
            [
                "--checkpoint",
                "--checkpoint=none.keras",
                "Can't load .*broken.keras",
                "backbone.keras, a X3DBackbone",
                "--output can't be written",
                "Unexpected arguments.*more",
            ],
            strict=True,
        ):
            with self.subTest(expected=expected):
                self.assertRegex(message or "", expected)

    def test_other_backend(self):
        arguments = [f"--checkpoint={self.checkpoint}", "--output=model.onnx"]
        (message,) = self.call([arguments], backend="torch")
        self.assertRegex(message or "", "KERAS_BACKEND=tensorflow.*=torch")
