"""Gradients on the active backend, and by differences."""

import keras
import numpy as np


def numerical_gradients(function, arrays, gradient, step=1e-5):
    """Gradients of `sum(function(*arrays) * gradient)`, in float64."""
    arrays = [np.array(array, "float64") for array in arrays]
    results = [np.empty_like(array) for array in arrays]
    for array, result in zip(arrays, results, strict=True):
        for index in np.ndindex(array.shape):
            value = array[index]
            array[index] = value + step
            high = function(*arrays)
            array[index] = value - step
            low = function(*arrays)
            array[index] = value
            result[index] = ((high - low) * gradient).sum() / (2 * step)
    return results


def gradients(function, tensors, gradient):
    """Returns `function(*tensors)` and its gradients on the active backend.

    Args:
        function: Function of tensors, with one tensor as its result.
        tensors: Tensors of the backend.
        gradient: Tensor, the gradient of the result.

    Returns:
        Tuple of the result and the list of the gradients, as tensors.
    """
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(tensors)
            outputs = function(*tensors)
        return outputs, tape.gradient(outputs, tensors, gradient)
    if backend == "torch":
        tensors = [tensor.detach().requires_grad_() for tensor in tensors]
        outputs = function(*tensors)
        outputs.backward(gradient)
        return outputs, [tensor.grad for tensor in tensors]
    import jax

    @jax.jit
    def outputs_and_gradients(tensors, gradient):
        outputs, backward = jax.vjp(function, *tensors)
        return outputs, backward(gradient)

    outputs, results = outputs_and_gradients(tensors, gradient)
    return outputs, list(results)


def gradients_of_unknown_sizes(function, tensors, gradient):
    """As `gradients`, in a TensorFlow graph that knows the channels alone."""
    import tensorflow as tf

    def spec(tensor, unknown):
        shape = (*(None,) * 4, tensor.shape[-1]) if unknown else tensor.shape
        return tf.TensorSpec(shape, tensor.dtype)

    # Also a second video, such as a shortcut, but no kernel.
    video, *others = tensors
    signature = [
        spec(gradient, True),
        spec(video, True),
        *(
            spec(x, x.shape.rank == 5 and x.shape[0] == video.shape[0])
            for x in others
        ),
    ]

    @tf.function(input_signature=signature)
    def outputs_and_gradients(gradient, *tensors):
        return gradients(function, list(tensors), gradient)

    return outputs_and_gradients(gradient, *tensors)


def layer_gradients(layer, x, gradient, training):
    """Calls a built layer, and updates its moving averages.

    Args:
        layer: Keras layer.
        x: NumPy array, its inputs.
        gradient: NumPy array, the gradient of its outputs.
        training: Boolean.

    Returns:
        Tuple of the outputs (a tensor) and the list of the gradients of the
        inputs and of the trainable weights (float32 NumPy arrays).
    """
    x = keras.ops.convert_to_tensor(x, layer.compute_dtype)
    gradient = keras.ops.convert_to_tensor(gradient, layer.compute_dtype)
    variables = layer.trainable_variables
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x, training=training)
        inputs = [x, *(v.value for v in variables)]
        results = tape.gradient(outputs, inputs, gradient)
    elif backend == "torch":
        import torch

        x.requires_grad_()
        outputs = layer(x, training=training)
        inputs = [x, *(v.value for v in variables)]
        results = torch.autograd.grad(outputs, inputs, gradient)
    else:
        import jax

        def call(values, others, x):
            # Not `stateless_call`, which casts nothing in mixed precision.
            pairs = [
                *zip(variables, values, strict=True),
                *zip(layer.non_trainable_variables, others, strict=True),
            ]
            with keras.StatelessScope(pairs) as scope:
                outputs = layer(x, training=training)
            return outputs, [
                scope.get_current_value(v)
                for v in layer.non_trainable_variables
            ]

        @jax.jit
        def outputs_and_gradients(values, others, x, gradient):
            outputs, backward, others = jax.vjp(
                lambda values, x: call(values, others, x),
                values,
                x,
                has_aux=True,
            )
            values_gradient, x_gradient = backward(gradient)
            return outputs, others, [x_gradient, *values_gradient]

        outputs, others, results = outputs_and_gradients(
            [v.value for v in variables],
            [v.value for v in layer.non_trainable_variables],
            x,
            gradient,
        )
        for variable, value in zip(
            layer.non_trainable_variables, others, strict=True
        ):
            variable.assign(value)
    return outputs, [to_numpy(result) for result in results]


def to_numpy(tensor):
    """Returns a float32 array, also of what NumPy has no type for."""
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))
