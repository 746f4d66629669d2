"""A generated video before it is a file."""

import numpy as np

from ssdet_keras.data.generate.actor import Actor
from ssdet_keras.data.generate.actor import draw_texture


class Scene:
    """A background with actors, which can be rendered frame by frame.

    What happens is known from the start, and the pictures are drawn only when
    they are asked for, always the same ones.

    Args:
        roles: List of dicts of the arguments `actions`, `place` and `drifts`
            of `ssdet_keras.data.generate.actor.Actor`, the hindmost first.
        size: Integer. Height and width, in pixels.
        num_frames: Integer. Number of frames.
        fps: Integer. Frames per second.
        seed: Integer, or sequence of integers.

    Example:

    ```python
    scene = Scene([{"actions": [("hopping", 25, 100)]}], num_frames=125)
    frames = np.stack(list(scene.render()))
    ```
    """

    def __init__(self, roles, size=64, num_frames=250, fps=25, seed=0):
        self.roles = roles
        self.size = size
        self.num_frames = num_frames
        self.fps = fps
        self.seed = seed

    @property
    def duration(self):
        """Float. Duration in seconds."""
        return self.num_frames / self.fps

    def create_actors(self, rng):
        """Returns the actors, drawn from a random generator."""
        return [
            Actor(
                rng,
                **role,
                size=self.size,
                num_frames=self.num_frames,
                fps=self.fps,
            )
            for role in self.roles
        ]

    def render(self, frames=None):
        """Yields pictures: uint8 RGB arrays of shape `(size, size, 3)`.

        Args:
            frames: Iterable of integers, or `None` for all frames.
        """
        import cv2

        rng = np.random.default_rng(self.seed)
        actors = self.create_actors(rng)
        size = self.size
        background = draw_texture(rng, 2 * size, int(rng.integers(3, 12)), 40)
        # In half of the videos, the camera moves slowly over the background.
        pan = rng.uniform(0, size, (2, 2))
        if rng.random() < 0.5:
            pan[1] = pan[0]
        noise = rng.normal(0, 4, (2 * size, 2 * size, 1)).astype("float32")
        corners = rng.integers(0, size + 1, (self.num_frames, 2))

        for frame in range(self.num_frames) if frames is None else frames:
            x, y = pan[0] + (pan[1] - pan[0]) * frame / self.num_frames
            picture = cv2.warpAffine(
                background, np.array([[1, 0, -x], [0, 1, -y]]), (size, size)
            )
            for actor in actors:
                picture = actor.draw(picture, frame)
            # Another part of one large noise picture is as good as new noise.
            left, top = corners[frame]
            picture += noise[top : top + size, left : left + size]
            yield np.clip(picture, 0, 255).astype("uint8")
