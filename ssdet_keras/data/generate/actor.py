"""A textured shape that moves."""

import numpy as np

from ssdet_keras.data.generate.motions import draw_states


class Actor:
    """A textured shape and its pose in every frame.

    Shape, texture and amplitudes are drawn in the same way for all motions.
    The pose is made of all channels of `ssdet_keras.data.generate.motions`,
    those at rest too, so that no frame tells which of them moves.

    Args:
        rng: `numpy.random.Generator`.
        actions: List of `(motion, start, end)`, frames from `start` to before
            `end`, in order of time.
        place: Pair of floats. Mean horizontal and vertical position, as
            fractions of the picture.
        drifts: Boolean. Whether the place moves through the picture, bouncing
            at its edges.
        size: Integer. Height and width of the picture, in pixels.
        num_frames: Integer. Number of frames.
        fps: Number. Frames per second.

    Attributes:
        states: Dict of channel names to arrays of shape `(num_frames,)`.
        matrices: Array of shape `(num_frames, 2, 3)`. The affine maps from the
            patch to the picture.
        opacities: Array of shape `(num_frames,)`.

    Example:

    ```python
    rng = np.random.default_rng(0)
    actor = Actor(rng, [("hopping", 25, 100)], (0.5, 0.5), size=64)
    picture = actor.draw(np.zeros((64, 64, 3), "float32"), 30)
    ```
    """

    def __init__(
        self,
        rng,
        actions=(),
        place=(0.5, 0.5),
        drifts=False,
        size=64,
        num_frames=250,
        fps=25,
    ):
        self.size = size
        self.states = draw_states(actions, num_frames, fps, rng)
        self._patch = _draw_patch(rng, round(size * 2 / 3))
        centers = np.tile(np.asarray(place, "float64"), (num_frames, 1))
        if drifts:
            direction = rng.uniform(0, 2 * np.pi)
            velocity = rng.uniform(0.05, 0.1) * np.array(
                [np.cos(direction), np.sin(direction)]
            )
            centers += velocity * np.arange(num_frames)[:, None] / fps
            centers = 1 - np.abs(1 - centers % 2)
        self.matrices = self._compute_matrices(centers, rng)
        # Smooth and steep, to blink rather than to fade.
        bright = self.states["opacity"]
        bright = bright * bright * (3 - 2 * bright)
        self.opacities = (0.35 + 0.65 * bright).astype("float32")

    def _compute_matrices(self, centers, rng):
        states = self.states
        line = {name: 2 * u - 1 for name, u in states.items()}
        wave = {name: -np.cos(np.pi * u) for name, u in states.items()}
        x, y, hop, orbit, rock, scale, width, height, shear = rng.uniform(
            [0.12, 0.12, 0.22, 0.11, 0.7, 0.35, 0.40, 0.40, 0.6],
            [0.15, 0.15, 0.27, 0.13, 0.9, 0.45, 0.50, 0.50, 0.8],
        )
        turn = 2 * np.pi * states["orbit"]
        centers = self.size * np.stack(
            [
                centers[:, 0] + x * line["x"] + orbit * np.cos(turn),
                centers[:, 1]
                + y * line["y"]
                + orbit * np.sin(turn)
                # A thrown body: slow at the top, and sharp at the ground.
                + hop * (states["hop"] ** 2 - 1 / 3),
            ],
            axis=1,
        )

        # The rotation comes first: the axes of the others are the picture's.
        angle = 2 * np.pi * states["angle"] + rock * wave["rock"]
        linear = np.stack(
            [np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], -1
        ).reshape(-1, 2, 2)
        zoom = rng.uniform(1.0, 1.3) * np.exp(scale * line["scale"])
        linear[:, 0] *= (zoom * np.exp(width * wave["width"]))[:, None]
        linear[:, 1] *= (zoom * np.exp(height * wave["height"]))[:, None]
        linear[:, 0] += (shear * wave["shear"])[:, None] * linear[:, 1]

        middle = (len(self._patch) - 1) / 2
        offsets = centers - 0.5 - linear.sum(-1) * middle
        return np.concatenate([linear, offsets[..., None]], -1)

    def draw(self, picture, frame):
        """Draws the actor over a picture.

        Args:
            picture: Float32 array of shape `(size, size, 3)`.
            frame: Integer. The frame whose pose is drawn.

        Returns:
            A new float32 array of the same shape.
        """
        import cv2

        patch = cv2.warpAffine(
            self._patch, self.matrices[frame], (self.size, self.size)
        )
        patch *= self.opacities[frame]
        return picture * (1 - patch[..., 3:]) + patch[..., :3]


def draw_texture(rng, size, cells, contrast):
    """Returns a float32 texture of random colours, `(size, size, 3)`."""
    import cv2

    texture = rng.random((cells, cells, 3), dtype="float32") - 0.5
    texture = cv2.resize(texture, (size, size), interpolation=cv2.INTER_CUBIC)
    mean = rng.uniform(40, 215, 3).astype("float32")
    return np.clip(mean + contrast * texture, 0, 255)


def _draw_patch(rng, size):
    """Returns a textured polygon or ellipse, colour times opacity, opacity."""
    import cv2

    texture = draw_texture(rng, size, int(rng.integers(3, 7)), 230)
    # Four times as large, then averaged, so that the outline is smooth.
    mask = np.zeros((4 * size, 4 * size), "float32")
    if rng.random() < 0.5:
        # Corners all around, so that none is a sliver that hardly shows.
        corners = int(rng.integers(5, 9))
        angles = np.arange(corners) + rng.uniform(0, 0.8, corners)
        angles *= 2 * np.pi / corners
        radii = size * rng.uniform(1.0, 1.5, len(angles))
        points = np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None]
        cv2.fillPoly(mask, [np.int32(2 * size + points)], 1.0)
    else:
        axes = np.int32(size * rng.uniform(1.0, 1.5, 2))
        cv2.ellipse(
            mask,
            (2 * size, 2 * size),
            (int(axes[0]), int(axes[1])),
            rng.uniform(0, 180),
            0,
            360,
            1.0,
            -1,
        )
    mask = cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA)
    return np.dstack([texture * mask[..., None], mask])
