import keras
import numpy as np
from video_test_case import VideoTestCase

from ssdet_keras.models.feature_pyramid import feature_pyramid
from ssdet_keras.models.split_stages import split_stages
from ssdet_keras.models.x3d_backbone import X3DBackbone


class FeaturePyramidTest(VideoTestCase):
    def setUp(self):
        keras.utils.set_random_seed(0)
        self.backbone = X3DBackbone(
            width=0.25, depth=0.1, zero_init_residual=False
        )
        rng = np.random.default_rng(0)
        self.videos = rng.integers(0, 256, (2, 3, 64, 96, 3), "uint8")

    def test_stages(self):
        parts = split_stages(self.backbone)
        self.assertEqual(
            list(parts),
            ["stem", "stage1", "stage2", "stage3", "stage4", "output"],
        )
        x = keras.ops.cast(self.videos, "float32")
        for part in parts.values():
            x = part(x)
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(x),
            self.backbone.predict_on_batch(self.videos),
            atol=1e-5,
        )

    def test_features(self):
        model = feature_pyramid(self.backbone, size=4)
        self.assertEqual(model.count_params(), self.backbone.count_params())
        features = model.predict_on_batch(self.videos)
        stages = keras.Model(
            self.backbone.input,
            {**self.backbone.pyramid_outputs, "output": self.backbone.output},
        ).predict_on_batch(self.videos)
        self.assertEqual(
            set(features),
            {"stage1", "stage2", "stage3", "stage4", "output", "features"},
        )
        # 16 x 24 pixels at stride 4.
        expected = stages["stage1"].reshape(2, 3, 4, 4, 4, 6, -1)
        np.testing.assert_allclose(
            features["stage1"], expected.mean(axis=(3, 5)), atol=1e-5
        )
        self.assertEqual(features["output"].shape[1:4], (3, 4, 4))
        np.testing.assert_allclose(
            features["features"],
            stages["output"].mean(axis=(2, 3)),
            atol=1e-5,
        )

    def test_backbones_without_stages(self):
        inputs = keras.Input((None, 8, 8, 3))
        with self.assertRaisesRegex(
            ValueError, "`backbone` must name its stages in `pyramid_outputs`"
        ):
            feature_pyramid(keras.Model(inputs, inputs * 2))
