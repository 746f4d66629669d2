"""Live detection in files that are played."""

import csv
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

import cv2
import numpy as np
from run_recipe_cases import run_recipe_cases

from ssdet_keras import models

FOLDER = pathlib.Path(__file__).resolve().parent
RECIPE = FOLDER.parents[1] / "recipes" / "detect_live.py"


class DetectLiveTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        backbone = models.X3DBackbone(width=0.25, depth=0.1)
        cls.model = cls.root / "model.keras"
        models.FrameDetector(backbone, 2).save(cls.model)
        description = {
            "class_names": ["Walking", "Sitting, down"],
            "num_frames": 4,
            "frame_stride": 5,
            "size": 32,
        }
        cls.model.with_suffix(".json").write_text(json.dumps(description))
        cls.bare_model = cls.root / "bare.keras"
        models.FrameDetector(backbone, 2).save(cls.bare_model)
        cls.classifier = cls.root / "classifier.keras"
        models.VideoClassifier(backbone, 2).save(cls.classifier)
        cls.short = cls.write_video("short.avi", 75)
        cls.long = cls.write_video("long.avi", 5000)

    @classmethod
    def write_video(cls, name, num_frames):
        """Writes a video of 25 frames per second."""
        path = cls.root / name
        codec = cv2.VideoWriter.fourcc(*"MJPG")
        writer = cv2.VideoWriter(str(path), codec, 25, (48, 32))
        for number in range(num_frames):
            writer.write(np.full((32, 48, 3), number % 256, "uint8"))
        writer.release()
        return path

    def start(self, *arguments):
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment.pop("DISPLAY", None)
        environment.pop("WAYLAND_DISPLAY", None)
        return subprocess.Popen(
            [sys.executable, RECIPE, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            # Background jobs of a shell, and so their tests, ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(
                signal.SIGINT, signal.default_int_handler
            ),
        )

    def test_file(self):
        output = self.root / "scores.csv"
        process = self.start(
            f"--model={self.model}",
            f"--source={self.short}",
            "--hop=0.5",
            "--top=1",
            f"--output={output}",
        )
        printed, log = process.communicate()
        self.assertEqual(process.returncode, 0, log[-3000:])
        self.assertIn("4 frames, one every 0.200 s", log)
        with open(output, newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        self.assertEqual(
            header, ["time_s", "latency_s", "Walking", "Sitting, down"]
        )
        # On a machine that is busy there are fewer, but one at the end.
        self.assertGreaterEqual(len(rows), 2)
        times = [float(row[0]) for row in rows]
        self.assertEqual(times, sorted(times))
        self.assertGreaterEqual(times[-1], 2.5)
        for line, row in zip(printed.splitlines()[1:], rows, strict=False):
            scores = dict(zip(header[2:], map(float, row[2:]), strict=True))
            self.assertIn(f"{float(row[0]):.1f} s", line)
            name, score = re.search(r" s  (\D+) (\d\.\d\d)$", line).groups()
            # The file has four decimals, in which two classes may be equal.
            self.assertEqual(scores[name], max(scores.values()), line)
            self.assertLess(abs(float(score) - scores[name]), 0.006)
        self.assertRegex(printed, rf"\n{len(rows)} updates in \d")
        self.assertRegex(printed, r"latency: \d\S* s median, \d\S* s 95th")
        # Every fifth one, or fewer where the machine is late.
        self.assertRegex(printed, r"75 captured, 1\d for windows, \d+ of these")

    def test_interrupt(self):
        process = self.start(
            f"--model={self.model}", f"--source={self.long}", "--hop=0"
        )
        # The header, and an update.
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        printed, log = process.communicate()
        self.assertIn("Walking", lines[1])
        self.assertEqual(process.returncode, 0, log[-3000:])
        self.assertIn("Interrupted", log)
        self.assertNotIn("Traceback", log)
        self.assertRegex(printed, r"updates in .*\nlatency: .*\nframes: ")

    def test_errors(self):
        model, source = f"--model={self.model}", f"--source={self.short}"
        bare = f"--model={self.bare_model}"
        cases = [
            ([model], "--source"),
            ([source], "--model"),
            ([source, "--model=none.keras"], "--model=none.keras"),
            ([source, f"--model={self.classifier}"], "a VideoClassifier"),
            ([source, bare], "no description .*bare.json: set --size, and"),
            ([source, bare, "--size=32"], "--frame_stride or --frame_rate"),
            (
                [source, model, "--frame_rate=5", "--frame_stride=2"],
                "one of --frame_stride and --frame_rate",
            ),
            (
                [model, "--source=none.mp4"],
                "--source can't be opened: none.mp4 .there is no such file",
            ),
            ([model, f"--source={self.model}"], "model.keras .it can't be"),
            ([model, "--source=99"], "camera 99 .it can't be opened"),
            (
                [model, source, "--output=/nowhere/a.csv"],
                "--output can't be written.*nowhere",
            ),
            ([model, source, "--display"], "--display needs a display"),
            ([model, source, "--hop=-1"], "hop"),
            ([model, source, "more"], "Unexpected arguments.*more"),
        ]
        messages = run_recipe_cases(
            RECIPE,
            [arguments for arguments, _ in cases],
            TF_CPP_MIN_LOG_LEVEL="3",
            DISPLAY=None,
            WAYLAND_DISPLAY=None,
        )
        for (arguments, expected), message in zip(cases, messages, strict=True):
            with self.subTest(arguments=arguments):
                self.assertRegex(message or "", expected)
