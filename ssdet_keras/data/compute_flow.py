"""Optical flow of the frames of a video."""


def compute_flow(frames):
    """Computes the optical flow from each frame to the next.

    It is the Dense Inverse Search of OpenCV, with its medium preset. The last
    frame has no next one: it gets the flow of the frame before it, and the only
    frame of a video gets none. So there are as many flows as frames. No more
    than two frames are in memory.

    Args:
        frames: Iterable of uint8 arrays of shape `(height, width, 3)`, RGB, all
            of one height and width, of which one is at least 16.

    Yields:
        For each frame, a float32 array of shape `(height, width, 2)`: how many
        pixels each point moves to the right, and down, until the next frame.

    Example:

    ```python
    with ssdet_keras.data.VideoFile("pancake.mp4") as video:
        flows = list(ssdet_keras.data.compute_flow(video.read(range(10))))
    ```

    Reference:
        [Kroeger et al., 2016](https://arxiv.org/abs/1603.03590).
    """
    import cv2
    import numpy as np

    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = before = None
    for frame in frames:
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        if before is not None:
            flow = estimator.calc(before, grey, None)
            yield flow
        before = grey
    if before is not None:
        if flow is None:
            flow = np.zeros((*before.shape, 2), "float32")
        yield flow
