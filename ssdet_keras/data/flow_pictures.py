"""Optical flow as pictures."""

import numpy as np

# Pixels per frame. As of the public weights of I3D.
_MAX_FLOW = 20.0
_NO_FLOW = 128


def encode_flow(flow):
    """Returns optical flow as pictures, to write it as a video.

    Red is the flow to the right, green the flow downwards, of which 0 to 255
    is -20 to 20 pixels; more is clipped. 128 is no flow, and in steps of 20 /
    127.5 pixels. Blue is 128, and means nothing.

    Args:
        flow: Float array of shape `(..., 2)`, in pixels.

    Returns:
        uint8 array of shape `(..., 3)`.

    Example:

    ```python
    ssdet_keras.data.encode_flow([[0.0, 0.0], [20.0, -20.0]])
    # [[128, 128, 128], [255, 0, 128]]
    ```
    """
    flow = np.asarray(flow)
    pictures = np.full((*flow.shape[:-1], 3), _NO_FLOW, "uint8")
    scaled = np.rint(flow * (127.5 / _MAX_FLOW) + 127.5)
    pictures[..., :2] = np.clip(scaled, 0, 255)
    return pictures


def decode_flow(pictures):
    """Returns the optical flow of pictures of `encode_flow()`.

    Args:
        pictures: uint8 array of shape `(..., 3)`.

    Returns:
        Float32 array of shape `(..., 2)`, in pixels, within 0.08 of what was
        encoded, unless that was clipped.
    """
    pictures = np.asarray(pictures)[..., :2].astype("float32")
    return (pictures / 127.5 - 1) * _MAX_FLOW
