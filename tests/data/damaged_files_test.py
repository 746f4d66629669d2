import json
import os
import warnings

import numpy as np
from absl.testing import parameterized
from data.folder_test_case import FolderTestCase
from data.mutate import mutate

from ssdet_keras import data
from ssdet_keras import evaluation

_KINETICS = (
    "label,youtube_id,time_start,time_end,split\n"
    '"eating, fast",abcdefghijk,3,13,train\n'
    "abseiling,bbbbbbbbbbb,20,30,train\n"
    '"say ""hi""",ccccccccccc,0,10,validate\n'
)
_LIST = "train/abcdefghijk.mp4 1\ntrain/b b.mp4, 0\nc.mp4,3\n"
_KINETICS_JSON = json.dumps(
    {
        name: {
            "subset": "train",
            "annotations": {"label": "abseiling", "segment": [3.0, 13.0]},
            "duration": 10.0,
        }
        for name in ("abcdefghijk", "bbbbbbbbbbb")
    },
    indent=1,
)
_CHARADES = (
    "id,subject,script,actions,length\n"
    '46GP8,S,"A ""person"", walks.",c092 11.90 21.20;c147 0.00 12.60,24.83\n'
    "N11GT,S,,,18.0\n"
    "AAAAA,S,,c001 1.0 2.0,9.5\n"
)
_ACTIONS_JSON = json.dumps(
    {
        "7UPGT": {
            "subset": "training",
            "duration": 23.21,
            "actions": [[14, 16.0, 22.2], [3, 20, 30]],
        },
        "OTHER": {"subset": "testing", "duration": 9, "actions": []},
    },
    indent=1,
)
_FOLDER = "video_test_0000004 1.0 2.0\nvideo_validation_0000051  3.5 4\n"
_VIDEOS = (
    "video,label,start,end,split,fps,duration\n"
    "a.mp4,jumping,1.5,4.0,train,25,10\n"
    '"b, c.mp4",running,,,train,,\n'
    "a.mp4,running,3.0,9.25,train,25,10\n"
)
_CLASSES = "c000 Holding\nc001 Running away\nc002 Sitting\n"
_SUBMISSION = "YSKX3 1 0.123 0.004 -inf\nYSKX3 2 0.127 0.003 0.25\n"

_COUNT = 300


class DamagedFilesTest(FolderTestCase):
    """Every reader reads a damaged file, or names it and what is wrong."""

    @parameterized.named_parameters(
        ("kinetics_csv", data.read_kinetics, _KINETICS),
        ("kinetics_list", data.read_kinetics, _LIST),
        ("kinetics_json", data.read_kinetics, _KINETICS_JSON),
        ("charades_csv", data.read_charades, _CHARADES),
        ("charades_json", data.read_charades, _ACTIONS_JSON),
        ("multithumos_json", data.read_multithumos, _ACTIONS_JSON),
        ("multithumos_folder", data.read_multithumos, _FOLDER),
        ("videos_csv", data.read_videos, _VIDEOS),
    )
    def test_annotations(self, read, text):
        self.touch("videos", "a.mp4")
        root = self.make_path("videos")
        names = ["annotations"]
        if text is _FOLDER:
            names = ["folder", "Dive.txt"]
        path = self.make_path(*names)
        annotations = os.path.join(self.folder, names[0])

        def read_all():
            try:
                for record in read(annotations, root):
                    self.check_record(record)
            except FileNotFoundError as error:
                if "annotated videos is there" not in str(error):
                    raise

        self.fuzz(path, text.encode(), read_all, names[0])

    def check_record(self, record):
        self.assertNotEmpty(record.id)
        duration = record.duration
        self.assertTrue(duration is None or 0 < duration < np.inf)
        for _, start, end in record.segments:
            self.assertBetween(start, 0, end)

    def test_class_names(self):
        path = self.make_path("classes.txt")
        self.fuzz(path, _CLASSES.encode(), lambda: data.read_class_names(path))

    def test_submission(self):
        for name in ("submission.txt", "submission.txt.gz"):
            with self.subTest(name):
                path = self.make_path(name)
                scores = np.random.default_rng(0).random((25, 3))
                evaluation.write_charades_submission(path, {"YSKX3": scores})
                with open(path, "rb") as file:
                    content = file.read()
                self.fuzz(
                    path,
                    content,
                    lambda path=path: evaluation.read_charades_submission(path),
                )

    def test_predictions(self):
        path = self.make_path("scores.npz")
        scores = np.random.default_rng(0).random((25, 3))
        evaluation.save_predictions(path, {"a": scores, "b": scores}, fps=24)
        with open(path, "rb") as file:
            content = file.read()
        self.fuzz(path, content, lambda: evaluation.load_predictions(path))

    def test_scores_csv(self):
        for name in ("scores.csv", "scores.csv.gz"):
            with self.subTest(name):
                path = self.make_path(name)
                scores = np.random.default_rng(0).random((9, 3))
                predictions = evaluation.Predictions(
                    {'a, "b"': scores, "c": scores}, fps=24
                )
                evaluation.write_scores_csv(path, predictions)
                with open(path, "rb") as file:
                    content = file.read()
                self.fuzz(
                    path,
                    content,
                    lambda path=path: evaluation.read_scores_csv(path),
                )

    @parameterized.named_parameters(
        (
            "csv",
            evaluation.write_segments_csv,
            evaluation.read_segments_csv,
        ),
        (
            "json",
            evaluation.write_detections_json,
            evaluation.read_detections_json,
        ),
    )
    def test_detections(self, write, read):
        path = self.make_path("detections")
        segments = [(0, 1.5, 2.0, 0.25), (1, 2.0, 2.0, 0.125)]
        write(path, {'a, "b"': segments, "c": segments[:1]}, ["walk", "run"])
        with open(path, "rb") as file:
            content = file.read()

        def read_all():
            for found in read(path, ["walk", "run"]).values():
                for segment in found:
                    self.assertIn(segment.class_index, (0, 1))
                    self.assertLessEqual(segment.start, segment.end)
                    self.assertTrue(np.isfinite(segment).all())

        self.fuzz(path, content, read_all)

    def fuzz(self, path, content, read, name=None, count=_COUNT):
        rng = np.random.default_rng(0)
        name = name or os.path.basename(path)
        num_errors = 0
        for _ in range(count):
            damaged = mutate(content, rng)
            with open(path, "wb") as file:
                file.write(damaged)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    read()
            except ValueError as error:
                num_errors += 1
                self.assertIn(name, str(error), damaged[:500])
            except Exception as error:
                raise AssertionError(damaged[:500]) from error
        self.assertBetween(num_errors, count // 10, count)
