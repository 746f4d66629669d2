"""Names of the tensors in public PyTorch checkpoints, one file per model."""

from ssdet_keras.models.layouts import coarse_fine_layout
from ssdet_keras.models.layouts import x3d_layouts

# The first that matches is taken.
LAYOUTS = (
    x3d_layouts.PYTORCHVIDEO,
    x3d_layouts.PYSLOWFAST,
    coarse_fine_layout.COARSE_FINE,
    x3d_layouts.X3D_MULTIGRID,
)


def find_layout(tensor_names):
    """Returns the `CheckpointLayout` with such tensors, or `None`."""
    for layout in LAYOUTS:
        if layout.matches(tensor_names):
            return layout
    return None
