"""What is written as annotations is what is read."""

import collections
import json
import math
import os

import numpy as np
from absl.testing import parameterized
from data.folder_test_case import FolderTestCase

from ssdet_keras import data
from ssdet_keras.data.generate import files

_KINETICS = ("label", "youtube_id", "time_start", "time_end", "split")
_VIDEOS = ("video", "label", "start", "end", "duration")
_LETTERS = list("aZ09-_.,;:'\"()&#% éß日本語🎬")
_CODES = [f"c{i:03d}" for i in range(157)]


def draw_word(rng, letters=_LETTERS):
    """Returns a text that does not begin or end with a space."""
    count = rng.integers(1, 9)
    word = "".join(letters[i] for i in rng.integers(len(letters), size=count))
    return f"x{word}y"


def draw_words(rng, count, letters=_LETTERS):
    return sorted({draw_word(rng, letters) for _ in range(count)})


def draw_clean(rng, duration):
    """Returns segments in a video: overlapping, touching, empty, repeated."""
    times = np.sort(rng.uniform(0, duration, (rng.integers(0, 6), 2)), axis=1)
    segments = [(int(rng.integers(65)), *row) for row in times.tolist()]
    if segments:
        _, start, end = segments[0]
        segments += [(1, end, duration), (2, start, start), (3, 0.0, duration)]
    return segments


def draw_dirty(rng, duration):
    """Returns segments of which some leave the video, or are none."""
    times = rng.normal(duration / 2, duration, (rng.integers(0, 6), 2)).tolist()
    times += [(1.0, 1e300), (-1e300, 1e300), (-2.0, -1.0), (math.nan, 1.0)]
    times += [(0.0, math.inf), (duration + 1, duration + 2), (2.0, 1.0)]
    segments = [(int(rng.integers(65)), *row) for row in times]
    return [segments[i] for i in rng.permutation(len(segments))]


def repair(segments, duration, counts):
    """Returns what the readers must make of segments, and counts it."""
    repaired = []
    for index, start, end in segments:
        if not (math.isfinite(start) and math.isfinite(end)):
            counts["segment_dropped_no_time"] += 1
        elif start > end:
            counts["segment_dropped_inverted"] += 1
        elif end < 0:
            counts["segment_dropped_before_video"] += 1
        elif start > duration:
            counts["segment_dropped_after_video"] += 1
        else:
            counts["segment_start_clipped"] += start < 0
            counts["segment_end_clipped"] += end > duration
            repaired.append((index, max(start, 0.0), min(end, duration)))
    return tuple(repaired)


