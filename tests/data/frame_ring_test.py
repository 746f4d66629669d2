import numpy as np
from absl.testing import parameterized

from ssdet_keras.data import FrameRing


def add(ring, time):
    """Adds a frame that shows its time, in thousandths."""
    ring.add(time, lambda: np.full((2, 2), round(1000 * time), "int64"))


def shown_times(times, num_frames, interval):
    """Returns the times that a window of the whole stream shows."""
    ring = FrameRing(num_frames, interval)
    for time in times:
        add(ring, time)
    frames, shown = ring.read()
    np.testing.assert_array_equal(frames[:, 0, 0], np.rint(1000 * shown))
    return shown


class FrameRingTest(parameterized.TestCase):
    @parameterized.parameters(
        (30, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        (24, [0, 0.083, 0.208, 0.292, 0.417, 0.5]),
        (10, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        (4, [0, 0, 0.25, 0.25, 0.25, 0.5]),
    )
    def test_rates(self, fps, expected):
        times = np.arange(fps // 2 + 1) / fps
        np.testing.assert_allclose(
            shown_times(times, 6, 0.1), expected, atol=1e-3
        )

    def test_frames_are_those_of_frame_sampling(self):
        # 16 of 30 are sampled, and no time is in the middle of two frames.
        times = np.arange(60) / 30
        expected = np.rint(np.arange(16) * 30 / 8.1).astype(int)
        ring = FrameRing(16, 1 / 8.1)
        for time in times[: expected[-1] + 1]:
            add(ring, time)
        np.testing.assert_allclose(ring.read()[1], times[expected])

    def test_jitter(self):
        # Frames up to a third of their gap early or late are the same ones.
        rng = np.random.default_rng(0)
        for _ in range(20):
            late = rng.uniform(-0.011, 0.011, 93)
            late[0] = 0
            shown = shown_times(np.arange(93) / 30 + late, 31, 0.1)
            np.testing.assert_allclose(shown, np.arange(31) / 10, atol=0.05)

    def test_window_is_padded_with_the_first_frame(self):
        ring = FrameRing(4, 1.0)
        for time, expected in (
            (5.0, [5, 5, 5, 5]),
            (6.0, [5, 5, 5, 6]),
            (7.0, [5, 5, 6, 7]),
            (8.0, [5, 6, 7, 8]),
            (9.0, [6, 7, 8, 9]),
        ):
            add(ring, time)
            frames, times = ring.read()
            self.assertEqual(times.tolist(), expected)
            self.assertEqual(frames.shape, (4, 2, 2))

    def test_gap(self):
        # What was seen last, until there is something else.
        times = [0.0, 1.0, 2.0, 5.0, 6.0]
        self.assertEqual(
            shown_times(times, 6, 1.0).tolist(), [1, 2, 2, 2, 5, 6]
        )
        self.assertEqual(
            shown_times([0.0, 1.0, 100.0], 3, 1.0).tolist(), [1, 1, 100]
        )

    def test_unwanted_frames_are_not_read(self):
        ring = FrameRing(4, 1.0)
        read = []
        for time in (0.0, 0.25, 0.5, 0.75, 1.0):
            ring.add(time, lambda time=time: read.append(time))
        # None of them could be read, so that the next one is asked for.
        self.assertEqual(read, [0.0, 0.25, 0.5, 0.75, 1.0])
        self.assertEqual(ring.newest_time, -np.inf)
        for time in (1.25, 1.5, 1.75, 2.0, 2.25):
            ring.add(time, lambda time=time: read.append(time) or np.zeros(1))
        self.assertEqual(read[5:], [1.25, 2.0])
        self.assertEqual(ring.newest_time, 2.0)

    def test_counts(self):
        ring = FrameRing(3, 1.0)
        for time in range(7):
            add(ring, float(time))
        self.assertEqual(
            (ring.num_sampled, ring.num_unread, ring.num_dropped), (7, 3, 4)
        )
        ring.read()
        self.assertEqual(ring.num_unread, 0)
        add(ring, 7.0)
        self.assertEqual(
            (ring.num_sampled, ring.num_unread, ring.num_dropped), (8, 1, 4)
        )
        # Frame 7 is in the next window, though two newer ones are.
        for time in (8.0, 9.0):
            add(ring, time)
        self.assertEqual(ring.num_dropped, 4)
        add(ring, 10.0)
        self.assertEqual(ring.num_dropped, 5)
        self.assertEqual(ring.read()[1].tolist(), [8, 9, 10])

    def test_every_frame_is_read_or_dropped(self):
        rng = np.random.default_rng(0)
        for _ in range(20):
            num_frames = int(rng.integers(1, 6))
            ring = FrameRing(num_frames, 0.1)
            seen = set()
            for time in np.cumsum(rng.uniform(0.01, 0.1, 200)):
                add(ring, time)
                if rng.random() < 0.1:
                    frames, times = ring.read()
                    self.assertLen(frames, num_frames)
                    self.assertTrue((np.diff(times) >= 0).all())
                    seen |= set(times)
            self.assertEqual(
                ring.num_sampled, len(seen) + ring.num_unread + ring.num_dropped
            )

    def test_errors(self):
        for kwargs, message in (
            ({"num_frames": 0}, "num_frames=0"),
            ({"interval": 0.0}, "interval=0.0"),
            ({"interval": float("inf")}, "interval=inf"),
            ({"interval": float("nan")}, "interval=nan"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                FrameRing(**{"num_frames": 4, "interval": 0.1, **kwargs})
        with self.assertRaisesRegex(ValueError, "added first"):
            FrameRing(4, 0.1).read()
