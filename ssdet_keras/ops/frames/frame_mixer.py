"""Mixing of single frames on PyTorch, on CPU."""

import numpy as np
import torch


class FrameMixer:
    """Shows single frames of what plans say, one plan after the other.

    Args:
        videos: Tensor of shape `(batch, frames, height, width, channels)`.
        plans: List of `FramePlan`.
    """

    def __init__(self, videos, plans):
        self._frames = [clip.unbind() for clip in videos.unbind()]
        _, _, height, width, self._channels = videos.shape
        # Columns and channels are one axis, of this size.
        self._size = width * self._channels
        self._steps = [
            (_to_lists(plan, width, self._channels), self._weights(plan))
            for plan in plans
        ]
        self._wide = None
        if videos.dtype not in (torch.float32, torch.float64):
            # Low precision is rounded once, at the end.
            self._wide = torch.empty((2, height, self._size))

    def show(self, clip, frame, output):
        """Writes a frame to `output`, `(height, width, channels)`."""
        self._show(len(self._steps), clip, frame, output.flatten(1))

    def _weights(self, plan):
        """Returns one number, or one tensor of all columns, per frame."""
        if plan.weight is None:
            return None
        weight = np.asarray(plan.weight)
        if weight.shape[-1] == 1:
            return weight[..., 0].tolist()
        weight = torch.from_numpy(weight.repeat(self._channels, axis=-1))
        return [clip.unbind() for clip in weight.unbind()]

    def _show(self, num_steps, clip, frame, output=None):
        """Returns the rows of a frame after some steps, for reading.

        They are in `output`, if it is given.
        """
        if num_steps == 0:
            rows = self._frames[clip][frame].flatten(1)
            return rows if output is None else output.copy_(rows)

        sources, weights = self._steps[num_steps - 1]
        source_1, source_2, first, end, move = sources[clip][frame]
        if first == self._size and move == 0:
            return self._show(num_steps - 1, *source_1, output)
        if end == 0 and move == 0:
            return self._show(num_steps - 1, *source_2, output)
        rows_1 = self._show(num_steps - 1, *source_1)
        rows_2 = self._show(num_steps - 1, *source_2)
        if output is None:
            output = torch.empty_like(rows_1)
        whole_1 = whole_2 = None
        if self._wide is None and end + move <= self._size and first >= move:
            whole_1, whole_2 = _shift(rows_1, move), _shift(rows_2, -move)
        if whole_1 is not None and whole_2 is not None:
            # One mix of all columns is quicker than two copies of some.
            self._mix(whole_1, whole_2, weights[clip][frame], output)
            return output
        if first > 0:
            output[:, :first] = self._columns(rows_1, move, first + move)
        if end < self._size:
            output[:, end:] = self._columns(
                rows_2, end - move, self._size - move
            )
        if first < end:
            weight = weights[clip][frame]
            self._mix(
                self._columns(rows_1, first + move, end + move),
                self._columns(rows_2, first - move, end - move),
                weight[first:end] if torch.is_tensor(weight) else weight,
                output[:, first:end],
            )
        return output

    def _columns(self, rows, first, end):
        """Returns a part of the rows. What is outside is their edge."""
        if first >= 0 and end <= self._size:
            return rows[:, first:end]
        index = torch.arange(first, end)
        column, channel = index // self._channels, index % self._channels
        column = column.clamp(0, self._size // self._channels - 1)
        return rows[:, column * self._channels + channel]

    def _mix(self, rows_1, rows_2, weight, output):
        if self._wide is None:
            if torch.is_tensor(weight):
                weight = weight.to(rows_1.dtype)
            torch.lerp(rows_2, rows_1, weight, out=output)
            return
        wide_1, wide_2 = self._wide[:, :, : output.shape[1]]
        mixed = wide_2.copy_(rows_2).lerp_(wide_1.copy_(rows_1), weight)
        if not output.dtype.is_floating_point:
            mixed.round_()
        output.copy_(mixed)


def _shift(rows, move):
    """Returns the rows, moved to the left, for columns that stay inside.

    The others are those of the next row. It is `None` where there is none.
    """
    start = rows.storage_offset() + move
    num_elements = rows.untyped_storage().nbytes() // rows.element_size()
    if start < 0 or start + rows.numel() > num_elements:
        return None
    return rows.as_strided(rows.shape, rows.stride(), start)


def _to_lists(plan, width, channels):
    """Returns for each frame what it shows, and where it mixes.

    These are two clips with a frame each, the first element of a row that
    mixes, the first one after these, and the elements that clips move. Before
    them clip 1 shows alone, and behind them clip 2.
    """
    source_1 = np.stack([plan.clip_1, plan.frame_1], axis=-1)
    source_2, first, end = source_1, width, width
    if plan.weight is not None:
        source_2 = np.stack([plan.clip_2, plan.frame_2], axis=-1)
        weight = np.broadcast_to(plan.weight, (*source_1.shape[:2], width))
        first = (weight >= 1).sum(axis=-1)
        end = (weight > 0).sum(axis=-1)
    move = 0 if plan.move is None else plan.move
    first, end, move = (
        np.broadcast_to(channels * np.asarray(x), source_1.shape[:2]).tolist()
        for x in (first, end, move)
    )
    return [
        list(zip(*clip, strict=True))
        for clip in zip(
            source_1.tolist(), source_2.tolist(), first, end, move, strict=True
        )
    ]
