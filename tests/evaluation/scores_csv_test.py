import pathlib
import tempfile

import numpy as np
from absl.testing import parameterized

from ssdet_keras.evaluation import Predictions
from ssdet_keras.evaluation import read_scores_csv
from ssdet_keras.evaluation import write_scores_csv

NASTY = (
    'a,"b"',
    "ü 视频\u2028",
    " x ",
    "line\nbreak\r",
    "'",
    "=1+1",
    "a/b.mp4",
)


class ScoresCsvTest(parameterized.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.path = pathlib.Path(folder) / "scores.csv"

    def read(self, text):
        self.path.write_bytes(text.encode())
        return read_scores_csv(self.path)

    def test_write(self):
        predictions = Predictions(
            {"a": np.array([[0.1, 1], [0.25, -np.inf]], "float32")},
            class_names=["x", "y, z"],
            fps=2,
            stride=3,
        )
        write_scores_csv(self.path, predictions)
        self.assertEqual(
            self.path.read_bytes().decode(),
            'video,time,x,"y, z"\na,0.0,0.1,1.0\na,1.5,0.25,-inf\n',
        )
        write_scores_csv(self.path, {"a": np.zeros((1, 2))})
        self.assertEqual(self.path.read_text(), "video,time,0,1\na,,0.0,0.0\n")

    def test_read(self):
        out = self.read(
            "\ufeffvideo,time,x\r\na,0.5,0.1\r\na,1,0.2\r\n\r\nb,1,1\r\nb,2,2\r\n"
        )
        self.assertEqual(out.class_names, ["x"])
        self.assertEqual(out["a"].tolist(), [[0.1], [0.2]])
        self.assertEqual(out["a"].dtype, np.float64)
        # Both start with their second row.
        self.assertEqual((out.fps, out.offset), ({"a": 2.0, "b": 1.0}, 1.0))
        self.assertEqual(out.times("a").tolist(), [0.5, 1.0])

    def test_single_rows(self):
        out = self.read("video,time,x\na,0.5,0\na,1.5,0\nb,2,0\n")
        self.assertEqual((out.fps, out.offset), ({"a": 1.0, "b": 0.25}, 0.5))
        out = self.read("video,time,x\na,0.5,0\nb,2,0\nc,0,0\n")
        self.assertEqual(out.times("a").tolist(), [0.5])
        self.assertEqual(out.times("b").tolist(), [2.0])
        self.assertEqual(out.times("c", 9.0).tolist(), [0.0])

    def test_times_may_be_rounded(self):
        rows = "".join(f"a,{i / 30:.2f},0\n" for i in range(100))
        out = self.read(f"video,time,x\n{rows}")
        np.testing.assert_allclose(
            out.times("a"), np.arange(100) / 30, atol=0.005
        )

    @parameterized.product(
        name=["a.csv", "a.csv.gz"], dtype=["float16", "float32", "float64"]
    )
    def test_round_trip(self, name, dtype):
        rng = np.random.default_rng(0)
        for _ in range(10):
            scores = {
                video_id: rng.random((rng.integers(1, 9), 3)).astype(dtype)
                for video_id in NASTY
            }
            scores["a/b.mp4"][0, 1] = -np.inf
            known = [v for v in NASTY if rng.random() < 0.7]
            predictions = Predictions(
                scores,
                class_names=['"', ",", "ü"],
                fps={video_id: rng.uniform(1, 60) for video_id in known},
                stride=rng.uniform(1, 9),
                offset=rng.choice([0, rng.uniform(0, 9)]),
            )
            path = self.path.with_name(name)
            write_scores_csv(path, predictions)
            out = read_scores_csv(path)
            self.assertEqual(list(out), list(scores))
            self.assertEqual(out.class_names, predictions.class_names)
            self.assertLessEqual(set(out.fps), set(known))
            for video_id, rows in scores.items():
                np.testing.assert_array_equal(out[video_id].astype(dtype), rows)
                np.testing.assert_allclose(
                    out.times(video_id, 9.0),
                    predictions.times(video_id, 9.0),
                    atol=1e-9,
                )
            self.assertLen(list(path.parent.iterdir()), 1)

    @parameterized.named_parameters(
        ("empty", "", r"columns must .* Received: \[\] in .*csv, line 1"),
        ("header", "id,time,x\na,0,1\n", "'id', 'time', 'x'.*line 1"),
        ("no_class", "video,time\na,0\n", "one for each class"),
        ("no_rows", "video,time,x\n", "must have rows"),
        ("cells", "video,time,x\na,0\n", "have 3 cells.* 2 in .*, line 2"),
        ("score", "video,time,x\n\na,0,x\n", "'x' in .*csv, line 3"),
        ("nan", "video,time,x\na,0,nan\n", "nan in .*csv, line 2"),
        ("inf", "video,time,x\na,0,inf\n", "inf in .*csv, line 2"),
        ("time", "video,time,x\na,now,0\n", "'now' in .*csv, line 2"),
        (
            "twice",
            "video,time,x\na,0,0\na,1,0\na,1,0\na,2,0\n",
            "each row once.* row 1 of 'a' in .*csv, from line 2",
        ),
        (
            "missing",
            "video,time,x\na,0,0\na,1,0\na,3,0\n",
            "even steps.* Received: 1.0 in place of 1.5, row 1 of 'a'",
        ),
        (
            "descending",
            "video,time,x\na,1,0\na,0,0\n",
            "must ascend",
        ),
        (
            "scattered",
            "video,time,x\na,0,0\nb,0,0\na,1,0\n",
            "follow one another. Received: 'a' again in .*csv, line 4",
        ),
        (
            "some_blank",
            "video,time,x\na,0,0\na,,0\n",
            "1 of 2 blank of 'a' in .*csv, from line 2",
        ),
        (
            "single",
            "video,time,x\na,0,0\na,1,0\nb,3,0\n",
            "equally late.* 3.0 as the first time of 'b' in .*, inf rows",
        ),
        (
            "starts",
            "video,time,x\na,0,0\na,1,0\nb,2,0\nb,3,0\n",
            "equally late.* 0.0 as the first time of 'a' .*, 0 rows .* 1 rows",
        ),
        ("names", "video,time,x,x\na,0,0,0\n", r"\['x'\] twice in .*csv"),
        ("quote", 'video,time,x\n"a,0,0\n', "Received: unexpected end"),
        ("no_id", "video,time,x\n,0,0\n", "A video id .* in .*csv"),
    )
    def test_invalid_file(self, text, message):
        with self.assertRaisesRegex(ValueError, message):
            self.read(text)

    def test_other_encoding(self):
        self.path.write_bytes("video,time,x\nü,0,0\n".encode("latin-1"))
        with self.assertRaisesRegex(ValueError, "UTF-8 .*scores.csv"):
            read_scores_csv(self.path)
