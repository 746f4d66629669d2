import base64
import hashlib
import html
import json
import os
import pathlib
import re
import tempfile

import numpy as np
from absl.testing import parameterized

from ssdet_keras.visualization import write_detection_page

HOSTILE = (
    "</script><script>alert('x')</script> & \"><img src=http://a.b/c>\u2028"
)


class DetectionPageTest(parameterized.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, **kwargs):
        """Returns the text of a page and the data in it."""
        arguments = {
            "path": self.folder / "page.html",
            "video": (
                str(self.folder / "a.mp4"),
                "video/mp4",
                b"abcd",
                False,
                True,
            ),
            "scores": np.zeros((40, 2)),
            "fps": 4.0,
            "class_names": ["walk", "run"],
            "segments": [],
            **kwargs,
        }
        write_detection_page(**arguments)
        text = pathlib.Path(arguments["path"]).read_text(encoding="utf-8")
        data = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1]
        return text, json.loads(data)

    def read_scores(self, data):
        """Returns the least and greatest, of shape `(2, bins, classes)`."""
        values = np.frombuffer(base64.b64decode(data["scores"]), "uint8")
        return values.reshape(len(data["names"]), -1, 2).T / 255

    def test_data(self):
        _, data = self.write(
            segments=[(1, 2.0, 3.25, 0.75)], truth=[(0, 1.0, 9.99999)]
        )
        self.assertEqual(data["names"], ["walk", "run"])
        self.assertEqual(data["duration"], 10.0)
        self.assertEqual(data["segments"], [[1, 2.0, 3.25, 0.75]])
        self.assertEqual(data["truth"], [[0, 1.0, 10.0]])
        self.assertEqual(data["summary"], "1 segment of 1 of 2 activities")
        _, data = self.write(title="Demo")
        self.assertIsNone(data["truth"])
        self.assertEqual(
            data["summary"], "a.mp4: 0 segments of 0 of 2 activities"
        )

    def test_scores_of_short_videos_are_those_of_each_frame(self):
        scores = np.random.default_rng(0).uniform(size=(1000, 3))
        _, data = self.write(scores=scores, class_names="abc")
        self.assertEqual(data["framesPerBin"], 1)
        low, high = self.read_scores(data)
        np.testing.assert_array_equal(low, high)
        np.testing.assert_allclose(low, scores, atol=0.5 / 255 + 1e-9)

    def test_scores_of_long_videos_are_bounds(self):
        scores = np.random.default_rng(0).uniform(size=(2501, 2)) ** 8
        _, data = self.write(scores=scores)
        self.assertEqual(data["framesPerBin"], 3)
        low, high = self.read_scores(data)
        self.assertLen(low, 834)
        for index in range(834):
            part = scores[3 * index : 3 * index + 3]
            atol = 0.5 / 255 + 1e-9
            np.testing.assert_allclose(low[index], part.min(0), atol=atol)
            np.testing.assert_allclose(high[index], part.max(0), atol=atol)

    def test_page_of_two_hours_is_small(self):
        path = self.folder / "page.html"
        scores = np.full((2 * 3600 * 24, 157), 0.5, "float16")
        self.write(scores=scores, fps=24, class_names=["a"] * 157)
        self.assertLess(path.stat().st_size, 600_000)

    def test_order_of_classes(self):
        scores = np.tile([0.1, 0.2, 0.3, 0.4], (8, 1))
        _, data = self.write(
            scores=scores,
            class_names="abcd",
            segments=[(0, 0.0, 1.0, 0.5)],
            truth=[(1, 0.0, 1.0)],
        )
        self.assertEqual(data["order"], [1, 0, 3, 2])

    def test_video_is_embedded(self):
        # More than is written at once.
        content = np.random.default_rng(0).bytes(2_000_000)
        text, data = self.write(
            video=("a.mp4", "video/mp4", content, True, True)
        )
        encoded = re.search(r'id="content">(.*?)</script>', text, re.DOTALL)[1]
        self.assertEqual(base64.b64decode(encoded, validate=True), content)
        self.assertIsNone(data["video"]["url"])
        self.assertIn("without sound", data["video"]["note"])

    @parameterized.parameters(
        ("videos/a.mp4", "videos/a.mp4"),
        ("videos/a b#1?.mp4", "videos/a%20b%231%3F.mp4"),
        ("javascript:alert(1).mp4", "javascript%3Aalert%281%29.mp4"),
        ("../caf\u00e9.mp4", "../caf%C3%A9.mp4"),
        (os.fsdecode(b"\xff.mp4"), "%FF.mp4"),
    )
    def test_large_video_is_linked(self, path, url):
        video = (str(self.folder / path), "video/mp4", None, False, True)
        _, data = self.write(video=video)
        self.assertEqual(data["video"]["url"], url)
        self.assertIn("too large for this page", data["video"]["note"])
        self.assertNotIn("evenly spaced", data["video"]["note"])
        _, data = self.write(video=(*video[:-1], False))
        self.assertIn("evenly spaced", data["video"]["note"])

    def test_no_video(self):
        _, data = self.write(video=("a.avi", None, None, False, True))
        self.assertIsNone(data["video"]["type"])
        self.assertIn("browsers do not play", data["video"]["note"])

    def test_text_is_escaped(self):
        title = HOSTILE + "{{data}}{{content}}"
        text, data = self.write(
            class_names=[HOSTILE, "{{title}}"],
            title=title,
            video=(HOSTILE.replace("/", ""), "video/mp4", None, False, True),
        )
        self.assertEqual(data["names"], [HOSTILE, "{{title}}"])
        self.assertEqual(text.count("<script"), 3)
        self.assertNotIn("<img", text)
        self.assertEqual(text.count(html.escape(title)), 2)
        self.assertEqual(text.count("\u2028"), 2)

    def test_nothing_but_the_script_is_allowed(self):
        text, _ = self.write()
        script = text.rpartition("<script>")[2].partition("</script>")[0]
        digest = hashlib.sha256(script.encode()).digest()
        self.assertIn(
            "default-src 'none'; style-src 'unsafe-inline'; script-src "
            f"'sha256-{base64.b64encode(digest).decode()}'; media-src",
            text,
        )
        self.assertEmpty(re.findall(r"\bsrc=|\bhref=|@import|url\(", text))
        self.assertEmpty(re.findall(r"\{\{\w+\}\}", text))

    @parameterized.named_parameters(
        ("rank", {"scores": np.zeros(3)}, r"frames, classes.*\(3,\)"),
        ("empty", {"scores": np.zeros((0, 2))}, r"frames, classes.*\(0, 2\)"),
        ("nan", {"scores": np.full((3, 2), np.nan)}, "without NaN.*nan to nan"),
        ("range", {"scores": np.full((3, 2), 1.5)}, "1.5 to 1.5"),
        ("fps", {"fps": 0.0}, "fps=0.0"),
        ("fps_nan", {"fps": np.nan}, "fps=nan"),
        ("names", {"class_names": ["a"]}, "must name 2 classes.* 1 names"),
        ("tuple", {"segments": [(0, 1, 2)]}, r"`segments`.* of 4.*\(0, 1, 2\)"),
        ("truth", {"truth": [(0, 1)]}, r"`truth`.* of 3.*\(0, 1\)"),
        ("class", {"segments": [(2, 0, 1, 0.5)]}, r"\[0, 1\].*\(2, 0, 1, 0.5"),
        ("negative", {"truth": [(-1, 0, 1)]}, r"`truth`.*\[0, 1\].*\(-1, 0, 1"),
        ("half", {"truth": [(0.5, 0, 1)]}, r"`truth`.*\[0, 1\].*\(0.5, 0, 1"),
        ("times", {"truth": [(0, 2, 1)]}, r"0 <= start <= end.*\(0, 2, 1\)"),
        ("before", {"truth": [(0, -1, 1)]}, "0 <= start <= end"),
        ("nan_time", {"truth": [(0, np.nan, 1)]}, "0 <= start <= end.*nan"),
        ("score", {"segments": [(0, 0, 1, np.nan)]}, "finite.*nan"),
    )
    def test_errors(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            self.write(**kwargs)
        self.assertEmpty(os.listdir(self.folder))

    def test_earlier_page_stays_when_writing_fails(self):
        path = self.folder / "page.html"
        path.write_text("earlier")
        with self.assertRaises(TypeError):
            self.write(video=("a.mp4", "video/mp4", "no bytes", False, True))
        self.assertEqual(os.listdir(self.folder), ["page.html"])
        self.assertEqual(path.read_text(), "earlier")
        with self.assertRaises(FileNotFoundError):
            self.write(path=self.folder / "none" / "page.html")
