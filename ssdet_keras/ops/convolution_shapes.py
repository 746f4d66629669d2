"""Shape arithmetic that the backends share."""

import itertools
import operator


def padding_amounts(kernel_size, padding):
    """Returns the zeros added to each side of each axis.

    `"same"` is `k // 2` on both sides, as in PyTorch. At stride 2 on an even
    size this differs from TensorFlow's `SAME`, which pads the end alone.

    Args:
        kernel_size: Integers, one per axis.
        padding: `"same"` or `"valid"`.

    Returns:
        Tuple of integers, one per axis.

    Raises:
        ValueError: If `padding` is unknown, or is `"same"` with an even kernel
            size, for which no symmetric padding keeps the size.
    """
    if padding == "valid":
        return (0,) * len(kernel_size)
    if padding != "same":
        raise ValueError(
            "`padding` must be 'same' or 'valid'. "
            f"Received: padding={padding!r}"
        )
    if any(size % 2 == 0 for size in kernel_size):
        raise ValueError(
            "`padding='same'` needs odd kernel sizes. "
            f"Received: kernel_size={tuple(kernel_size)}"
        )
    return tuple(size // 2 for size in kernel_size)


def output_length(length, kernel_size, stride, padding):
    """Returns the length of one axis after a convolution.

    Args:
        length: Integer, tensor or `None` (unknown).
        kernel_size: Integer.
        stride: Integer.
        padding: Integer, the zeros added to each side.

    Returns:
        The same type as `length`.
    """
    if length is None:
        return None
    return (length + 2 * padding - kernel_size) // stride + 1


def pads(lengths, kernel_size, strides, padding):
    """Returns the zeros before and after each axis.

    Args:
        lengths: Integers, of the axes.
        kernel_size: Integers, one per axis.
        strides: Integers, one per axis.
        padding: `"same"`, `"valid"` or `"tensorflow"`. The last is TensorFlow's
            `SAME`: as few zeros as give `ceil(length / stride)` outputs, of
            which the larger half is after. No stride may be larger than the
            kernel then.

    Returns:
        Tuple of pairs of integers, one per axis.

    Raises:
        ValueError: As `padding_amounts`.
    """
    if padding != "tensorflow":
        return tuple((n, n) for n in padding_amounts(kernel_size, padding))
    totals = [
        size - 1 - (0 if stride == 1 else (length - 1) % stride)
        for length, size, stride in zip(
            lengths, kernel_size, strides, strict=True
        )
    ]
    return tuple((n // 2, n - n // 2) for n in totals)


def new_lengths(lengths, kernel_size, strides, padding):
    """Returns the lengths of the axes after a convolution or pooling.

    Args:
        lengths: Integers or `None` (unknown), of the axes.
        kernel_size: Integers, one per axis.
        strides: Integers, one per axis.
        padding: As of `pads`.

    Returns:
        Tuple of integers or `None`.

    Raises:
        ValueError: As `padding_amounts`, if nothing is left of an axis, or if a
            stride is larger than the kernel with `"tensorflow"`.
    """
    sizes, amounts = kernel_size, (0,) * len(kernel_size)
    if padding == "tensorflow":
        if any(map(operator.gt, strides, kernel_size)):
            raise ValueError(
                "`padding='tensorflow'` needs strides of at most the kernel. "
                f"Received: strides={strides}, kernel_size={kernel_size}"
            )
        sizes = (1,) * len(kernel_size)
    else:
        amounts = padding_amounts(kernel_size, padding)
    results = tuple(map(output_length, lengths, sizes, strides, amounts))
    if any(n is not None and n < 1 for n in results):
        raise ValueError(
            "The inputs are smaller than the kernel. Received: "
            f"input_shape={tuple(lengths)}, kernel_size={tuple(kernel_size)}"
        )
    return results


def phases(strides, padding):
    """Yields the parts of the input gradient of a strided convolution.

    The inputs `phase + stride * i` all belong to the kernel taps `first,
    first + stride, ...`; of these, tap `k` connects input `i` to output
    `i + shift - k`. With kernel 3, stride 2 and padding 1:

        inputs     0  1  2  3  4        phase 0: inputs 0, 2, 4; tap 1
        outputs    0     1     2        phase 1: inputs 1, 3; taps 0 and 2

    Args:
        strides: Integers, one per axis.
        padding: Integers, the zeros added to each side.

    Yields:
        Tuples of `phase` (integers, one per axis), `taps` (slices of the
        kernel) and `shift` (integers).
    """
    for phase in itertools.product(*map(range, strides)):
        offsets = [p + n for p, n in zip(phase, padding, strict=True)]
        axes = list(zip(offsets, strides, strict=True))
        taps = tuple(slice(o % stride, None, stride) for o, stride in axes)
        yield phase, taps, tuple(o // stride for o, stride in axes)
