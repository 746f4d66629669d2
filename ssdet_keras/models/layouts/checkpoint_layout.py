"""Names of the tensors in a public PyTorch checkpoint."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class CheckpointLayout:
    """How a code base names the tensors of a model.

    A subclass says which tensors are the weights of which Keras layers. Its
    instances are listed in `ssdet_keras/models/layouts/__init__.py`.

    Attributes:
        name: String. The code base.
        pixel_statistics: `normalize` of the backbone that expects the pixels
            that public checkpoints were trained on, or `None` where they differ
            or there are no pixels.
    """

    name: str
    pixel_statistics: str | None

    def matches(self, tensor_names):
        """Returns whether a file with such tensors is in this layout."""
        raise NotImplementedError

    def prepare(self, tensors):
        """Returns the tensors that are weights, one for each.

        This is where a layout merges tensors, and leaves copies and what has
        no effect out.

        Args:
            tensors: Dict of name to array.

        Returns:
            Another such dict.
        """
        return tensors

    def weight_path(self, tensor_name):
        """Returns the path of the Keras weight of a tensor, or `None`.

        The path begins within the model: `"stem/spatial/kernel"`. That of a
        weight of the head of a classifier or detector begins with `"head/"`.
        """
        raise NotImplementedError

    def axes(self, path, rank):
        """Returns the axes of the tensor in the order of the Keras weight.

        Args:
            path: String. Path of the Keras weight.
            rank: Integer. Its rank. Axes of size 1 that PyTorch has beyond
                these, as in 1x1 convolutions, are left out before.
        """
        # Of outputs, inputs, and those of the kernel.
        return (*range(2, rank), 1, 0) if rank > 1 else (0,)