class RoundTripTest(FolderTestCase):
    def test_kinetics(self):
        rng = np.random.default_rng(0)
        labels = draw_words(rng, 20, [*_LETTERS, "\n", "\r", "\t"])
        rows = []
        for video_id in draw_words(rng, 200):
            start = int(rng.integers(300))
            label = labels[rng.integers(len(labels))]
            rows.append((label, video_id, start, start + 10, "train"))
        label, video_id, start, end, _ = rows[7]
        self.touch("videos", f"{video_id}_{start:06d}_{end:06d}.mp4")
        path = self.make_path("train.csv")
        files.write_table(path, _KINETICS, rows)
        records = data.read_kinetics(path, self.make_path("videos"))
        self.assertEqual(records.class_names, sorted({row[0] for row in rows}))
        for row, record in zip(rows, records, strict=True):
            self.assertEqual(record.id, row[1])
            self.assertEqual(record.duration, 10.0)
            index = records.class_names.index(row[0])
            self.assertEqual(record.segments, ((index, 0.0, math.inf),))
        self.assertEqual(records.repairs, {"missing_video": len(rows) - 1})

    def test_class_names(self):
        names = draw_words(np.random.default_rng(0), 200)
        path = self.make_path("classes.txt")
        for layout in ("{name}", "c{index:03d} {name}"):
            lines = [
                layout.format(index=index, name=name) + "\n"
                for index, name in enumerate(names)
            ]
            files.write_text(path, "".join(lines))
            self.assertEqual(data.read_class_names(path), names)

    @parameterized.product(
        layout=("charades_csv", "charades_json", "multithumos_json", "videos"),
        is_clean=(True, False),
    )
    def test_segments(self, layout, is_clean):
        rng = np.random.default_rng(0)
        draw = draw_clean if is_clean else draw_dirty
        annotations, expected, counts = {}, [], collections.Counter()
        for video_id in draw_words(rng, 60):
            duration = float(rng.uniform(1, 100))
            segments = draw(rng, duration)
            annotations[video_id] = (duration, segments)
            expected.append(
                (video_id, duration, repair(segments, duration, counts))
            )
            self.touch("videos", f"{video_id}.mp4")
        if is_clean:
            self.assertEqual(
                [(v, *a) for v, a in annotations.items()],
                [(v, d, list(s)) for v, d, s in expected],
            )
        records = getattr(self, f"_read_{layout}")(annotations)
        self.assertEqual(
            [(r.id, r.duration, r.segments) for r in records], expected
        )
        self.assertEqual(records.repairs, dict(+counts))
        self.assertTrue(all(os.path.isfile(r.path) for r in records))

    def _read_charades_csv(self, annotations):
        rows = [
            (
                video_id,
                'a "script", of\ntwo lines',
                ";".join(f"c{i:03d} {a!r} {b!r}" for i, a, b in segments),
                duration,
            )
            for video_id, (duration, segments) in annotations.items()
        ]
        path = self.make_path("annotations.csv")
        files.write_table(path, ("id", "script", "actions", "length"), rows)
        return data.read_charades(path, self.make_path("videos"))

    def _write_json(self, annotations, first_class):
        videos = {
            video_id: {
                "subset": "training",
                "duration": duration,
                "actions": [[i + first_class, a, b] for i, a, b in segments],
            }
            for video_id, (duration, segments) in annotations.items()
        }
        path = self.make_path("annotations.json")
        files.write_text(path, json.dumps(videos))
        return path

    def _read_charades_json(self, annotations):
        path = self._write_json(annotations, 0)
        return data.read_charades(path, self.make_path("videos"))

    def _read_multithumos_json(self, annotations):
        path = self._write_json(annotations, 1)
        return data.read_multithumos(path, self.make_path("videos"))

    def _read_videos(self, annotations):
        rows = []
        for video_id, (duration, segments) in annotations.items():
            segments = [(_CODES[i], a, b) for i, a, b in segments]
            for segment in segments or [("", "", "")]:
                rows.append((video_id, *segment, duration))
        path = self.make_path("annotations.csv")
        files.write_table(path, _VIDEOS, rows)
        return data.read_videos(
            path, self.make_path("videos"), class_names=_CODES
        )

    def test_multithumos_folder(self):
        # Ids are without spaces there, and nothing tells the durations.
        rng = np.random.default_rng(0)
        letters = [letter for letter in _LETTERS if letter.strip()]
        lines = collections.defaultdict(list)
        expected = {}
        for video_id in draw_words(rng, 60, letters):
            segments = sorted([(0, 1.0, 2.0), *draw_clean(rng, 50.0)])
            for index, start, end in segments:
                lines[index].append(f"{video_id} {start!r} {end!r}\n")
            expected[video_id] = segments
        names = [f"Class{index:02d}" for index in range(65)]
        for index, name in enumerate(names):
            self.write("".join(lines[index]), "folder", f"{name}.txt")
        self.touch("videos", "xy.mp4")
        self.touch("videos", f"{min(expected)}.mp4")
        records = data.read_multithumos(
            self.make_path("folder"), self.make_path("videos")
        )
        self.assertEqual(records.class_names, names)
        self.assertEqual({r.id: sorted(r.segments) for r in records}, expected)
        self.assertEqual(records.repairs, {"missing_video": len(expected) - 1})
