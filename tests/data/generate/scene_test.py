import numpy as np
from absl.testing import absltest

from ssdet_keras.data.generate import MOTIONS
from ssdet_keras.data.generate.actor import Actor
from ssdet_keras.data.generate.scene import Scene


class SceneTest(absltest.TestCase):
    def render(self, roles, frames=None, seed=0, **kwargs):
        kwargs = {"size": 32, "num_frames": 60, "fps": 25, **kwargs}
        return np.stack(list(Scene(roles, seed=seed, **kwargs).render(frames)))

    def test_pictures(self):
        video = self.render([{"actions": [("hopping", 0, 60)]}])
        self.assertEqual(video.shape, (60, 32, 32, 3))
        self.assertEqual(video.dtype, np.uint8)
        self.assertGreater(video.std(), 5)

    def test_same_seed(self):
        roles = [{}, {"actions": [("growing", 0, 60)], "place": (0.3, 0.4)}]
        video = self.render(roles, seed=[3, 1])
        np.testing.assert_array_equal(video, self.render(roles, seed=[3, 1]))
        some = self.render(roles, frames=[50, 7], seed=[3, 1])
        np.testing.assert_array_equal(some, video[[50, 7]])
        self.assertFalse(np.array_equal(video, self.render(roles, seed=[3, 2])))

    def test_actors_move_in_their_actions_only(self):
        for index, motion in enumerate(MOTIONS):
            rng = np.random.default_rng(index)
            actor = Actor(rng, [(motion, 20, 60)], num_frames=100)
            blank = np.zeros((64, 64, 3), "float32")
            pictures = np.stack([actor.draw(blank, t) for t in range(100)])
            change = np.abs(np.diff(pictures, axis=0)).max((1, 2, 3))
            # Frame 20 shows the pose of before, frame 59 that of after.
            self.assertEqual(change[:20].max(), 0, motion)
            self.assertEqual(change[59:].max(), 0, motion)
            self.assertGreater(np.mean(change[20:59] > 1), 0.3, motion)

    def test_drifting_actor_stays_in_the_picture(self):
        rng = np.random.default_rng(0)
        actor = Actor(rng, drifts=True, num_frames=2000)
        linear, offsets = actor.matrices[..., :2], actor.matrices[..., 2]
        self.assertEqual(np.ptp(linear, axis=0).max(), 0)
        steps = np.linalg.norm(np.diff(offsets, axis=0), axis=1)
        self.assertBetween(np.median(steps) * 25 / 64, 0.05, 0.1)
        self.assertLess(np.ptp(offsets, axis=0).max(), 64 + 1e-6)

    def test_actor_covers_what_is_behind(self):
        actor = Actor(np.random.default_rng(1), num_frames=1)
        black = np.zeros((64, 64, 3), "float32")
        difference = actor.draw(black + 255, 0) - actor.draw(black, 0)
        # All of the background far from the actor, and less in its middle.
        self.assertAlmostEqual(difference.max(), 255, places=3)
        clear = 255 * (1 - actor.opacities[0])
        self.assertAlmostEqual(difference.min(), clear, delta=1)

    def test_size_does_not_change_the_picture(self):
        roles = [{"actions": [("spinning", 0, 60)]}]
        small = self.render(roles, frames=[30], size=48).astype("float32")
        large = self.render(roles, frames=[30], size=96).astype("float32")
        large = large.reshape(1, 48, 2, 48, 2, 3).mean((2, 4))
        # The noise differs. The shapes are the same.
        self.assertLess(
            np.abs(small.mean((1, 2)) - large.mean((1, 2))).max(), 4
        )


if __name__ == "__main__":
    absltest.main()
