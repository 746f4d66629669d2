"""Reading public PyTorch checkpoints."""

import pathlib
import pickle
import re
from typing import NamedTuple

import numpy as np

from ssdet_keras.models.layouts import LAYOUTS
from ssdet_keras.models.layouts import find_layout
from ssdet_keras.models.layouts.checkpoint_layout import CheckpointLayout

_CONTAINERS = ("model_state", "model_state_dict")


class Checkpoint(NamedTuple):
    """Tensors of a public PyTorch checkpoint.

    Attributes:
        layout: `CheckpointLayout`. How the code base names its modules.
        tensors: Dict of path of a Keras weight, such as
            `"stage1_block1/expand/kernel"`, to float32 array with the axes of
            PyTorch.
        names: Dict of the same paths to the names in the file.
        unknown: List of the names of all other tensors.
    """

    layout: CheckpointLayout
    tensors: dict[str, np.ndarray]
    names: dict[str, str]
    unknown: list[str]

    @property
    def num_classes(self):
        """Number of classes, or `None` without an output layer."""
        bias = self.tensors.get("head/output/bias")
        return None if bias is None else len(bias)


def read_checkpoint(path):
    """Reads a public PyTorch checkpoint.

    Only tensors and plain values are read (`weights_only=True`), under every
    Keras backend. Statistics of sub-batch-normalisation are aggregated to those
    of the whole batch.

    Args:
        path: String or path-like. File in one of the layouts of
            `ssdet_keras/models/layouts`.

    Returns:
        `Checkpoint`.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If PyTorch is not installed.
        ValueError: If the file is not a checkpoint in a known layout, or if it
            asks for other Python objects than tensors.

    Example:

    ```python
    checkpoint = ssdet_keras.models.read_checkpoint("x3d_m.pyth")
    checkpoint.layout.name, checkpoint.num_classes  # PyTorchVideo, 400
    ```

    Reference:
        [Wu et al., 2020](https://arxiv.org/abs/1912.00998), for
        sub-batch-normalisation.
    """
    path = pathlib.Path(path)
    tensors = _find_tensors(path, _load(path))
    if all(name.startswith("module.") for name in tensors):
        # As wrapped by `torch.nn.DataParallel`.
        tensors = {k.removeprefix("module."): v for k, v in tensors.items()}
    layout = find_layout(tensors)
    if layout is None:
        raise ValueError(
            "`path` must be a checkpoint in one of the layouts "
            f"{', '.join(known.name for known in LAYOUTS)}. Received: "
            f"path={path}, whose {len(tensors)} tensors begin with "
            f"{list(tensors)[:3]}"
        )
    checkpoint = Checkpoint(layout, {}, {}, [])
    tensors = layout.prepare(_aggregate_sub_batch_norm(path, tensors))
    for name, value in tensors.items():
        weight_path = layout.weight_path(name)
        if weight_path is not None:
            checkpoint.tensors[weight_path] = value
            checkpoint.names[weight_path] = name
        elif not name.endswith(".num_batches_tracked"):
            checkpoint.unknown.append(name)
    return checkpoint


def check_file(path):
    """Raises a `FileNotFoundError` unless `path` is a file."""
    if not path.is_file():
        raise FileNotFoundError(
            f"`path` must be a checkpoint file. Received: path={path}, which "
            + ("is a folder" if path.is_dir() else "does not exist")
        )


def _load(path):
    check_file(path)
    try:
        import torch  # noqa: TID251 (the format is that of PyTorch)
    except ImportError as error:
        raise ImportError(
            "PyTorch reads its checkpoints, under every Keras backend: "
            f"pip install torch. Received: path={path}"
        ) from error
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Damaged files raise errors of many types. The message about unsafe
        # ones advises to load them without the check.
        unsafe = re.search(r"GLOBAL (\S+)", str(error))
        if isinstance(error, pickle.UnpicklingError) and unsafe:
            raise ValueError(
                "`path` must hold tensors and plain values alone: other Python "
                "objects could run code. Where you trust the file, load it in "
                "PyTorch, and save its state dict on its own. "
                f"Received: path={path}, which asks for {unsafe[1]}"
            ) from None
        raise ValueError(
            "`path` must be a PyTorch checkpoint. Received: "
            f"path={path}, which PyTorch can't read ({type(error).__name__})"
        ) from error


def _find_tensors(path, contents):
    """Returns a dict of name to float32 array."""
    for container in _CONTAINERS:
        if isinstance(contents, dict):
            contents = contents.get(container, contents)
    tensors = {}
    if isinstance(contents, dict):
        tensors = {
            name: value.detach().float().numpy()
            for name, value in contents.items()
            if isinstance(name, str) and hasattr(value, "detach")
        }
    if not tensors:
        raise ValueError(
            "`path` must hold named tensors, at its top level or in one of "
            f"{list(_CONTAINERS)}. Received: path={path}, which holds "
            + (
                f"{list(contents)[:5]}"
                if isinstance(contents, dict)
                else f"a {type(contents).__name__}"
            )
        )
    return tensors


def _aggregate_sub_batch_norm(path, tensors):
    """Returns tensors in which statistics of splits are those of the batch.

    A norm that was trained in n splits of the batch has n means and variances
    per channel, `split_bn`, and may have outdated ones of the whole, `bn`:

        norm.weight                  C    -> norm.weight
        norm.bias                    C    -> norm.bias
        norm.bn.running_mean         C    (replaced)
        norm.split_bn.running_mean   n C  -> norm.running_mean   C
    """
    aggregated = dict(tensors)
    for name in tensors:
        norm, found, _ = name.partition(".split_bn.running_mean")
        if not found:
            continue
        means = tensors[name]
        variances = tensors.get(f"{norm}.split_bn.running_var")
        num_channels = tensors.get(f"{norm}.weight", means).size
        if (
            variances is None
            or means.shape != variances.shape
            or means.size % num_channels
        ):
            raise ValueError(
                f"`{norm}.split_bn` must have a mean and a variance for every "
                f"split and channel. Received: path={path}, {means.size} "
                f"means, {np.size(variances)} variances for {num_channels} "
                "channels"
            )
        means = means.reshape(-1, num_channels)
        aggregated[f"{norm}.running_mean"] = means.mean(axis=0)
        aggregated[f"{norm}.running_var"] = variances.reshape(
            -1, num_channels
        ).mean(axis=0) + means.var(axis=0)
        for part in ("bn", "split_bn"):
            for statistic in ("mean", "var"):
                aggregated.pop(f"{norm}.{part}.running_{statistic}", None)
    return aggregated
