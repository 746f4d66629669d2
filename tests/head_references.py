"""Heads as the authors' code computes them, written in plain PyTorch.

All take a dict of tensors with the names of public checkpoints, and features
of shape (batch, steps, features) of videos without padding.
"""

import math

import torch
from torch.nn import functional


def dense(state, name, x):
    """Applies a linear layer, or a convolution over one step."""
    weight = state[f"{name}.weight"]
    weight = weight.reshape(weight.shape[:2])
    return x @ weight.T + state.get(f"{name}.bias", torch.zeros(()))


def convolve(state, name, x, **kwargs):
    """Convolves over three steps."""
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    x = functional.conv1d(x.transpose(1, 2), weight, bias, padding=1, **kwargs)
    return x.transpose(1, 2)


def filters(state, name, length):
    center, gamma = (
        torch.tanh(state[f"{name}.{x}"]) for x in ("center", "gamma")
    )
    center = (length - 1) * (center + 1) / 2
    width = torch.exp(1.5 - 2 * gamma.abs())[:, None]
    x = (torch.arange(length) - center[:, None]) / width
    bumps = 1 / (math.pi * width * (1 + x**2))
    return bumps / (bumps.sum(dim=1, keepdim=True) + 1e-6)


def super_event(state, x):
    """Returns logits of videos, (batch, classes)."""
    weights = state["sup_mat"][0]
    share = torch.sigmoid(state["cls_wts"])[:, None]
    events = []
    for name in ("super_event", "super_event2"):
        event = filters(state, name, x.shape[1]) @ x
        if weights.shape[1] == x.shape[2]:
            event = event.amax(dim=1)
        events.append(event.mT.flatten(1) if event.ndim == 3 else event)
    mixed = share * events[0][:, None] + (1 - share) * events[1][:, None]
    return (mixed * weights).sum(dim=-1)


def super_event_head(state, x):
    return dense(state, "per_frame", x) + super_event(state, x)[:, None]


def mixture(state, name, x):
    """Applies a TGM layer to (batch, channels, steps, features)."""
    attention = torch.softmax(state[f"{name}.soft_attn"], dim=1)
    kernels = attention @ filters(state, name, 5)
    kernels = kernels.reshape(-1, x.shape[1], 5)
    padded = functional.pad(x, (0, 0, 2, 2))
    outputs = []
    for i, kernel in enumerate(kernels):
        y = sum(
            kernel[:, k, None, None] * padded[:, :, k : k + x.shape[2]]
            for k in range(5)
        )
        if x.shape[1] > 1:
            weight = state[f"{name}.convs.{i}.weight"]
            bias = state[f"{name}.convs.{i}.bias"]
            y = torch.relu(functional.conv2d(y, weight, bias))
        outputs.append(y[:, 0])
    return torch.stack(outputs, dim=1)


def tgm_head(state, x):
    motifs = x[:, None]
    for i in range(3):
        motifs = mixture(state, f"sub_event{i + 1}", motifs)
    parts = [x, motifs.amax(dim=1)]
    if "sup_mat" in state:
        logits = super_event(state, x)[:, None]
        parts.append(logits.expand(-1, x.shape[1], -1))
    hidden = dense(state, "h", torch.relu(torch.cat(parts, dim=-1)))
    return dense(state, "classify", torch.relu(hidden))


def dilated_attention(state, name, x, dilation):
    padded = functional.pad(x, (0, 0, dilation, dilation))
    query = dense(state, f"{name}.query_conv", x)
    key, value = (
        torch.stack(
            [y[:, k * dilation :][:, : x.shape[1]] for k in range(3)], dim=-1
        )
        for y in (
            dense(state, f"{name}.{part}_conv", padded)
            for part in ("key", "value")
        )
    )
    weights = torch.softmax(query[..., None] * key, dim=-1)
    return (weights * (value + state[f"{name}.rel_t"][:, 0])).sum(dim=-1)


def pdan_stage(state, stage, x):
    x = dense(state, f"{stage}.conv_1x1", x)
    block = 0
    while f"{stage}.layers.{block}.conv_1x1.weight" in state:
        name = f"{stage}.layers.{block}"
        y = dilated_attention(state, f"{name}.conv_attention", x, 2**block)
        x = x + dense(state, f"{name}.conv_1x1", torch.relu(y))
        block += 1
    return dense(state, f"{stage}.conv_out", x)


def pdan_head(state, x):
    x = pdan_stage(state, "stage1", x)
    if "stages.0.conv_1x1.weight" in state:
        x = pdan_stage(state, "stages.0", x)
    return x


def layer_norm(state, name, x):
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    return functional.layer_norm(x, x.shape[-1:], weight, bias)


def relational_block(state, name, x, num_heads):
    def split(y):
        return y.unflatten(-1, (num_heads, -1)).transpose(1, 2)

    attention, local = (
        f"{name}.{part}_Relational_Block" for part in ("Global", "Local")
    )
    y = layer_norm(state, f"{name}.norm1", x)
    query = split(dense(state, f"{attention}.q", y))
    key, value = map(split, dense(state, f"{attention}.kv", y).chunk(2, -1))
    scores = query @ key.mT / query.shape[-1] ** 0.5
    y = (torch.softmax(scores, dim=-1) @ value).transpose(1, 2).flatten(2)
    x = x + dense(state, f"{attention}.proj", y)
    y = dense(state, f"{local}.linear1", layer_norm(state, f"{name}.norm2", x))
    y = convolve(state, f"{local}.TC", y, groups=y.shape[-1])
    return x + dense(state, f"{local}.linear2", functional.gelu(y))


def mstct_head(state, x, num_heads):
    """Returns logits and heat map."""
    num_steps, scales = x.shape[1], []
    for i in range(1, 5):
        merging = f"TemporalEncoder.Temporal_Merging_Block{i}"
        x = convolve(state, f"{merging}.proj", x, stride=1 if i == 1 else 2)
        x = layer_norm(state, f"{merging}.norm", x)
        block = 0
        while f"TemporalEncoder.block{i}.{block}.norm1.weight" in state:
            name = f"TemporalEncoder.block{i}.{block}"
            x = relational_block(state, name, x, num_heads)
            block += 1
        x = layer_norm(state, f"TemporalEncoder.norm{i}", x)
        y = dense(state, f"Temporal_Mixer.linear_f{i}.proj", x)
        y = functional.interpolate(y.mT, num_steps, mode="linear")
        scales.append(y.mT)
    first, second, third, fourth = scales
    unmixed = torch.cat([fourth, third, second, first], dim=-1)
    mixer = "Temporal_Mixer.linear"
    first = first + dense(state, f"{mixer}3", fourth)
    second = second + dense(state, f"{mixer}2", fourth)
    third = third + dense(state, f"{mixer}1", fourth)
    mixed = torch.cat([fourth, third, second, first], dim=-1)
    module = "Classfication_Module"
    logits = dense(
        state,
        f"{module}.linear_pred",
        dense(state, f"{module}.linear_fuse", mixed),
    )
    y = torch.relu(convolve(state, f"{module}.hm.0", unmixed))
    return logits, dense(state, f"{module}.hm.2", y)
