"""Numbers and pictures of training, for those who watch it."""

import contextlib
import math
import time

import keras
from absl import logging


class Tracking(keras.callbacks.Callback):
    """Sends numbers and pictures of each epoch to trackers.

    The numbers are those of the logs, and the learning rate. What fails, for
    the lack of a network or of room on the disk, is warned of, and never stops
    the training.

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
        pictures = {}
        if self._is_due(epoch):
            with self._warn("No pictures", epoch):
                pictures = self._draw()
            self._drawn = time.monotonic()
        for tracker in self._trackers:
            with self._warn(f"{type(tracker).__name__} lacks numbers", epoch):
                tracker.log_values(values, epoch)
                for name, png in pictures.items():
                    tracker.log_picture(name, png, epoch)

    def _is_due(self, epoch):
        is_last = epoch + 1 == self.params["epochs"]
        is_late = time.monotonic() - self._drawn >= self._seconds
        return self._draw is not None and (is_last or is_late)

    @contextlib.contextmanager
    def _warn(self, what, epoch):
        try:
            yield
        # Whatever a client of a server raises.
        except Exception as error:
            name = type(error).__name__
            logging.warning("%s of epoch %d: %s: %s", what, epoch, name, error)
