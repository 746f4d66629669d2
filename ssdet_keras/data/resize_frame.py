"""Resizing of frames."""


def resize_frame(frame, height, width):
    """Returns a frame with the given height and width."""
    if frame.shape[:2] == (height, width):
        return frame
    import cv2

    # Averaging keeps fine textures from flickering where frames shrink.
    shrinks = height <= frame.shape[0] and width <= frame.shape[1]
    return cv2.resize(
        frame,
        (width, height),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
