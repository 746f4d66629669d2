"""A single frame tells nothing about the class, and the motion tells it."""

import itertools
from unittest import mock

import numpy as np
from absl.testing import absltest

from ssdet_keras.data.generate import MOTIONS
from ssdet_keras.data.generate import actor as actor_module
from ssdet_keras.data.generate.kinetics import plan_clip
from ssdet_keras.data.generate.motions import draw_states

SIZE = 40

Y, X = np.mgrid[:SIZE, :SIZE].astype("float32")


def to_gray(picture):
    import cv2

    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype("float32")


def picture_features(picture):
    """Pixels, oriented gradients, and the moments of what stands out."""
    import cv2

    pixels = cv2.resize(picture, (8, 8), interpolation=cv2.INTER_AREA)

    gray = cv2.GaussianBlur(to_gray(picture), (3, 3), 0)
    dx, dy = cv2.Sobel(gray, -1, 1, 0), cv2.Sobel(gray, -1, 0, 1)
    bins = np.int32((np.arctan2(dy, dx) / np.pi + 1) * 4) % 8
    cells = 32 * (Y // 10) + 8 * (X // 10) + bins
    gradients = np.bincount(
        np.int32(cells).ravel(), np.hypot(dx, dy).ravel(), 128
    )

    usual = np.median(picture.reshape(-1, 3), axis=0)
    weights = np.maximum(np.abs(picture - usual).sum(-1) - 60, 0) + 1e-3
    total = weights.sum()
    weights = weights / total
    x, y = (weights * X).sum(), (weights * Y).sum()
    moments = [
        x,
        y,
        (weights * (X - x) ** 2).sum(),
        (weights * (Y - y) ** 2).sum(),
        (weights * (X - x) * (Y - y)).sum(),
        np.log(total),
    ]
    return np.concatenate([pixels.ravel(), np.log1p(gradients), moments])


def motion_features(pictures):
    """Statistics of the affine optical flow over time."""
    import cv2

    grays = [to_gray(picture) for picture in pictures]
    changes = np.mean(np.abs(np.diff(grays, axis=0)), axis=0)
    weights = np.maximum(changes - 6, 0) + 1e-6
    weights /= weights.sum()
    x = (X - (weights * X).sum()) / 10
    y = (Y - (weights * Y).sum()) / 10
    basis = np.stack([np.ones_like(x), x, y], -1).reshape(-1, 3)
    weighted = basis * weights.reshape(-1, 1)
    fit = np.linalg.solve(weighted.T @ basis + 1e-4 * np.eye(3), weighted.T)
    bytes_ = [np.uint8(gray) for gray in grays]
    series = []
    for before, after in itertools.pairwise(bytes_):
        flow = cv2.calcOpticalFlowFarneback(
            before, after, None, 0.5, 2, 9, 2, 5, 1.1, 0
        )
        u, v = (fit @ flow.reshape(-1, 2)).T
        series.append(
            [*u, *v, u[1] + v[2], u[1] - v[2], u[2] + v[1], u[2] - v[1]]
        )
    contrasts = [(weights * np.abs(g - np.median(g))).sum() for g in grays]
    series = np.column_stack([series, np.diff(contrasts)])

    mean, deviation = series.mean(0), series.std(0) + 1e-6
    normal = (series - mean) / deviation
    correlations = np.corrcoef(normal.T)
    return np.concatenate(
        [
            np.log(deviation + 0.05),
            np.sign(mean) * np.log1p(5 * np.abs(mean)),
            np.log1p(5 * np.abs(mean)),
            (normal**3).mean(0),
            *[(normal[k:] * normal[:-k]).mean(0) for k in (1, 3, 4)],
            np.quantile(np.abs(series), [0.1, 0.5, 0.9], axis=0).ravel(),
            correlations[np.triu_indices(len(correlations), 1)],
        ]
    )


def pose_features(actor, frame):
    """The true pose, which no picture tells better."""
    matrix = actor.matrices[frame]
    (a, b), (c, d) = matrix[:, :2]
    angle = np.arctan2(c - b, a + d)
    return [
        *matrix.ravel(),
        actor.opacities[frame],
        np.log(np.abs(a * d - b * c)),
        np.log(a * a + b * b),
        np.log(c * c + d * d),
        (a * c + b * d) / np.sqrt((a * a + b * b) * (c * c + d * d)),
        np.cos(angle),
        np.sin(angle),
    ]


def count_right(features, targets, num_train):
    """Returns how many held-out clips a kernel classifier has right."""
    mean, deviation = features[:num_train].mean(0), features[:num_train].std(0)
    x = np.clip((features - mean) / (deviation + 1e-6), -4, 4)
    squares = (x * x).sum(1)
    distances = squares[:, None] + squares[:num_train] - 2 * x @ x[:num_train].T
    kernel = np.exp(-distances / x.shape[1])
    y = np.eye(targets.max() + 1)[targets[:num_train]]
    weights = np.linalg.solve(
        kernel[:num_train] + np.eye(num_train), y - y.mean(0)
    )
    predictions = np.argmax(kernel[num_train:] @ weights, axis=1)
    return np.sum(predictions == targets[num_train:])


def draw_plain_states(actions, num_frames, fps, rng):
    """Returns states in which what does not move is in its middle."""
    states = draw_states(actions, num_frames, fps, rng)
    return {
        name: path if np.ptp(path) else np.full(num_frames, 0.5)
        for name, path in states.items()
    }


class SeparabilityTest(absltest.TestCase):
    def test_no_pose_tells_the_class(self):
        rng = np.random.default_rng(1)
        labels, poses, plain_poses = [], [], []
        for index in range(2400):
            label = index % len(MOTIONS)
            actions = [(MOTIONS[label], 0, 100)]
            frame = rng.integers(100)
            actor = actor_module.Actor(rng, actions, size=16, num_frames=100)
            poses.append(pose_features(actor, frame))
            with mock.patch.object(
                actor_module, "draw_states", draw_plain_states
            ):
                actor = actor_module.Actor(
                    rng, actions, size=16, num_frames=100
                )
            plain_poses.append(pose_features(actor, frame))
            labels.append(label)
        labels = np.array(labels)

        # 800 of 16 classes are held out. Chance has 50 right on average, and
        # more than 73 with a probability of 0.0006.
        right = count_right(np.array(poses), labels, 1600)
        self.assertLessEqual(right, 73)
        # It is the other channels that hide the class: when they rest at their
        # middle, the pose tells it.
        right = count_right(np.array(plain_poses), labels, 1600)
        self.assertGreater(right, 300)

    def test_motion_tells_the_class_and_a_picture_does_not(self):
        rng = np.random.default_rng(0)
        labels, single, moving = [], [], []
        for index in range(640):
            row, scene = plan_clip("train", index, 4.0, SIZE, 25, MOTIONS, 0)
            # Sixteen frames at five frames per second.
            times = rng.integers(25) + 5 * np.arange(16)
            pictures = list(scene.render(times))
            single.append(picture_features(pictures[rng.integers(16)]))
            moving.append(motion_features(pictures))
            labels.append(MOTIONS.index(row[0]))
        labels = np.array(labels)
        single, moving = np.array(single), np.array(moving)

        # 160 clips of 16 classes are held out. Chance has 10 right on average,
        # and more than 21 with a probability of 0.0004.
        right = {
            "pixels": count_right(single[:, :192], labels, 480),
            "gradients": count_right(single[:, 192:320], labels, 480),
            "moments": count_right(single[:, 320:], labels, 480),
            "all": count_right(single, labels, 480),
        }
        self.assertLessEqual(max(right.values()), 21, right)
        right["motion"] = count_right(moving, labels, 480)
        self.assertGreater(right["motion"], 110, right)


if __name__ == "__main__":
    absltest.main()
