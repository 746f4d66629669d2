"""Names of the tensors in public PyTorch checkpoints, one file per model."""

from ssdet_keras.models.layouts import coarse_fine_layout
from ssdet_keras.models.layouts import i3d_layout
from ssdet_keras.models.layouts import mstct_layout
from ssdet_keras.models.layouts import pdan_layout
from ssdet_keras.models.layouts import resnet3d_layout
from ssdet_keras.models.layouts import super_event_layout
from ssdet_keras.models.layouts import tgm_layout
from ssdet_keras.models.layouts import x3d_layouts

# The first that matches is taken.
LAYOUTS = (
    x3d_layouts.PYTORCHVIDEO,
    x3d_layouts.PYSLOWFAST,
    coarse_fine_layout.COARSE_FINE,
    x3d_layouts.X3D_MULTIGRID,
    super_event_layout.SUPER_EVENT,
    tgm_layout.TGM,
    pdan_layout.PDAN,
    mstct_layout.MS_TCT,
    i3d_layout.PYTORCH_I3D,
    resnet3d_layout.PYTORCHVIDEO_RESNET,
)


def find_layout(tensor_names):
    """Returns the `CheckpointLayout` with such tensors, or `None`."""
    for layout in LAYOUTS:
        if layout.matches(tensor_names):
            return layout
    return None
