"""Mixing of frames on PyTorch."""

import itertools

import torch

# For frames of fewer elements, a loop costs more than the memory it saves.
_LARGE_FRAME = 4096


def mix_frames(videos, clip_1, frame_1, clip_2, frame_2, weight, move):
    """See `ssdet_keras.ops.frames`."""
    if (
        videos.device.type != "cpu"
        or (torch.is_grad_enabled() and videos.requires_grad)
        or torch.compiler.is_compiling()
        or videos.shape[2:].numel() < _LARGE_FRAME
    ):
        return _mix_at_once(
            videos, clip_1, frame_1, clip_2, frame_2, weight, move
        )
    if weight is None:
        index = (clip_1 * videos.shape[1] + frame_1).flatten()
        frames = videos.flatten(0, 1).index_select(0, index)
        return frames.unflatten(0, videos.shape[:2])
    return _mix_one_by_one(
        videos, (clip_1, frame_1, clip_2, frame_2), weight, move
    )


def _mix_at_once(videos, clip_1, frame_1, clip_2, frame_2, weight, move):
    first = videos[clip_1, frame_1]
    if weight is None:
        return first
    second = videos[clip_2, frame_2]
    if move is not None:
        first, second = _move(first, move), _move(second, -move)
    return _mix(first, second, weight[:, :, None, :, None])


def _move(frames, move):
    width = frames.shape[3]
    column = torch.arange(width, device=frames.device) + move[..., None]
    column = column.clamp(0, width - 1)[:, :, None, :, None]
    return frames.take_along_dim(column, dim=3)


def _mix_one_by_one(videos, sources, weight, move):
    """Copies where one frame alone shows, and mixes the rest in cache."""
    output = videos.new_empty(videos.shape)
    width, channels = videos.shape[3:]
    sources = torch.stack(sources, dim=-1).tolist()
    weight = weight.expand(*videos.shape[:2], width)
    # Columns before the first show frame 1 alone, those from the end frame 2.
    first = (weight >= 1).sum(-1).tolist()
    end = (weight > 0).sum(-1).tolist()
    weight = weight.repeat_interleave(channels, dim=-1)
    move = None if move is None else move.tolist()
    for b, t in itertools.product(*map(range, videos.shape[:2])):
        clip_1, frame_1, clip_2, frame_2 = sources[b][t]
        _mix_frame(
            output[b, t],
            videos[clip_1, frame_1],
            videos[clip_2, frame_2],
            weight[b, t],
            first[b][t],
            end[b][t],
            move[b][t] if move else 0,
        )
    return output


def _mix_frame(output, frame_1, frame_2, weight, first, end, move):
    width, channels = output.shape[1:]
    if first > 0:
        output[:, :first] = _columns(frame_1, move, first + move)
    if end < width:
        output[:, end:] = _columns(frame_2, end - move, width - move)
    if first < end:
        _mix(
            _columns(frame_1, first + move, end + move).flatten(1),
            _columns(frame_2, first - move, end - move).flatten(1),
            weight[first * channels : end * channels],
            out=output[:, first:end].flatten(1),
        )


def _columns(frame, first, end):
    """Returns the columns from `first` to `end`. Those outside are edges."""
    width = frame.shape[1]
    if first >= 0 and end <= width:
        return frame[:, first:end]
    column = torch.arange(first, end, device=frame.device)
    return frame[:, column.clamp(0, width - 1)]


def _mix(frame_1, frame_2, weight, out=None):
    dtype = frame_1.dtype
    if dtype in (torch.float32, torch.float64):
        return torch.lerp(frame_2, frame_1, weight.to(dtype), out=out)
    # Rounded once, at the end.
    mixed = torch.lerp(frame_2.float(), frame_1.float(), weight)
    if not dtype.is_floating_point:
        mixed = mixed.round()
    return mixed.to(dtype) if out is None else out.copy_(mixed)
