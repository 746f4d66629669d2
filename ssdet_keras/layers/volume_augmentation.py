"""Base class of the augmentations that rearrange and mix frames."""

from ssdet_keras.layers.video_augmentation import VideoAugmentation


class VolumeAugmentation(VideoAugmentation):
    """Base class for augmentations whose frames show at most two frames each.

    A subclass draws its parameters in `get_random_transformation()`, and says
    in `plan_frames()` which frames they show. Videos, labels and mask follow
    the same plan, in one pass over memory.

    Args:
        rate: Float in `[0, 1]`. Probability of augmenting a clip.
            Defaults to `1.0`.
        seed: Integer or `None`. Seed of the layer's random state.
        **kwargs: Keyword arguments of `VideoAugmentation`, such as `dtype`.
    """

    def plan_frames(self, transformation, num_frames, width=None):
        """Returns what each frame shows.

        Args:
            transformation: Dict of tensors or arrays, one row per clip, as
                from `get_random_transformation()`.
            num_frames: Number of frames of a clip.
            width: Number of columns of a frame. `None` is for labels and mask,
                whose weight is the mean over the columns.

        Returns:
            `FramePlan`.
        """
        raise NotImplementedError

    def transform_videos(self, videos, transformation):
        ops = self.backend
        videos = ops.convert_to_tensor(videos)
        num_frames, _, width = ops.shape(videos)[1:4]
        plan = self._plan(transformation, num_frames, width)
        return plan.show_videos(videos, ops)

    def transform_labels(self, labels, transformation):
        ops = self.backend
        labels = ops.convert_to_tensor(labels)
        plan = self._plan(transformation, ops.shape(labels)[1])
        return plan.show_labels(labels, ops)

    def transform_mask(self, mask, transformation):
        ops = self.backend
        mask = ops.convert_to_tensor(mask)
        plan = self._plan(transformation, ops.shape(mask)[1])
        return plan.show_mask(mask, ops)

    def _plan(self, *args):
        return self._call_on_host(self.plan_frames, *args)
