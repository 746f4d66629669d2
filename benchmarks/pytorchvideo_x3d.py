"""X3D-M of PyTorchVideo 0.1.5, with its inference and training step."""

import importlib
import importlib.util
import sys
import types
from typing import NamedTuple

import torch
from absl import app
from torch.nn import functional

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class PyTorchVideoX3D(NamedTuple):
    """A network, and how it is run.

    Attributes:
        network: `torch.nn.Module`. It returns logits.
        memory_format: `torch.memory_format` of its weights and clips.
        autocast: Whether it computes in bfloat16 where PyTorch deems it safe.
    """

    network: torch.nn.Module
    memory_format: torch.memory_format
    autocast: bool

    def place(self, clips):
        """Returns an array of channels-last clips as its input."""
        clips = torch.from_numpy(clips).movedim(-1, 1).to(DEVICE)
        return clips.contiguous(memory_format=self.memory_format)

    def __call__(self, clips):
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=self.autocast):
            return self.network(clips)


def build(memory_format, dtype="float32"):
    """Returns a new `PyTorchVideoX3D`, of 400 classes."""
    torch.manual_seed(0)
    network = import_models("x3d").create_x3d(
        input_clip_length=16,
        input_crop_size=224,
        model_num_class=400,
        dropout_rate=0.5,
        head_activation=None,
    )
    network = network.to(DEVICE, memory_format=memory_format)
    return PyTorchVideoX3D(network, memory_format, dtype == "bfloat16")


def adapt_statistics(model, clips):
    """Makes the moving averages of a `PyTorchVideoX3D` those of clips.

    With those of a new network, all clips would have nearly the same logits.

    Args:
        model: `PyTorchVideoX3D`.
        clips: Float32 array of shape `(batch, 16, 224, 224, 3)`.
    """
    for module in model.network.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.momentum = 1.0
    model.network.train()
    with torch.no_grad():
        model(model.place(clips))


def make_forward(model, clips):
    """Returns a function of no arguments, which returns the logits.

    Args:
        model: `PyTorchVideoX3D`.
        clips: Float32 array of shape `(batch, 16, 224, 224, 3)`.

    Returns:
        Function.
    """
    clips = model.place(clips)

    def forward():
        model.network.eval()
        with torch.no_grad():
            logits = model(clips)
        synchronize()
        return logits

    return forward


def make_training_step(model, clips, labels):
    """Returns a function of no arguments, which does one step.

    Args:
        model: `PyTorchVideoX3D`.
        clips: Float32 array of shape `(batch, 16, 224, 224, 3)`.
        labels: Integer array of shape `(batch,)`.

    Returns:
        Function.
    """
    clips = model.place(clips)
    labels = torch.from_numpy(labels).long().to(DEVICE)
    optimizer = torch.optim.SGD(
        model.network.parameters(), lr=0.01, momentum=0.9
    )

    def step():
        model.network.train()
        optimizer.zero_grad()
        functional.cross_entropy(model(clips), labels).backward()
        optimizer.step()
        synchronize()

    return step


def synchronize():
    """Waits for the GPU, where there is one."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def import_models(name):
    """Imports a module of models without torchvision, if that is absent.

    PyTorchVideo imports `RoIAlign` of torchvision for other networks. X3D and
    the 3D ResNets do not use it.
    """
    is_absent = "torchvision" not in sys.modules and (
        importlib.util.find_spec("torchvision") is None
    )
    if is_absent:
        torchvision = types.ModuleType("torchvision")
        torchvision.ops = types.ModuleType("torchvision.ops")
        torchvision.ops.RoIAlign = None
        sys.modules["torchvision"] = torchvision
        sys.modules["torchvision.ops"] = torchvision.ops
    try:
        return importlib.import_module(f"pytorchvideo.models.{name}")
    except ImportError as error:
        raise app.UsageError(
            "PyTorchVideo is what everything is compared to: pip install "
            f"--no-deps -r benchmarks/requirements.txt. Received: {error}"
        ) from error
