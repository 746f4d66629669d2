"""Mixing of frames on PyTorch."""

import itertools

import torch

from ssdet_keras.ops.frames.frame_mixer import FrameMixer

# For frames of fewer elements, a loop costs more than the memory it saves.
_LARGE_FRAME = 4096


def is_on_host(x):
    """See `ssdet_keras.ops.frames`."""
    return not torch.compiler.is_compiling() and x.device.type == "cpu"


def mix_frames(videos, plans):
    """See `ssdet_keras.ops.frames`."""
    if (
        not is_on_host(videos)
        or (torch.is_grad_enabled() and videos.requires_grad)
        or videos.shape[2:].numel() < _LARGE_FRAME
    ):
        for plan in plans:
            videos = _mix_at_once(videos, plan)
        return videos
    if all(plan.weight is None for plan in plans):
        return _copy_frames(videos, plans)
    return _mix_one_by_one(videos, plans)


def _mix_at_once(videos, plan):
    clip_1, frame_1, clip_2, frame_2, weight, move = (
        None if x is None else torch.as_tensor(x, device=videos.device)
        for x in plan[:6]
    )
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


def _mix(frame_1, frame_2, weight):
    dtype = frame_1.dtype
    if dtype in (torch.float32, torch.float64):
        return torch.lerp(frame_2, frame_1, weight.to(dtype))
    # Rounded once, at the end.
    mixed = torch.lerp(frame_2.float(), frame_1.float(), weight)
    return (mixed if dtype.is_floating_point else mixed.round()).to(dtype)


def _copy_frames(videos, plans):
    num_frames = videos.shape[1]
    index = torch.arange(videos.shape[0] * num_frames)
    for plan in reversed(plans):
        clip, frame = (torch.as_tensor(x) for x in plan[:2])
        index = (clip * num_frames + frame).flatten()[index]
    frames = videos.flatten(0, 1).index_select(0, index)
    return frames.unflatten(0, videos.shape[:2])


def _mix_one_by_one(videos, plans):
    """Copies where one frame alone shows, and mixes the rest in cache."""
    output = videos.new_empty(videos.shape)
    mixer = FrameMixer(videos, plans)
    for clip, frame in itertools.product(*map(range, videos.shape[:2])):
        mixer.show(clip, frame, output[clip, frame])
    return output
