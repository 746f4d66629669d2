"""Numbers and pictures of training, for those who watch it."""

import math
import time

import keras
from absl import logging


class Tracking(keras.callbacks.Callback):
    """Sends numbers and pictures of each epoch to trackers.

    The numbers are those of the logs, and the learning rate. A tracker that
    fails, for the lack of a network or of room on the disk, is warned of, and
    never stops the training.

    Args:
        trackers: Sequence of objects with the methods `log_values(values,
            step)`, of a dict of floats, and `log_picture(name, png, step)`, of
            the bytes of a PNG file: `TensorBoardTracker`, `WandbTracker`,
            `MLflowTracker`. Steps are epochs, from 0.
        draw: Callable or `None`. Is called at the end of an epoch, and returns
            pictures, a dict of names to the bytes of PNG files.
        seconds: Float. Pictures are drawn after the first epoch, after the
            last one, and after those in between that end so long after the
            last pictures. Defaults to `60.0`.

    Example:

    ```python
    tracker = ssdet_keras.training.TensorBoardTracker("run/tensorboard")
    model.fit(
        batches, callbacks=[ssdet_keras.training.Tracking([tracker])]
    )
    ```
    """

    def __init__(self, trackers, draw=None, seconds=60.0):
        super().__init__()
        self._trackers = list(trackers)
        self._draw = draw
        self._seconds = seconds
        self._drawn = -math.inf

    def on_epoch_end(self, epoch, logs=None):
        # This property brings the weights up to date with JAX.
        model = self.model
        rate = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
        values = {
            name: float(value)
            for name, value in {**(logs or {}), "learning_rate": rate}.items()
        }
        pictures = self._draw_pictures(epoch)
        for tracker in self._trackers:
            try:
                tracker.log_values(values, epoch)
                for name, png in pictures.items():
                    tracker.log_picture(name, png, epoch)
            # Whatever a client of a server raises.
            except Exception as error:
                logging.warning(
                    "%s has not got epoch %d: %s: %s",
                    type(tracker).__name__,
                    epoch,
                    type(error).__name__,
                    error,
                )

    def _draw_pictures(self, epoch):
        is_last = epoch + 1 == self.params["epochs"]
        is_due = is_last or time.monotonic() - self._drawn >= self._seconds
        if self._draw is None or not is_due:
            return {}
        pictures = self._draw()
        self._drawn = time.monotonic()
        return pictures
