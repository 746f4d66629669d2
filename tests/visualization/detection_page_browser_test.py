import contextlib
import pathlib
import shutil
import tempfile
from unittest import mock

import numpy as np
from absl.testing import parameterized
from data.encoded_video import encode_video
from data.numbered_video import write_video
from visualization.browser import Browser

from ssdet_keras.data import VideoFile
from ssdet_keras.data import read_playable_video
from ssdet_keras.visualization import write_detection_page

HOSTILE = "</script><img src=x onerror='alert(1)'><b>&amp;\u2028\u202e{{data}}"
FPS = 10
SEGMENTS = [
    (0, 1.0, 2.5, 0.75),
    (1, 4.0, 5.0, 0.5),
    (0, 6.0, 6.5, 0.25),
    (2, 9.9, 10.0, 1.0),
]
TRUTH = [(0, 1.0, 2.0), (2, 3.0, 12.0)]


class DetectionPageBrowserTest(parameterized.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        stack = contextlib.ExitStack()
        cls.addClassCleanup(stack.close)
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        cls.folder = pathlib.Path(
            stack.enter_context(tempfile.TemporaryDirectory())
        )
        write_video(cls.folder / "a.mp4", 100, fps=FPS, shape=(64, 96))
        names = ["walk", HOSTILE, "run", *map("class {}".format, range(3, 157))]
        cls.scores = np.full((100, 157), 0.125)
        cls.scores[10:25, 0] = 0.75
        cls.arguments = {
            "scores": cls.scores,
            "fps": FPS,
            "class_names": names,
            "segments": SEGMENTS,
            "truth": TRUTH,
            "title": HOSTILE,
        }
        cls.page = cls.folder / "page.html"
        with VideoFile(cls.folder / "a.mp4") as video:
            cls.video = read_playable_video(video)
        write_detection_page(cls.page, cls.video, **cls.arguments)

    def open(self, page=None, **kwargs):
        self.browser.open(page or self.page, **kwargs)
        # Where a test fails before its end, too.
        self.addCleanup(self.assert_quiet)

    def assert_quiet(self):
        self.assertEmpty(self.browser.complaints)
        for url in self.browser.requests:
            # The controls of the browser have pictures of their own.
            self.assertRegex(url, "^(file:|blob:|data:image/svg)")

    def assert_time(self, expected, atol=1e-3):
        self.browser.wait(
            "!video.seeking && now === video.currentTime - firstFrame"
        )
        self.assertAlmostEqual(
            self.browser.evaluate("video.currentTime"), expected, delta=atol
        )
        # The playhead is there, to a pixel, and the clock tells it.
        offset, width = self.browser.evaluate(
            "(() => {const s = document.querySelector('#slider')"
            ".getBoundingClientRect();"
            "const p = document.querySelector('#playhead')"
            ".getBoundingClientRect();"
            "return [p.x + p.width / 2 - s.x, s.width]})()"
        )
        self.assertAlmostEqual(offset / width * 10, expected, delta=0.03)
        clock = self.browser.evaluate(
            "document.querySelector('#clock').textContent"
        )
        self.assertAlmostEqual(float(clock[:-2]), expected, delta=0.06)

    def text(self, selector):
        return self.browser.evaluate(
            f"[...document.querySelectorAll({selector!r})]"
            ".filter((e) => e.offsetParent).map((e) => e.textContent)"
        )

    @parameterized.parameters(
        # Copies, by each of the programs.
        ("a.mp4", None, "ffmpeg"),
        ("a.mp4", None, "opencv"),
        # As it is.
        ("b.mp4", "libx264 -bf 3", None),
        ("b.mov", "libx264 -g 50", None),
        ("b.webm", "libvpx-vp9 -g 50", None),
        # Their first frame is not at time 0.
        ("c.mp4", "libx264 -bf 2 -use_editlist 0", None),
        ("c.webm", "libvpx-vp9 -output_ts_offset 1.5", None),
    )
    def test_video_shows_the_frame_of_the_time(self, name, codec, writer):
        path = self.folder / name
        if codec is not None:
            encode_video(path, 100, "-c:v", *codec.split(), fps=FPS)
        if writer == "ffmpeg" and shutil.which("ffmpeg") is None:
            self.skipTest("The program ffmpeg is not installed.")
        with (
            VideoFile(path) as video,
            mock.patch(
                "ssdet_keras.data.playable_video.has_ffmpeg",
                return_value=writer == "ffmpeg",
            ),
        ):
            playable = read_playable_video(video)
        self.assertEqual(playable.is_copy, writer is not None)
        page = self.folder / "frames.html"
        write_detection_page(page, playable, **self.arguments)
        self.open(page)
        self.assertAlmostEqual(
            self.browser.evaluate("video.duration - firstFrame"), 10, delta=0.21
        )
        # Ten blocks, the binary digits of the number of the frame.
        self.browser.evaluate(
            "window.shown = () => {const c = document.createElement('canvas');"
            "c.width = 96; c.height = 64; const d = c.getContext('2d',"
            "{willReadFrequently: true});"
            "d.drawImage(video, 0, 0, 96, 64);"
            "return Array.from({length: 10}, (_, i) => d.getImageData("
            "96 * (2 * (i % 5) + 1) / 10, i < 5 ? 16 : 48, 1, 1)"
            ".data[0] > 128).reduce((sum, bit, i) => sum + (bit << i), 0)}"
        )
        for frame in (77, 5, 97, 31):
            self.browser.evaluate(f"seek({(frame + 0.5) / FPS})")
            # A browser says that it has sought before it shows the frame.
            self.browser.wait(f"!video.seeking && shown() === {frame}")

    def test_segments_seek(self):
        self.open()
        self.browser.click(".segment[aria-label^='walk, 1.0 s to 2.5 s']")
        self.assert_time(1.0)
        self.browser.click("#rows tr:nth-child(2) button")
        self.assert_time(4.0)

    def test_timeline_seeks(self):
        self.open()
        self.browser.click("#slider", x=0.625, y=0.9)
        self.assert_time(6.25, atol=0.02)
        self.browser.click(".lane:nth-child(5) .track", x=0.25)
        self.assert_time(2.5, atol=0.02)

    def test_what_is_active_is_shown(self):
        self.open()
        self.browser.evaluate("seek(1.5)")
        names = "#current .name span:first-child"
        self.assertEqual(self.text(names)[0], "walk")
        self.assertEqual(self.text("#current .number")[0], "0.75")
        self.assertEqual(self.text("#current .tags")[0].count("·"), 1)
        self.assertEqual(self.text("tr.active button"), ["walk"])
        self.browser.evaluate("seek(4.5)")
        self.assertEqual(self.text(names)[:2], [HOSTILE, "run"])
        self.assertEqual(
            self.text("#current .tags")[:3], ["detected", "ground truth", ""]
        )
        self.browser.evaluate("seek(2.7)")
        self.assertEmpty(self.text("tr.active button"))

    def test_playhead_follows(self):
        self.open()
        self.browser.evaluate("seek(8)")
        self.browser.wait("!video.seeking")
        self.browser.evaluate("document.activeElement.blur()")
        self.browser.press(" ")
        self.browser.wait("!video.paused && now > 8.2")
        self.browser.press(" ")
        self.browser.wait("video.paused")
        time = self.browser.evaluate("video.currentTime")
        self.assertBetween(time, 8.2, 10.0)
        self.assert_time(time)

    def test_keys(self):
        self.open()
        self.browser.press("ArrowRight")
        self.assert_time(1.0)
        self.browser.evaluate("document.querySelector('#slider').focus()")
        for key, expected in (
            ("ArrowRight", 2),
            ("End", 10),
            ("ArrowLeft", 9),
            ("Home", 0),
            ("PageUp", 10),
        ):
            self.browser.press(key)
            self.assert_time(expected, atol=0.051)
        value = "document.querySelector('#slider').ariaValueNow"
        self.assertAlmostEqual(float(self.browser.evaluate(value)), 10, delta=1)

        # From segment to segment, and there.
        focused = "document.activeElement.getAttribute('aria-label')"
        self.browser.evaluate("document.querySelector('.segment').focus()")
        labels = []
        for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowUp"):
            self.browser.press(key)
            labels.append(self.browser.evaluate(focused))
        walk = "walk, 6.0 s to 6.5 s, score 0.25"
        other = f"{HOSTILE}, 4.0 s to 5.0 s, score 0.50"
        self.assertEqual(labels, [walk, walk, other, walk])
        self.browser.press("Enter")
        self.assert_time(6.0)

    def test_filter(self):
        self.open()
        names = ".lane .name"
        self.assertEqual(self.text(names)[:3], ["walk", HOSTILE, "run"])
        self.assertLen(self.text(names), 10)
        self.assertEqual(self.text("#more"), ["Show all 157 activities"])
        self.browser.click("#more")
        self.assertLen(self.text(names), 157)
        for text, lanes, rows in (
            ("RU", ["run"], ["run"]),
            ("class 15", [f"class {i}" for i in (15, *range(150, 157))], []),
            ("zebra", [], []),
        ):
            self.browser.evaluate(
                "(() => {const f = document.querySelector('#filter');"
                f"f.value = '{text}'; f.dispatchEvent(new Event('input'))}})()"
            )
            self.assertEqual(self.text(names), lanes)
            self.assertEqual(self.text("#rows button"), rows)
        self.assertLen(self.text(".empty"), 2)

    def test_hostile_names_are_text(self):
        self.open()
        self.assertEqual(self.text("h1"), [HOSTILE])
        self.assertIn(HOSTILE, self.text(".lane .name"))
        self.assertIn(HOSTILE, self.text("#rows button"))
        self.assertEqual(self.browser.evaluate("document.title"), HOSTILE)
        self.assertEqual(
            self.browser.evaluate("document.querySelectorAll('img, b').length"),
            0,
        )

    @parameterized.parameters(320, 390, 700, 1200)
    def test_no_width_scrolls_sideways(self, width):
        self.open(width=width)
        widest = "document.documentElement.scrollWidth"
        self.assertLessEqual(self.browser.evaluate(widest), width)
        # All bars are in their tracks, that past the end, too.
        self.assertTrue(
            self.browser.evaluate(
                "[...document.querySelectorAll('.segment, .annotation')].every("
                "(e) => {const b = e.getBoundingClientRect();"
                "const t = e.closest('.track').getBoundingClientRect();"
                "return b.left >= t.left - 1 && b.right <= t.right + 1})"
            )
        )

    def test_dark_scheme(self):
        background = "getComputedStyle(document.body).backgroundColor"
        self.open()
        light = self.browser.evaluate(background)
        self.open(dark=True)
        self.assertNotEqual(self.browser.evaluate(background), light)

    def test_linked_video(self):
        name = "#1? javascript:x.mp4"
        (self.folder / name).write_bytes(self.video.content)
        page = self.folder / "linked.html"
        video = (
            str(self.folder / name),
            self.video.media_type,
            None,
            False,
            True,
        )
        write_detection_page(page, video, **self.arguments)
        self.open(page)
        self.assertIn("too large for this page", self.text("#note")[0])
        self.browser.click("#rows tr:nth-child(2) button")
        self.assert_time(4.0)

    def test_without_video(self):
        page = self.folder / "none.html"
        video = ("a.avi", None, None, False, True)
        write_detection_page(page, video, **self.arguments)
        self.open(page)
        self.assertIn("is not in this page", self.text("#note")[0])
        self.browser.click("#rows tr:nth-child(2) button")
        self.assertEqual(self.text("#clock"), ["4.0 s"])

    def test_video_that_is_gone(self):
        page = self.folder / "gone.html"
        video = (str(self.folder / "gone.mp4"), "video/mp4", None, False, True)
        write_detection_page(page, video, **self.arguments)
        self.browser.open(page)
        self.assertIn("can't be played", self.text("#note")[0])
