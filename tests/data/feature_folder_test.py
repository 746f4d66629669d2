import os
import pathlib
import pickle
import re

import numpy as np
from absl.testing import parameterized
from data.feature_files import make_arrays
from data.feature_files import write_arrays
from data.folder_test_case import FolderTestCase

from ssdet_keras.data import FeatureFolder


class FeatureFolderTest(FolderTestCase):
    def test_mapping(self):
        arrays = {
            name: write_arrays(
                self.folder,
                name,
                make_arrays(5 + i, i, features=(4,), stage1=(7, 7, 2)),
                origin={"size": 224},
            )
            for i, name in enumerate(["b", "a", "c/d"])
        }
        self.touch("failures.txt")
        folder = FeatureFolder(pathlib.Path(self.folder))
        self.assertLen(folder, 3)
        self.assertEqual(list(folder), ["a", "b", "c/d"])
        self.assertIn("c/d", folder)
        self.assertNotIn("d", folder)
        self.assertEqual(folder.origin, {"size": 224})
        self.assertEqual(folder.shapes, {"features": (4,), "stage1": (7, 7, 2)})
        self.assertEqual(
            folder.dtypes, {"features": "float16", "stage1": "float16"}
        )
        self.assertIn("3 videos", repr(folder))
        for copy in (folder, pickle.loads(pickle.dumps(folder))):
            for name, expected in arrays.items():
                self.assertEqual(sorted(copy[name]), sorted(expected))
                for key in expected:
                    np.testing.assert_array_equal(
                        copy[name][key], expected[key]
                    )
        self.assertEqual(
            repr(folder["a"]), "<VideoFeatures: a, 6 steps of features, stage1>"
        )
        with self.assertRaises(KeyError):
            folder["e"]

    def test_arrays_are_mapped(self):
        write_arrays(self.folder, "a", make_arrays(5))
        features = FeatureFolder(self.folder)["a"]["features"]
        self.assertIsInstance(features, np.memmap)
        with self.assertRaisesRegex(ValueError, "read-only"):
            features[0] = 1

    def test_names(self):
        arrays = make_arrays(5, features=(4,), stage1=(7, 7, 2), output=(3,))
        write_arrays(self.folder, "a", arrays, offset=3, num_frames=40)
        folder = FeatureFolder(self.folder, names=["stage1", "features"])
        self.assertEqual(list(folder.shapes), ["stage1", "features"])
        features = folder["a"]
        self.assertEqual(list(features), ["stage1", "features"])
        self.assertEqual((features.offset, features.num_frames), (3, 40))
        self.assertEqual(
            FeatureFolder(self.folder, names=["output"])["a"].num_steps, 5
        )
        for names in (["stage2"], ["stage1", "x"], []):
            with self.assertRaisesRegex(
                ValueError,
                r"of \['features', 'output', 'stage1'\].*"
                + re.escape(f"names={names}"),
            ):
                FeatureFolder(self.folder, names=names)

    @parameterized.named_parameters(
        ("size", {"origin": {"size": 112}}, "size: 224 and 112$"),
        ("missing", {"origin": {}}, "size: 224 and None$"),
        ("more", {"origin": {"size": 224, "w": 1}}, "w: None and 1$"),
        ("dtype", {"dtype": "float32"}, "dtypes: .*float16.* and .*float32"),
        ("names", {"x": (1,)}, r"shapes: {.*} and {.*'x': \(1,\)"),
        ("channels", {"features": (5,)}, r"shapes: .*\(4,\).* and .*\(5,\)"),
    )
    def test_mixed_origins(self, changes, message):
        kwargs = {"origin": {"size": 224}}
        write_arrays(self.folder, "a", make_arrays(5), **kwargs)
        write_arrays(self.folder, "b", make_arrays(6), **kwargs)
        # What differs from video to video.
        write_arrays(
            self.folder, "c", make_arrays(6), fps=30, offset=1, **kwargs
        )
        self.assertLen(FeatureFolder(self.folder), 3)
        shapes = {k: v for k, v in changes.items() if isinstance(v, tuple)}
        kwargs |= {k: v for k, v in changes.items() if k not in shapes}
        arrays = make_arrays(5, **{"features": (4,), **shapes})
        write_arrays(self.folder, "d", arrays, **kwargs)
        with self.assertRaisesRegex(
            ValueError,
            f"{self.folder}/a.safetensors and {self.folder}/d.safetensors, "
            f"which differ in {message}",
        ):
            FeatureFolder(self.folder)

    def test_damaged_files(self):
        write_arrays(self.folder, "a", make_arrays(5))
        path = self.make_path("a.safetensors")
        data = pathlib.Path(path).read_bytes()
        later = data.replace(b'\\"version\\": 1', b'\\"version\\": 2')
        for damaged, message in (
            (b"", ""),
            (data[:5], ""),
            (data[:100], ""),
            (data[:-1], ""),
            (data + b"x", "bytes in place of"),
            (b"no features" * 99, ""),
            (later, "another version"),
            (data.replace(b"ssdet_keras", b"ssdet_keros", 1), "KeyError"),
        ):
            self.assertNotEqual(damaged, data)
            pathlib.Path(path).write_bytes(damaged)
            with self.assertRaisesRegex(
                ValueError, f"must be a whole file.*{path} .*{message}"
            ):
                FeatureFolder(self.folder)

    def test_renamed_files(self):
        write_arrays(self.folder, "a", make_arrays(5))
        os.rename(
            self.make_path("a.safetensors"), self.make_path("b.safetensors")
        )
        with self.assertRaisesRegex(
            ValueError, "b.safetensors of the video 'a'"
        ):
            FeatureFolder(self.folder)

    def test_invalid_folders(self):
        with self.assertRaisesRegex(FileNotFoundError, "Received: .*none"):
            FeatureFolder(self.make_path("none"))
        with self.assertRaisesRegex(ValueError, "which holds none$"):
            FeatureFolder(self.folder)
        np.save(self.make_path("a.npy"), np.ones((3, 2)))
        with self.assertRaisesRegex(
            ValueError, "none but 1 .npy files, which need fps and stride"
        ):
            FeatureFolder(self.folder)
        for kwargs, message in (
            ({"fps": 24}, "must both be given.*fps=24, stride=None"),
            ({"stride": 8}, "must both be given.*fps=None, stride=8"),
            ({"fps": 24, "stride": 0}, "positive.*fps=24, stride=0"),
            ({"fps": -1, "stride": 8}, "positive.*fps=-1, stride=8"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                FeatureFolder(self.folder, **kwargs)
        os.remove(self.make_path("a.npy"))
        write_arrays(self.folder, "a", make_arrays(5))
        with self.assertRaisesRegex(ValueError, ".npy files.*holds none$"):
            FeatureFolder(self.folder, fps=24, stride=8)

    @parameterized.parameters(
        ((6, 4),), ((6, 1, 1, 4),), ((1, 6, 4),), ((6, 1, 4),), ((1, 1, 6, 4),)
    )
    def test_published_features(self, shape):
        values = np.arange(24, dtype="float32").reshape(6, 4)
        np.save(self.make_path("a.npy"), values.reshape(shape))
        np.save(self.make_path("b.npy"), np.asfortranarray(values))
        np.save(self.make_path("c.npy"), values[:1].reshape(1, 1, 1, 4))
        folder = FeatureFolder(self.folder, fps=24, stride=8, offset=7.5)
        self.assertEqual(list(folder), ["a", "b", "c"])
        self.assertEqual(folder.shapes, {"features": (4,)})
        self.assertEqual(folder.origin, {})
        for name in "ab":
            features = folder[name]
            np.testing.assert_array_equal(features["features"], values)
            np.testing.assert_allclose(
                features.times, (7.5 + 8 * np.arange(6)) / 24
            )
            self.assertIsNone(features.num_frames)
        np.testing.assert_array_equal(folder["c"]["features"], values[:1])

    @parameterized.parameters(
        ((4,), "float32"), ((2, 3, 4), "float32"), ((6, 4), "int64")
    )
    def test_other_npy_files(self, shape, dtype):
        np.save(self.make_path("a.npy"), np.ones(shape, dtype))
        with self.assertRaisesRegex(
            ValueError,
            re.escape(f"a.npy, {dtype}, {shape}"),
        ):
            FeatureFolder(self.folder, fps=24, stride=8)

    def test_damaged_npy_files(self):
        for content in (b"", b"no features", pickle.dumps([1, 2])):
            pathlib.Path(self.make_path("a.npy")).write_bytes(content)
            with self.assertRaisesRegex(
                ValueError, "must be a .npy file.*a.npy"
            ):
                FeatureFolder(self.folder, fps=24, stride=8)
        objects = np.array([{}, []], dtype=object)
        np.save(self.make_path("a.npy"), objects, allow_pickle=True)
        with self.assertRaisesRegex(ValueError, "must be a .npy file.*a.npy"):
            FeatureFolder(self.folder, fps=24, stride=8)
        np.save(self.make_path("a.npy"), np.ones((3, 4)))
        np.save(self.make_path("b.npy"), np.ones((3, 5)))
        with self.assertRaisesRegex(ValueError, "a.npy and .*b.npy.* shapes"):
            FeatureFolder(self.folder, fps=24, stride=8)
