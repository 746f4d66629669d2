"""Names of the tensors in public PyTorch checkpoints, one file per model."""

from ssdet_keras.models.layouts import i3d_layout
from ssdet_keras.models.layouts import resnet3d_layout
from ssdet_keras.models.layouts import x3d_layouts

# The first that matches is taken.
LAYOUTS = (
    x3d_layouts.PYTORCHVIDEO,
    x3d_layouts.PYSLOWFAST,
    x3d_layouts.X3D_MULTIGRID,
    i3d_layout.PYTORCH_I3D,
    resnet3d_layout.PYTORCHVIDEO_RESNET,
)


def find_layout(tensor_names):
    """Returns the `CheckpointLayout` with such tensors, or `None`."""
    for layout in LAYOUTS:
        if layout.matches(tensor_names):
            return layout
    return None
