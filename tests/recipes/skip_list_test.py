import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from ssdet_keras import data
from ssdet_keras.data import generate

FOLDER = pathlib.Path(__file__).resolve().parent
RECIPE = FOLDER.parents[1] / "recipes" / "finetune_charades.py"


class SkipListTest(unittest.TestCase):
    def test_training_leaves_videos_out(self):
        root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        folder = pathlib.Path(
            generate.generate_charades(
                root,
                num_train=3,
                num_test=0,
                size=16,
                min_duration=1,
                max_duration=2,
                verbose=False,
            )
        )
        annotations = folder / "Charades_v1_train.csv"
        videos = folder / "Charades_v1_480"
        records = data.read_charades(annotations, videos)
        pathlib.Path(records[0].path).write_bytes(b"")
        report = data.check_dataset(
            {"train": records}, num_processes=0, verbose=False
        )
        skip_list = root / "skip_list.txt"
        data.write_skip_list(skip_list, report.to_skip(["corrupt"]))
        others = root / "others.txt"
        others.write_text("# Nothing of it is here.\n\nnowhere.mp4\n")
        everything = root / "everything.txt"
        everything.write_text("".join(f"{r.id}.mp4\n" for r in records))
        common = [
            f"--annotations={annotations}",
            f"--video_root={videos}",
            f"--workdir={root / 'run'}",
            "--batch_size=4",
        ]
        cases = [
            (common, "exceeds the 3 training"),
            ([*common, f"--skip_list={skip_list}"], "exceeds the 2 training"),
            ([*common, f"--skip_list={others}"], "exceeds the 3 training"),
            ([*common, f"--skip_list={everything}"], "leaves no videos"),
            ([*common, "--skip_list=none.txt"], "--skip_list: .*none.txt"),
        ]
        result = subprocess.run(
            [sys.executable, str(FOLDER / "recipe_cases.py"), str(RECIPE)],
            input=json.dumps([case for case, _ in cases]),
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertIn("MESSAGES", result.stdout, result.stderr[-3000:])
        messages = json.loads(result.stdout.split("MESSAGES")[1])
        for (_, expected), message in zip(cases, messages, strict=True):
            self.assertRegex(message, expected)
        warnings = [
            line
            for line in result.stderr.splitlines()
            if "none of them" in line
        ]
        self.assertEqual(len(warnings), 1, result.stderr)
        self.assertIn("1 of the 1 paths of --skip_list", warnings[0])
