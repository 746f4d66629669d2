"""Names of the tensors in public PyTorch checkpoints of super-events."""

from ssdet_keras.models.layouts.checkpoint_layout import CheckpointLayout

# Also of the super-events of temporal Gaussian mixtures.
SUPER_EVENT_PATHS = {
    "cls_wts": "super_event/mixing",
    "sup_mat": "super_event/kernel",
    "super_event.center": "super_event/filters1/center",
    "super_event.gamma": "super_event/filters1/gamma",
    "super_event2.center": "super_event/filters2/center",
    "super_event2.gamma": "super_event/filters2/gamma",
}
_PATHS = {
    **SUPER_EVENT_PATHS,
    "per_frame.weight": "output/kernel",
    "per_frame.bias": "output/bias",
}
# Second names of the same modules.
_COPIES = ("sup.", "sup2.", "pf.")


def leave_copies_out(tensors):
    """Returns tensors without second names, and without unused deltas."""
    return {
        name: value
        for name, value in tensors.items()
        if not name.startswith(_COPIES) and not name.endswith(".delta")
    }


class SuperEventLayout(CheckpointLayout):
    """How the authors' code names the tensors of `SuperEventHead`."""

    def matches(self, tensor_names):
        return {"sup_mat", "per_frame.weight"} <= set(tensor_names)

    def prepare(self, tensors):
        return leave_copies_out(tensors)

    def weight_path(self, tensor_name):
        return _PATHS.get(tensor_name)


# https://github.com/piergiaj/super-events-cvpr18, and the class of the same
# name in https://github.com/piergiaj/tgm-icml19.
SUPER_EVENT = SuperEventLayout(name="super-events", pixel_statistics=None)
