"""Learning rate in steps."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="ssdet_keras")
class StepSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is divided at milestones, after a linear warm-up.

        rate
          1 |     ________________
            |    /                |
            |   /                 |
        0.1 |  /                  |_______
            0    warmup_steps     milestone     step

    Args:
        learning_rate: Positive float. The rate after the warm-up.
        milestones: List of integers. The steps at which the rate is multiplied
            with `factor`. Defaults to `()`.
        factor: Float. Defaults to `0.1`.
        warmup_steps: Integer. Defaults to `0`.
    """

    def __init__(
        self, learning_rate, milestones=(), factor=0.1, warmup_steps=0
    ):
        super().__init__()
        if learning_rate <= 0:
            raise ValueError(
                "`learning_rate` must be positive. "
                f"Received: learning_rate={learning_rate}"
            )
        self.learning_rate = float(learning_rate)
        self.milestones = [int(step) for step in milestones]
        self.factor = float(factor)
        self.warmup_steps = int(warmup_steps)

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rate = self.learning_rate
        if self.warmup_steps:
            rate = rate * ops.minimum((step + 1) / self.warmup_steps, 1.0)
        for milestone in self.milestones:
            rate = rate * ops.where(step >= milestone, self.factor, 1.0)
        return ops.cast(rate, "float32")

    def get_config(self):
        return {
            "learning_rate": self.learning_rate,
            "milestones": self.milestones,
            "factor": self.factor,
            "warmup_steps": self.warmup_steps,
        }
