"""A lower learning rate when the loss does not fall any more."""

import keras

from ssdet_keras.training.epoch_log import read_rows


class ReduceLROnPlateau(keras.callbacks.ReduceLROnPlateau):
    """That of Keras, which goes on where a run was stopped.

    What it waits for is no part of a checkpoint. It looks at the log again: at
    the epochs before the first one that it sees.

    Args:
        log_path: String or path-like. The file of `EpochLog`.
        monitor: String. A column of the log. Defaults to `"loss"`.
        **kwargs: Arguments of `keras.callbacks.ReduceLROnPlateau`, such as
            `factor` and `patience`.

    Example:

    ```python
    training.train(
        model,
        source,
        workdir,
        callbacks=[
            training.ReduceLROnPlateau(workdir.log_path, patience=5)
        ],
        ...
    )
    ```
    """

    def __init__(self, log_path, monitor="loss", **kwargs):
        super().__init__(monitor, **kwargs)
        self._log_path = log_path
        self._has_begun = False

    def on_train_begin(self, logs=None):
        # A run that is resumed within an epoch calls `fit` twice.
        pass

    def on_epoch_begin(self, epoch, logs=None):
        if self._has_begun:
            return
        self._has_begun = True
        optimizer = self.model.optimizer
        learning_rate = float(
            keras.ops.convert_to_numpy(optimizer.learning_rate)
        )
        for row in read_rows(self._log_path, epoch):
            optimizer.learning_rate = float(row["learning_rate"])
            logs = {self.monitor: float(row[self.monitor])}
            self.on_epoch_end(int(row["epoch"]), logs)
        # That of the checkpoint.
        optimizer.learning_rate = learning_rate
