import numpy as np
from absl.testing import parameterized
from video_test_case import VideoTestCase

from ssdet_keras.layers import VolumeFreeze


def freeze(clip, start, length, background=None):
    """The paper's concatenation, with frames counted from 0."""
    frozen = clip[start : start + 1]
    if background is not None:
        frozen = background
    after = clip[start + 1 :]
    parts = [clip[:start], *[frozen] * length, after]
    return np.concatenate(parts)[: len(clip)]


class VolumeFreezeTest(VideoTestCase):
    @parameterized.named_parameters(
        ("default", {}),
        ("bounded", {"max_length": 0.5, "rate": 0.5}),
        ("segments", {"num_segments": 3, "background": "class"}),
    )
    def test_augmentation(self, init_kwargs):
        self.run_augmentation_test(VolumeFreeze, init_kwargs)

    def test_values(self):
        layer = VolumeFreeze()
        frames = np.arange(8, dtype="float32").reshape(1, 8, 1, 1, 1)
        given = {"start": np.array([2]), "length": np.array([3])}
        videos = layer.transform_videos(frames, given)
        labels = layer.transform_labels(np.ones((1, 8, 1), "float32"), given)
        mask = layer.transform_mask(
            np.array([[1, 1, 1, 1, 0, 0, 0, 0]], "float32"), given
        )
        out = self.to_numpy({"videos": videos, "labels": labels, "mask": mask})
        self.assertEqual(
            out["videos"].ravel().tolist(), [0, 1, 2, 2, 2, 3, 4, 5]
        )
        self.assertEqual(
            out["labels"].ravel().tolist(), [1, 1, 0, 0, 0, 1, 1, 1]
        )
        self.assertEqual(out["mask"].ravel().tolist(), [1, 1, 1, 1, 1, 1, 0, 0])

    def test_values_of_two_segments(self):
        layer = VolumeFreeze(num_segments=2)
        frames = np.arange(8, dtype="uint8").reshape(1, 8, 1, 1, 1)
        given = {"start": np.array([[0, 4]]), "length": np.array([[2, 3]])}
        videos = layer.transform_videos(frames, given)
        labels = layer.transform_labels(np.ones((1, 8, 1), "float32"), given)
        out = self.to_numpy({"videos": videos, "labels": labels})
        self.assertEqual(
            out["videos"].ravel().tolist(), [0, 0, 1, 2, 3, 3, 3, 4]
        )
        self.assertEqual(
            out["labels"].ravel().tolist(), [0, 0, 1, 1, 0, 0, 0, 1]
        )
        self.assertEqual(out["videos"].dtype, np.uint8)

    def test_background_class(self):
        layer = VolumeFreeze(background="class")
        labels = np.zeros((1, 4, 3), "float32")
        labels[..., 1] = 1
        given = {"start": np.array([1]), "length": np.array([2])}
        labels = layer.transform_labels(labels, given)
        classes = self.to_numpy({"labels": labels})["labels"].argmax(-1)
        self.assertEqual(classes.tolist(), [[1, 2, 2, 1]])

    def test_agrees_with_paper(self):
        # All starts and lengths of the paper for 2 to 9 frames.
        for n in range(2, 10):
            pairs = [
                (start, length)
                for start in range(n - 1)
                for length in range(2, n - start + 1)
            ]
            batch = self.make_batch((len(pairs), n, 1, 1, 3))
            start, length = np.array(pairs).T
            given = {"start": start, "length": length}
            layer = VolumeFreeze()
            videos = layer.transform_videos(batch["videos"], given)
            labels = layer.transform_labels(batch["labels"], given)
            zero = np.zeros((1, 8), "float32")
            expected = {
                "videos": [
                    freeze(v, *p)
                    for v, p in zip(batch["videos"], pairs, strict=True)
                ],
                "labels": [
                    freeze(v, *p, background=zero)
                    for v, p in zip(batch["labels"], pairs, strict=True)
                ],
            }
            self.assert_batches_equal(
                {"videos": videos, "labels": labels},
                {k: np.stack(v) for k, v in expected.items()},
            )

    def test_distribution(self):
        n, num_clips = 5, 8000
        batch = self.make_batch((num_clips, n, 1, 1, 1), num_classes=1)
        drawn = VolumeFreeze(seed=0).get_random_transformation(batch)
        drawn = self.to_numpy(drawn)
        starts = np.bincount(drawn["start"], minlength=n) / num_clips
        # Uniform in [0, 3]; five standard deviations of the share.
        bound = 5 * np.sqrt(0.25 * 0.75 / num_clips)
        np.testing.assert_allclose(starts[:4], 0.25, atol=bound)
        self.assertEqual(starts[4], 0)
        for start in range(4):
            lengths = drawn["length"][drawn["start"] == start]
            choices = n - start - 1
            shares = np.bincount(lengths, minlength=n + 1) / len(lengths)
            self.assertEqual(
                shares[:2].sum() + shares[n - start + 1 :].sum(), 0
            )
            np.testing.assert_allclose(
                shares[2 : n - start + 1], 1 / choices, atol=0.06
            )

    def test_segments_are_disjoint(self):
        batch = self.make_batch((500, 17, 1, 1, 1))
        layer = VolumeFreeze(num_segments=3, seed=0)
        drawn = self.to_numpy(layer.get_random_transformation(batch))
        self.assertEqual(drawn["start"].shape, (500, 3))
        ends = drawn["start"] + drawn["length"]
        self.assertTrue(np.all(drawn["length"] >= 2))
        self.assertTrue(np.all(ends[:, :-1] <= drawn["start"][:, 1:]))
        self.assertTrue(np.all(ends <= 17))

    @parameterized.parameters(
        (0.5, 10, 5), (0.01, 10, 2), (3, 10, 3), (9, 4, 4)
    )
    def test_max_length(self, max_length, num_frames, longest):
        batch = self.make_batch((500, num_frames, 1, 1, 1))
        layer = VolumeFreeze(max_length=max_length, seed=0)
        drawn = self.to_numpy(layer.get_random_transformation(batch))
        self.assertEqual(drawn["length"].min(), 2)
        self.assertEqual(drawn["length"].max(), longest)

    def test_rate_is_the_share_of_clips(self):
        batch = self.make_batch((2000, 4, 1, 1, 1))
        layer = VolumeFreeze(rate=0.3, seed=0)
        drawn = self.to_numpy(layer.get_random_transformation(batch))
        share = (drawn["length"] > 0).mean()
        self.assertBetween(share, 0.3 - 0.052, 0.3 + 0.052)

    def test_padded_clips_freeze_before_their_padding(self):
        batch = self.make_batch((300, 12, 1, 1, 1))
        batch["mask"] = np.ones((300, 12), "float32")
        batch["mask"][:, 5:] = 0
        drawn = VolumeFreeze(seed=0).get_random_transformation(batch)
        drawn = self.to_numpy(drawn)
        self.assertEqual(drawn["start"].max(), 3)
        self.assertEqual((drawn["start"] + drawn["length"]).max(), 5)

    def test_one_frame_stays(self):
        batch = self.make_batch((3, 1, 2, 2, 3))
        self.assert_batches_equal(VolumeFreeze(seed=0)(batch), batch)

    @parameterized.named_parameters(
        ("rate", {"rate": 1.5}, "rate=1.5"),
        ("fraction", {"max_length": 0.0}, "max_length=0.0"),
        ("count", {"max_length": 1}, "max_length=1"),
        ("segments", {"num_segments": 0}, "num_segments=0"),
        ("background", {"background": "one"}, "background='one'"),
    )
    def test_invalid_arguments(self, kwargs, message):
        with self.assertRaisesRegex(ValueError, message):
            VolumeFreeze(**kwargs)

    def test_invalid_ranks(self):
        batch = self.make_batch()
        batch["labels"] = batch["labels"][:, 0]
        with self.assertRaisesRegex(ValueError, r"labels.shape=\(8, 8\)"):
            VolumeFreeze()(batch)

    def test_missing_labels(self):
        videos = self.make_batch()["videos"]
        with self.assertRaisesRegex(ValueError, r"Received: \['videos'\]"):
            VolumeFreeze()({"videos": videos})
        with self.assertRaisesRegex(ValueError, "Received: ndarray"):
            VolumeFreeze()(videos)

    def test_invalid_dtypes(self):
        batch = self.make_batch()
        for key in ("videos", "labels"):
            wrong = {**batch, key: batch[key].astype(str)}
            with self.assertRaisesRegex(ValueError, rf"{key}\.dtype=<U"):
                VolumeFreeze()(wrong)
