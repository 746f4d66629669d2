"""Event files of TensorBoard."""

import os
import pathlib
import struct
import time


class TensorBoardTracker:
    """Writes numbers and pictures for TensorBoard, without TensorFlow.

        tensorboard --logdir runs

    What is logged is on the disk at once. A run that is resumed writes another
    file, and TensorBoard hides what the first one has of the same steps.

    Args:
        folder: String or path-like. It is made where it is missing.
        first_step: Integer. The step that a run goes on with.
            Defaults to `0`.

    Example:

    ```python
    tracker = ssdet_keras.training.TensorBoardTracker("run/tensorboard")
    tracker.log_values({"loss": 0.5}, step=0)
    tracker.log_picture("clips", open("clips.png", "rb").read(), step=0)
    tracker.close()
    ```
    """

    def __init__(self, folder, first_step=0):
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto import event_pb2
        from tensorboardX.proto import summary_pb2

        self._protos = event_pb2, summary_pb2
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        # Not the writer with a queue, which drops what can't be written.
        self._writer = EventsWriter(str(folder / "events"), f".{os.getpid()}")
        start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._write(first_step, session_log=start)

    def log_values(self, values, step):
        """Logs a dict of names to floats."""
        _, protos = self._protos
        self._write_summary(
            step,
            [
                protos.Summary.Value(tag=name, simple_value=value)
                for name, value in values.items()
            ],
        )

    def log_picture(self, name, png, step):
        """Logs the bytes of a PNG file."""
        _, protos = self._protos
        width, height = struct.unpack(">II", png[16:24])
        image = protos.Summary.Image(
            width=width, height=height, colorspace=3, encoded_image_string=png
        )
        self._write_summary(step, [protos.Summary.Value(tag=name, image=image)])

    def close(self):
        """Closes the file."""
        self._writer.close()

    def _write_summary(self, step, values):
        _, protos = self._protos
        self._write(step, summary=protos.Summary(value=values))

    def _write(self, step, **content):
        protos, _ = self._protos
        event = protos.Event(wall_time=time.time(), step=step, **content)
        self._writer.write_event(event)
        self._writer.flush()
