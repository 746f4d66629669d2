import keras
import numpy as np
from absl.testing import parameterized

from ssdet_keras.training import DetectionLoss


def sigmoid_cross_entropy(labels, logits):
    scores = 1 / (1 + np.exp(-np.asarray(logits, "float64")))
    return -labels * np.log(scores) - (1 - labels) * np.log(1 - scores)


class DetectionLossTest(parameterized.TestCase):
    def test_sigmoid_by_hand(self):
        labels = np.array([[[1.0], [0.0]]])
        logits = np.array([[[0.0], [np.log(3.0)]]])
        # Frames: -log(1/2) and -log(1/4); the maximum is log 3, -log(3/4).
        frames = (np.log(2) + np.log(4)) / 2
        expected = (frames + np.log(4 / 3)) / 2
        self.assertAlmostEqual(
            float(DetectionLoss()(labels, logits)), expected, places=6
        )

    def test_sigmoid_agrees_with_definition(self):
        rng = np.random.default_rng(0)
        labels = rng.uniform(size=(3, 5, 4))
        logits = rng.normal(size=(3, 5, 4)) * 3
        frames = sigmoid_cross_entropy(labels, logits).mean()
        clips = sigmoid_cross_entropy(labels.max(1), logits.max(1)).mean()
        loss = float(DetectionLoss()(labels, logits))
        self.assertAlmostEqual(loss, (frames + clips) / 2, places=5)

    def test_softmax_by_hand(self):
        labels = np.array([[[0.25, 0.75], [0.0, 0.0]]])
        logits = np.array([[[0.0, np.log(3.0)], [5.0, 0.0]]])
        # Frame 0: -(log(1/4) + 3 log(3/4)) / 4; frame 1 has no label.
        expected = (np.log(4) + 3 * np.log(4 / 3)) / 4 / 2
        loss = float(DetectionLoss("softmax")(labels, logits))
        self.assertAlmostEqual(loss, expected, places=6)

    @parameterized.parameters("sigmoid", "softmax")
    def test_padding_has_no_effect(self, activation):
        rng = np.random.default_rng(1)
        labels = rng.uniform(size=(2, 3, 4))
        logits = rng.normal(size=(2, 3, 4))
        padded_labels = np.concatenate([labels, -np.ones((2, 2, 4))], axis=1)
        # High logits would win the maximum over time.
        padded_logits = np.concatenate(
            [logits, 50 * np.ones((2, 2, 4))], axis=1
        )
        loss = DetectionLoss(activation)
        self.assertAlmostEqual(
            float(loss(labels, logits)),
            float(loss(padded_labels, padded_logits)),
            places=5,
        )

    @parameterized.parameters("sigmoid", "softmax")
    def test_clip_of_padding_alone_has_no_loss(self, activation):
        loss = DetectionLoss(activation)(
            -np.ones((1, 2, 3)), np.ones((1, 2, 3))
        )
        self.assertEqual(float(loss), 0.0)

    def test_large_logits_stay_finite(self):
        labels = np.array([[[1.0, 0.0]]])
        logits = np.array([[[-200.0, 300.0]]])
        self.assertAlmostEqual(
            float(DetectionLoss()(labels, logits)), 250.0, places=3
        )

    def test_round_trip(self):
        loss = DetectionLoss("softmax", name="loss")
        restored = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(loss)
        )
        self.assertEqual(restored.get_config(), loss.get_config())

    def test_invalid_activation(self):
        with self.assertRaisesRegex(ValueError, "activation='tanh'"):
            DetectionLoss("tanh")
