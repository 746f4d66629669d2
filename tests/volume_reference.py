"""The volume augmentations in plain NumPy, one clip and frame at a time.

Transcribed from the formulas of the paper, with frames counted from 0. All
results of pairs are float64; nothing is rounded.
"""

import collections
import fractions
import math

import numpy as np


def freeze(clip, starts, lengths, background=None):
    """Concatenates the frames before, during and after each frozen segment.

    Args:
        clip: Array `(frames, ...)`.
        starts: Integers, the frozen frames, in ascending order.
        lengths: Integers, how often each is shown; 0 leaves the clip.
        background: Array `(1, ...)` in the place of the frozen frames, or
            `None` for the frames themselves.
    """
    num_frames = len(clip)
    for start, length in zip(starts, lengths, strict=True):
        if length == 0:
            continue
        frozen = clip[start : start + 1] if background is None else background
        parts = [clip[:start], *[frozen] * length, clip[start + 1 :]]
        clip = np.concatenate(parts)[:num_frames]
    return clip


def alpha_of(t, length_1, length_2, shift):
    """Returns the weight of clip 1 in frame `t`, from 0 to 1."""
    if length_2 + shift >= length_1:
        if length_1 == shift:
            return 1.0 if t < shift else 0.0
        alpha = (length_1 - t) / (length_1 - shift)
    else:
        alpha = abs(length_2 + 2 * shift - 2 * t) / length_2
    return min(max(alpha, 0.0), 1.0)


def window_of(alpha, width, transition):
    """Returns the mask of clip 1 over the columns, left of column alpha * W.

    It is NaN where a hard edge (no transition) runs through the middle of a
    column: then the mask may be anything from 0 to 1.
    """
    if alpha in (0.0, 1.0):
        return np.full(width, alpha)
    plane, reach = alpha * width, transition * width
    mask = np.empty(width)
    for column in range(width):
        distance = plane - (column + 0.5)
        if reach > 0:
            mask[column] = min(max((distance + reach) / (2 * reach), 0), 1)
        elif abs(distance) < 1e-3:
            mask[column] = math.nan
        else:
            mask[column] = 1.0 if distance > 0 else 0.0
    return mask


def move(frame, columns):
    """Returns the frame with its content `columns` further to the left."""
    width = frame.shape[1]
    source = np.clip(np.arange(width) + columns, 0, width - 1)
    return frame[:, source]


def view_columns(t, num_frames, width):
    """Returns how far the views have moved, 7/16 of the width at the end."""
    way = fractions.Fraction(7 * width * t, 16 * max(num_frames - 1, 1))
    return round(way)


def freeze_batch(batch, given, background="zero"):
    """Freezes a dict of `"videos"`, `"labels"` and `"mask"`."""
    output = {key: [] for key in batch}
    zero = np.zeros((1, batch["labels"].shape[-1]))
    if background == "class":
        zero[0, -1] = 1
    for i in range(len(batch["videos"])):
        segments = np.atleast_1d(given["start"][i], given["length"][i])
        for key in batch:
            label = zero if key == "labels" else None
            output[key].append(freeze(batch[key][i], *segments, label))
    return {key: np.stack(x) for key, x in output.items()}


def mix_up_batch(batch, given):
    """Mixes up a dict of `"videos"`, `"labels"` and `"mask"`."""
    width = batch["videos"].shape[3]

    def weigh(i, t):
        alpha = _alpha_of_pair(given, i, t)
        return alpha, np.full(width, alpha), 0

    return _join(batch, given, weigh)


def cut_mix_batch(batch, given, transition=1 / 16):
    """Cuts and mixes a dict of `"videos"`, `"labels"` and `"mask"`."""
    num_frames, _, width = batch["videos"].shape[1:4]

    def weigh(i, t):
        if given["mode"][i] == 1:
            columns = view_columns(t, num_frames, width)
            return 0.5, window_of(0.5, width, 1 / 16), columns
        alpha = _alpha_of_pair(given, i, t)
        return alpha, window_of(alpha, width, transition), 0

    return _join(batch, given, weigh)


def _alpha_of_pair(given, i, t):
    return alpha_of(
        t, *(int(given[k][i]) for k in ("length_1", "length_2", "shift"))
    )


def _join(batch, given, weigh):
    """Joins pairs; `weigh(i, t)` gives alpha, mask and moved columns."""
    videos, labels, valid = (batch[k] for k in ("videos", "labels", "mask"))
    output = {k: np.zeros(x.shape, "float64") for k, x in batch.items()}
    for i, t in np.ndindex(videos.shape[:2]):
        alpha, mask, columns = weigh(i, t)
        first, second = (i, t), (given["partner"][i], t - given["shift"][i])
        # A clip that does not show may have no such frame.
        if alpha == 0:
            first = second
        if alpha == 1:
            second = first
        video_1 = move(videos[first].astype("float64"), columns)
        video_2 = move(videos[second].astype("float64"), -columns)
        column, area = mask[None, :, None], mask.mean()
        output["videos"][i, t] = column * video_1 + (1 - column) * video_2
        output["labels"][i, t] = (
            area * labels[first] + (1 - area) * labels[second]
        )
        # A frame is valid where all that it shows is. In an overlap with a
        # plane so close to a side that one clip has no column, it may be.
        is_open = 0 < alpha < 1 and not 0 < area < 1
        output["mask"][i, t] = (
            math.nan if is_open else min(valid[first], valid[second])
        )
    return output


def freeze_probabilities(num_frames, max_length=None):
    """Returns the probability of each (start, length)."""
    probabilities = {}
    for start in range(num_frames - 1):
        longest = num_frames - start
        if max_length is not None:
            longest = min(longest, max_length)
        lengths = range(2, longest + 1)
        for length in lengths:
            probability = 1 / ((num_frames - 1) * len(lengths))
            probabilities[start, length] = probability
    return probabilities


def pair_probabilities(num_frames, min_length=0.5):
    """Returns the probability of each (length_1, length_2, shift)."""
    n = num_frames
    places = {}
    lengths = range(math.ceil(min_length * n), n + 1)
    for length in lengths:
        for start in range(n - length + 1):
            places[start, length] = 1 / (len(lengths) * (n - length + 1))
    probabilities = collections.defaultdict(float)
    for place, p in places.items():
        for other, q in places.items():
            probabilities[_fill(place, other, n)] += p * q
    return dict(probabilities)


def _fill(place, other, num_frames):
    """Lets two clips fill the window, as the released code does.

    The earlier one moves to 0, then the one that ends later grows to the end.
    Ties are the first one's.
    """
    starts, lengths = [place[0], other[0]], [place[1], other[1]]
    first = starts.index(min(starts))
    starts[first] = 0
    shift = starts[1 - first]
    # Short clips may leave a gap: then clip 1 grows up to clip 2.
    lengths[first] = max(lengths[first], shift)
    ends = [starts[0] + lengths[0], starts[1] + lengths[1]]
    last = ends.index(max(ends))
    lengths[last] = num_frames - starts[last]
    return lengths[first], lengths[1 - first], shift
