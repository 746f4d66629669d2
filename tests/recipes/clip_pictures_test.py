import io
import pathlib
import tempfile
import unittest
from unittest import mock

import numpy as np
from PIL import Image

from ssdet_keras import data
from ssdet_keras import visualization
from ssdet_keras.data import generate
from ssdet_keras.recipes.clip_pictures import ClipPictures


class Model:
    """Scores the first class alone."""

    def __init__(self, shape):
        self.logits = np.full(shape, -2.0, "float32")
        self.logits[..., 0] = 2

    def predict_on_batch(self, videos):
        return self.logits


def is_png(png):
    return Image.open(io.BytesIO(png)).format == "PNG"


class ClipPicturesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        root = pathlib.Path(folder.name)
        generate.generate_charades(
            root, num_train=3, num_test=0, size=32, verbose=False
        )
        cls.records = data.read_charades(
            root / "charades" / "Charades_v1_train.csv",
            root / "charades" / "Charades_v1_480",
        )
        cls.num_classes = len(cls.records.class_names)

    def make_source(self, records=None, **kwargs):
        return data.ClipSource(
            self.records if records is None else records,
            num_frames=4,
            size=32,
            **kwargs,
        )

    def draw(self, model, source, num_clips=2):
        """Returns the pictures and the arguments of the timelines."""
        pictures = ClipPictures(model, source, num_clips)
        draw = visualization.draw_timeline
        with mock.patch.object(
            visualization, "draw_timeline", side_effect=draw
        ) as calls:
            return pictures.draw(), [call.args for call in calls.mock_calls]

    def test_clips_are_the_newest_ones_as_they_are_trained_on(self):
        source = self.make_source(frame_stride=2)
        pictures = ClipPictures(Model((1, self.num_classes)), source, 2)
        transform = pictures.watch(lambda batch: batch["labels"].shape)
        for value in (0, 200):
            batch = {
                "videos": np.full((3, 4, 32, 32, 3), value, "uint8"),
                "labels": np.zeros((3, 4, self.num_classes), "float32"),
            }
            batch["labels"][1, :, 5] = 1
            self.assertEqual(transform(batch), (3, 4, self.num_classes))
        with mock.patch.object(
            visualization,
            "draw_augmentations",
            side_effect=visualization.draw_augmentations,
        ) as draw:
            drawn = pictures.draw()
        self.assertEqual(list(drawn), ["clips"])
        self.assertTrue(is_png(drawn["clips"]))
        _, rows = draw.mock_calls[0].args
        self.assertEqual([row[0] for row in rows], ["Clip 1", "Clip 2"])
        self.assertEqual([row[1].mean() for row in rows], [200, 200])
        name = self.records.class_names[5]
        self.assertEqual(
            [{k: v.tolist() for k, v in row[2].items()} for row in rows],
            [{}, {name: [1, 1, 1, 1]}],
        )

    def test_timelines(self):
        source = self.make_source(frame_stride=2)
        model = Model((1, 4, self.num_classes))
        pictures, timelines = self.draw(model, source)
        self.assertEqual(list(pictures), ["timeline_0", "timeline_1"])
        self.assertTrue(all(map(is_png, pictures.values())))
        _, frames, times, scores, truth, duration, names = timelines[1]
        still = self.make_source(frame_stride=2, training=False)
        np.testing.assert_array_equal(frames, still[1]["videos"])
        np.testing.assert_array_equal(truth, still[1]["labels"])
        with data.VideoFile(self.records[1].path) as video:
            step = 2 / video.fps
        np.testing.assert_allclose(times, step * np.arange(4))
        self.assertAlmostEqual(duration, 4 * step)
        # The sigmoid of 2, and that of -2.
        np.testing.assert_allclose(scores[:, 0], 0.8808, atol=1e-4)
        np.testing.assert_allclose(scores[:, 1:], 0.1192, atol=1e-4)
        self.assertEqual(names, self.records.class_names)

    def test_a_background_class_is_left_out(self):
        source = self.make_source(frame_rate=5)
        model = Model((1, 4, self.num_classes + 1))
        _, ((_, _, times, scores, *_), _) = self.draw(model, source)
        self.assertEqual(scores.shape, (4, self.num_classes))
        total = np.exp(2) + self.num_classes * np.exp(-2)
        np.testing.assert_allclose(scores[:, 0], np.exp(2) / total, rtol=1e-5)
        np.testing.assert_allclose(times, np.arange(4) / 5)

    def test_unreadable_videos_are_left_out(self):
        records = data.VideoRecords(
            [
                data.VideoRecord("a", "/no/video.mp4", fps=10, segments=()),
                self.records[0],
            ],
            self.records.class_names,
        )
        source = self.make_source(records, frame_stride=2)
        pictures, _ = self.draw(Model((1, 4, self.num_classes)), source)
        self.assertEqual(list(pictures), ["timeline_0"])

    def test_a_model_of_whole_videos_has_no_timelines(self):
        source = self.make_source(frame_stride=2)
        pictures, _ = self.draw(Model((1, self.num_classes)), source)
        self.assertEqual(pictures, {})

    def test_training_is_not_changed(self):
        source = self.make_source(frame_stride=2)
        before = source[0]["videos"], dict(source.failures)
        self.draw(Model((1, 4, self.num_classes)), source)
        np.testing.assert_array_equal(source[0]["videos"], before[0])
        self.assertEqual(source.failures, before[1])


if __name__ == "__main__":
    unittest.main()
