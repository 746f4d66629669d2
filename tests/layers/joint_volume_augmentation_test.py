import numpy as np
from absl.testing import parameterized
from video_test_case import VideoTestCase

from ssdet_keras.layers import FrameLabels
from ssdet_keras.layers import JointVolumeAugmentation
from ssdet_keras.layers import VolumeCutMix
from ssdet_keras.layers import VolumeFreeze
from ssdet_keras.layers import VolumeMixUp


def make_layers(**kwargs):
    return [
        VolumeFreeze(seed=1, **kwargs),
        VolumeMixUp(seed=2, **kwargs),
        VolumeCutMix(mode="random", seed=3, **kwargs),
    ]


class JointVolumeAugmentationTest(VideoTestCase):
    @parameterized.parameters(("single", 1), ("independent", 2))
    def test_augmentation(self, strategy, num_roundings):
        def build(layers=None, **kwargs):
            layers = layers or make_layers(rate=0.9)
            return JointVolumeAugmentation(layers, **kwargs)

        self.run_augmentation_test(build, {"strategy": strategy}, num_roundings)

    def test_single_applies_the_chosen_layer_to_the_original(self):
        layers = make_layers()
        joint = JointVolumeAugmentation(layers, seed=0)
        batch = self.make_batch((32, 8, 2, 16, 3), num_classes=32)
        batch["videos"] = batch["videos"].astype("float32")
        drawn = joint.get_random_transformation(batch, seed=5)
        output = self.to_numpy(
            {
                "videos": joint.transform_videos(batch["videos"], drawn),
                "labels": joint.transform_labels(batch["labels"], drawn),
            }
        )
        choice = self.to_numpy({"choice": drawn["choice"]})["choice"]
        self.assertEqual(set(choice.tolist()), {0, 1, 2})
        for i, layer in enumerate(layers):
            given = drawn["layers"][i]
            alone = self.to_numpy(
                {
                    "videos": layer.transform_videos(batch["videos"], given),
                    "labels": layer.transform_labels(batch["labels"], given),
                }
            )
            for key in alone:
                np.testing.assert_array_equal(
                    output[key][choice == i], alone[key][choice == i]
                )

    def test_independent_applies_the_layers_in_order(self):
        layers = make_layers(rate=0.5)
        joint = JointVolumeAugmentation(layers, "independent", seed=0)
        batch = self.make_batch((16, 8, 2, 16, 3))
        videos = batch["videos"].astype("float32")
        drawn = joint.get_random_transformation(batch, seed=5)
        expected = videos
        for layer, given in zip(layers, drawn["layers"], strict=True):
            expected = layer.transform_videos(expected, given)
        self.assert_batches_equal(
            {"videos": joint.transform_videos(videos, drawn)},
            {"videos": expected},
        )

    def test_choices_are_uniform_and_rate_is_their_share(self):
        joint = JointVolumeAugmentation(make_layers(), rate=0.6, seed=0)
        batch = self.make_batch((5000, 2, 1, 1, 1), num_classes=1)
        drawn = joint.get_random_transformation(batch)["choice"]
        choice = self.to_numpy({"choice": drawn})["choice"]
        shares = np.bincount(choice + 1, minlength=4) / 5000
        np.testing.assert_allclose(shares, [0.4, 0.2, 0.2, 0.2], atol=0.035)

    def test_after_frame_labels(self):
        videos = self.make_batch((4, 8, 2, 16, 3))["videos"]
        batch = {"videos": videos, "labels": np.array([0, 1, 2, 3])}
        joint = JointVolumeAugmentation(make_layers(), seed=0)
        labels = self.to_numpy(joint(FrameLabels(4)(batch)))["labels"]
        self.assertEqual(labels.shape, (4, 8, 4))
        self.assertLessEqual(labels.sum(-1).max(), 1 + 1e-5)

    @parameterized.named_parameters(
        ("no_layers", ([],), r"layers=\[\]"),
        ("other_layer", ([FrameLabels(2)],), "layers=.*FrameLabels"),
        ("strategy", (make_layers(), "all"), "strategy='all'"),
    )
    def test_invalid_arguments(self, args, message):
        with self.assertRaisesRegex(ValueError, message):
            JointVolumeAugmentation(*args)
