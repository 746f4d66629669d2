import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from ssdet_keras.layers import FrameLabels

CLASSES = np.array([2, 0])
ONE_HOT = np.eye(3, dtype="float32")[CLASSES]
EXPECTED = np.repeat(ONE_HOT[:, None], 4, axis=1)
VIDEOS = np.zeros((2, 4, 2, 2, 3), "uint8")


class FrameLabelsTest(parameterized.TestCase):
    @parameterized.parameters((CLASSES,), (ONE_HOT,))
    def test_labels_alone(self, labels):
        output = FrameLabels(3, num_frames=4)(labels)
        output = keras.ops.convert_to_numpy(output)
        np.testing.assert_array_equal(output, EXPECTED)
        self.assertEqual(output.dtype, np.float32)

    @parameterized.parameters((CLASSES,), (ONE_HOT,))
    def test_labels_with_videos(self, labels):
        layer = FrameLabels(3)
        batch = {"videos": VIDEOS, "labels": labels, "path": ["a", "b"]}
        output = layer(batch)
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(output["labels"]), EXPECTED
        )
        self.assertEqual(output["path"], ["a", "b"])
        self.assertIs(batch["labels"], labels)
        _, output = layer((VIDEOS, labels))
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(output), EXPECTED
        )

    @parameterized.parameters((CLASSES,), (ONE_HOT,))
    def test_unbatched(self, labels):
        _, output = FrameLabels(3)((VIDEOS[0], labels[0]))
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(output), EXPECTED[0]
        )

    def test_soft_labels(self):
        output = FrameLabels(2, num_frames=2)(np.array([[0.25, 0.5]]))
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(output), [[[0.25, 0.5], [0.25, 0.5]]]
        )

    def test_in_tf_data(self):
        batch = {"videos": VIDEOS, "labels": CLASSES}
        dataset = tf.data.Dataset.from_tensor_slices(batch).batch(2)
        (output,) = dataset.map(FrameLabels(3))
        np.testing.assert_array_equal(output["labels"], EXPECTED)

    def test_symbolic_shape(self):
        inputs = keras.Input((), dtype="int32")
        self.assertEqual(FrameLabels(3, 4)(inputs).shape, (None, 4, 3))

    def test_round_trip(self):
        layer = FrameLabels(3, num_frames=4)
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(layer)
        )
        self.assertEqual(restored.get_config(), layer.get_config())

    @parameterized.named_parameters(
        ("classes", {"num_classes": 0}, "num_classes=0"),
        ("frames", {"num_classes": 2, "num_frames": 0}, "num_frames=0"),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            FrameLabels(**kwargs)

    @parameterized.named_parameters(
        ("no_frames", CLASSES, "needs `num_frames`"),
        ("rank", (VIDEOS, EXPECTED), r"labels.shape=\(2, 4, 3\)"),
        ("class_count", (VIDEOS, ONE_HOT[:, :2]), r"labels.shape=\(2, 2\)"),
        ("class_index", (VIDEOS, np.array([3, 0])), r"from 0 to 2.*\[3 0\]"),
    )
    def test_invalid_labels(self, inputs, message):
        with self.assertRaisesRegex(ValueError, message):
            FrameLabels(3)(inputs)
