"""The published settings of training temporal heads."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class HeadSettings:
    """How a head is trained.

    Attributes:
        epochs: Integer. Passes over the videos.
        batch_size: Integer. Videos per step.
        learning_rate: Float. The first rate of Adam.
        per_video: Boolean. Whether the rate is that of one video, divided by
            their number and multiplied by the batch size.
        plateau_factor: Float. What the rate is multiplied by when the loss
            does not fall any more.
        plateau_epochs: Integer or `None`. Epochs without a lower loss, after
            which that is done.
        num_steps: Integer or `None`. Steps of a longer video that are seen in
            training. `None` for all.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    per_video: bool = False
    plateau_factor: float = 0.1
    plateau_epochs: int | None = None
    num_steps: int | None = None

    def learning_rate_of(self, num_videos):
        """Returns the first rate for a number of training videos."""
        if self.per_video:
            return self.learning_rate * self.batch_size / num_videos
        return self.learning_rate


# Those of the papers and of their authors' code, by the names of
# `models.make_head`. The linear head has none of its own on features: it has
# those of super-events.
HEAD_SETTINGS = {
    "linear": HeadSettings(40, 16, 0.1, per_video=True, plateau_epochs=3),
    "super_event": HeadSettings(40, 16, 0.1, per_video=True, plateau_epochs=3),
    "tgm": HeadSettings(60, 16, 0.1, per_video=True, plateau_epochs=5),
    "tgm_super_event": HeadSettings(
        60, 16, 0.1, per_video=True, plateau_epochs=5
    ),
    "pdan": HeadSettings(100, 32, 1e-4, plateau_factor=0.5, plateau_epochs=8),
    "mstct": HeadSettings(50, 32, 1e-4, num_steps=256),
}
