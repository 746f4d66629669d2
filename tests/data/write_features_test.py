import json
import os
import pathlib

import numpy as np
from absl.testing import parameterized
from data.feature_files import make_arrays
from data.folder_test_case import FolderTestCase

from ssdet_keras.data import FeatureFolder
from ssdet_keras.data import write_features


def read_as_the_format_says(path):
    """Reads a safetensors file without the code under test."""
    data = pathlib.Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    arrays, ends = {}, [0]
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        ends.append(last)
        arrays[name] = np.frombuffer(
            data[8 + length + first : 8 + length + last],
            {"F16": "<f2", "F32": "<f4"}[entry["dtype"]],
        ).reshape(entry["shape"])
    # Without gaps, from the header to the end.
    sizes = [array.nbytes for array in arrays.values()]
    assert ends == np.cumsum([0, *sizes]).tolist()
    assert len(data) == 8 + length + sum(sizes)
    assert length % 8 == 0
    return arrays, metadata


class WriteFeaturesTest(FolderTestCase):
    def write_parts(self, *parts, num_steps=6, **kwargs):
        kwargs = {"fps": 24, "stride": 10, **kwargs}
        write_features(self.folder, "a", parts, num_steps, **kwargs)

    @parameterized.parameters("float16", "float32")
    def test_parts_make_up_the_arrays(self, dtype):
        arrays = make_arrays(6, features=(3,), stage1=(7, 7, 2), output=(5, 1))
        parts = [
            {name: array[part] for name, array in arrays.items()}
            for part in (slice(0, 3), slice(3, 3), slice(3, 4), slice(4, 6))
        ]
        # The order of the names may differ from part to part.
        parts[2] = dict(reversed(parts[2].items()))
        self.write_parts(
            *parts,
            fps=30000 / 1001,
            stride=2.5,
            offset=1.5,
            num_frames=16,
            origin={"model": "日本語", "size": 224},
            dtype=dtype,
        )
        found, metadata = read_as_the_format_says(
            self.make_path("a.safetensors")
        )
        features = FeatureFolder(self.folder)["a"]
        self.assertEqual(sorted(found), sorted(arrays))
        self.assertEqual(sorted(features), sorted(arrays))
        for name, array in arrays.items():
            for other in (found[name], features[name]):
                self.assertEqual(other.dtype, dtype)
                np.testing.assert_array_equal(other, array)
        info = json.loads(metadata["ssdet_keras"])
        self.assertRegex(info.pop("written_by"), r"ssdet_keras \d")
        self.assertEqual(
            info,
            {
                "version": 1,
                "id": "a",
                "fps": 30000 / 1001,
                "num_frames": 16,
                "stride": 2.5,
                "offset": 1.5,
                "origin": {"model": "日本語", "size": 224},
            },
        )
        for name, value in info.items():
            if name != "version":
                self.assertEqual(getattr(features, name), value)
        times = [(1.5 + 2.5 * k) / (30000 / 1001) for k in range(6)]
        np.testing.assert_allclose(features.times, times, rtol=1e-12)

    def test_ids_of_folders(self):
        arrays = make_arrays(2)
        for video_id in ("walk/a.mp4", "walk/run/b", "-x [1]"):
            write_features(
                pathlib.Path(self.folder), video_id, [arrays], 2, 24, 10
            )
            # Once more: it is replaced.
            write_features(self.folder, video_id, [arrays], 2, 24, 10)
        self.assertTrue(
            os.path.exists(os.path.join(self.folder, "walk/a.mp4.safetensors"))
        )
        folder = FeatureFolder(self.folder)
        self.assertEqual(list(folder), ["-x [1]", "walk/a.mp4", "walk/run/b"])
        for video_id, features in folder.items():
            self.assertEqual(features.id, video_id)

    @parameterized.parameters(
        "", "/a", "a/", "../a", "a/../b", "a//b", "./a", ".a", "a/.b"
    )
    def test_invalid_ids(self, video_id):
        with self.assertRaisesRegex(ValueError, f"id='{video_id}'"):
            write_features(self.folder, video_id, [make_arrays(1)], 1, 24, 10)
        self.assertEqual(os.listdir(self.folder), [])

    def test_failure_leaves_the_earlier_file(self):
        arrays = make_arrays(6)
        self.write_parts(arrays)

        def broken():
            yield {"features": arrays["features"][:2] + 1}
            raise RuntimeError("out of memory")

        with self.assertRaisesRegex(RuntimeError, "out of memory"):
            write_features(self.folder, "a", broken(), 6, 24, 10)
        self.assertEqual(os.listdir(self.folder), ["a.safetensors"])
        np.testing.assert_array_equal(
            FeatureFolder(self.folder)["a"]["features"], arrays["features"]
        )

    def test_leftovers_of_killed_writers_are_removed(self):
        self.touch(".a.safetensors.x1y2")
        self.touch(".ab.safetensors.x1y2")
        self.write_parts(make_arrays(6))
        self.assertEqual(
            sorted(os.listdir(self.folder)),
            [".ab.safetensors.x1y2", "a.safetensors"],
        )
        # What is being written, or was, is not read.
        self.touch(".b.safetensors.x1y2.safetensors")
        self.assertEqual(list(FeatureFolder(self.folder)), ["a"])

    @parameterized.named_parameters(
        ("dtype", {"dtype": "float64"}, "dtype='float64'"),
        ("fps", {"fps": 0}, "fps=0, stride=10"),
        ("stride", {"stride": float("inf")}, "fps=24, stride=inf"),
        ("fewer", {"num_steps": 7}, "Received: 6 steps, num_steps=7"),
        ("more", {"num_steps": 5}, r"of 5 steps in all. .*\(6, 4\)"),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            self.write_parts(make_arrays(6), **kwargs)
        self.assertEqual(os.listdir(self.folder), [])

    def test_invalid_parts(self):
        good = {"features": np.ones((3, 4)), "map": np.ones((3, 2))}
        for second, message in (
            ({"features": np.ones((3, 4))}, r"{'features': \(3, 4\)} after 3"),
            ({**good, "map": np.ones((3, 5))}, r"'map': \(3, 5\)"),
            ({**good, "map": np.ones((2, 2))}, r"'map': \(2, 2\)"),
            ({**good, "more": np.ones((3, 2))}, r"'more': \(3, 2\)"),
            ({**good, "map": np.full((3, 2), np.nan)}, "from nan to nan"),
            ({**good, "map": np.full((3, 2), 7e4)}, "in float16.* to 70000.0"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                self.write_parts(good, second)
        for part in (
            {"map": np.ones((6, 2))},
            {"features": np.ones((6, 2, 3))},
        ):
            with self.assertRaisesRegex(ValueError, 'must have "features"'):
                self.write_parts(part)
        with self.assertRaisesRegex(ValueError, "0 steps, num_steps=6"):
            self.write_parts()
        self.assertEqual(os.listdir(self.folder), [])
        self.write_parts(
            good, {**good, "map": np.full((3, 2), 7e4)}, dtype="float32"
        )
