"""Clips are those of the modality of the model that is trained."""

import subprocess
import sys
import unittest

CODE = """
import types
from absl import flags
from ssdet_keras import data
from ssdet_keras.recipes import training_flags

flags.FLAGS(["recipe.py", "--workdir=runs"])
records = data.VideoRecords([data.VideoRecord("a", "a.mp4")], ["run"])
for backbone in ({"modality": "flow"}, {"modality": "rgb"}, {}):
    model = types.SimpleNamespace(backbone=types.SimpleNamespace(**backbone))
    source = training_flags.make_source(model, records, 5)
    print(source.modality)
print(training_flags.make_source(object(), records, 5).modality)
"""


class FlowTrainingTest(unittest.TestCase):
    def test_modality_of_the_model(self):
        result = subprocess.run(
            [sys.executable, "-c", CODE],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(result.returncode, 0, result.stderr[-3000:])
        self.assertEqual(result.stdout.split(), ["flow", "rgb", "rgb", "rgb"])
