"""Features of whole videos."""

import keras
import numpy as np

from ssdet_keras.data.stitch_windows import blend_windows


def stream_features(model, windows, margin=None, stride=1):
    """Yields the features of a video of any length, a part at a time.

    The features of windows that overlap are blended, as the logits of a
    detector are by `ssdet_keras.data.stitch_windows`: near the border of a
    window, those of the other one count. No more than two windows are in
    memory.

    Args:
        model: `keras.Model` from `(batch, frames, height, width, 3)` to a dict
            of tensors of shape `(batch, steps, ...)`, such as a
            `feature_pyramid`.
        windows: `ssdet_keras.data.VideoWindows`.
        margin: Integer or `None`. See `stitch_windows`, in steps.
        stride: Integer. Frames of a window per step of the features. Windows
            must begin at multiples of it. Defaults to `1`.

    Yields:
        Dict of name to a float32 array of shape `(steps, ...)`.

    Example:

    ```python
    pyramid = ssdet_keras.models.feature_pyramid(detector.backbone)
    windows = ssdet_keras.data.VideoWindows("pancake.mp4", overlap=64)
    ssdet_keras.data.write_features(
        "features",
        "pancake",
        ssdet_keras.models.stream_features(pyramid, windows),
        num_steps=len(windows.frame_indices),
        fps=windows.fps,
        stride=5,
    )
    ```
    """
    shapes = {}
    for rows in blend_windows(_predict(model, windows, stride, shapes), margin):
        widths = [int(np.prod(shape)) for shape in shapes.values()]
        columns = np.split(rows, np.cumsum(widths)[:-1], axis=1)
        yield {
            name: part.reshape(-1, *shape)
            for part, (name, shape) in zip(columns, shapes.items(), strict=True)
        }


def temporal_stride(model, size):
    """Returns how many frames make up a step of the features of a model.

    Args:
        model: `keras.Model`, as for `stream_features`.
        size: Integer. Height and width of the frames.
    """
    num_frames = 64
    videos = keras.KerasTensor((1, num_frames, size, size, 3))
    return num_frames // model.compute_output_spec(videos)["features"].shape[1]


def _predict(model, windows, stride, shapes):
    """Yields `(step, rows)`: all features of a window, side by side."""
    for start, frames in windows:
        features = model.predict_on_batch(frames[None])
        # Nothing refers to the frames now, of which the next window is made.
        del frames
        arrays = {
            name: np.asarray(value[0], "float32")
            for name, value in features.items()
        }
        shapes.update({name: a.shape[1:] for name, a in arrays.items()})
        yield (
            start // stride,
            np.concatenate(
                [a.reshape(len(a), -1) for a in arrays.values()], axis=1
            ),
        )
