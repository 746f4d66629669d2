"""X3D-M of this package, with its inference and training step."""

import keras

from ssdet_keras import models

CLIP_SHAPE = (16, 224, 224, 3)
_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def build(dtype="float32"):
    """Returns a new classifier, of 400 classes."""
    keras.utils.set_random_seed(0)
    backbone = models.X3DBackbone(
        "m", normalize=None, input_shape=CLIP_SHAPE, dtype=_POLICIES[dtype]
    )
    return models.VideoClassifier(backbone, num_classes=400)


def compile_for_fit(model):
    """Compiles a classifier for `fit`, with what the plain step uses."""
    model.compile(make_optimizer(), make_loss())


def make_optimizer():
    return keras.optimizers.SGD(0.01, momentum=0.9)


def make_loss():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def make_forward(model, inputs):
    """Returns a function of no arguments, which returns the outputs.

    Args:
        model: `keras.Model`.
        inputs: Float32 array.

    Returns:
        Function. It is compiled, and waits for the device.
    """
    make = {
        "torch": _torch_forward,
        "tensorflow": _tensorflow_forward,
        "jax": _jax_forward,
    }[keras.config.backend()]
    return make(model, keras.ops.convert_to_tensor(inputs))


def make_training_step(model, clips, labels):
    """Returns a function of no arguments, which does one step.

    Args:
        model: `VideoClassifier`.
        clips: Float32 array of shape `(batch, 16, 224, 224, 3)`.
        labels: Integer array of shape `(batch,)`.

    Returns:
        Function. It is compiled, and waits for the device.
    """
    make = {
        "torch": _torch_step,
        "tensorflow": _tensorflow_step,
        "jax": _jax_step,
    }[keras.config.backend()]
    optimizer = make_optimizer()
    optimizer.build(model.trainable_variables)
    clips, labels = map(keras.ops.convert_to_tensor, (clips, labels))
    return make(model, make_loss(), optimizer, clips, labels)


def _torch_forward(model, inputs):
    import torch
    from pytorchvideo_x3d import synchronize

    def forward():
        with torch.no_grad():
            outputs = model(inputs, training=False)
        synchronize()
        return outputs

    return forward


def _torch_step(model, loss, optimizer, clips, labels):
    import torch
    from pytorchvideo_x3d import synchronize

    variables = model.trainable_variables

    def step():
        model.zero_grad()
        loss(labels, model(clips, training=True)).backward()
        gradients = [variable.value.grad for variable in variables]
        with torch.no_grad():
            optimizer.apply(gradients, variables)
        synchronize()

    return step


def _tensorflow_forward(model, inputs):
    import tensorflow as tf

    @tf.function
    def forward(inputs):
        return model(inputs, training=False)

    forward = forward.get_concrete_function(inputs)
    return lambda: forward(inputs).numpy()


def _tensorflow_step(model, loss, optimizer, clips, labels):
    import tensorflow as tf

    variables = model.trainable_variables

    @tf.function
    def step(clips, labels):
        with tf.GradientTape() as tape:
            value = loss(labels, model(clips, training=True))
        optimizer.apply(tape.gradient(value, variables), variables)
        return value

    step = step.get_concrete_function(clips, labels)
    return lambda: step(clips, labels).numpy()


def _jax_forward(model, inputs):
    import jax

    @jax.jit
    def forward(state, inputs):
        return model.stateless_call(*state, inputs, training=False)[0]

    state = _copy_values(
        model.trainable_variables, model.non_trainable_variables
    )
    forward = forward.lower(state, inputs).compile()
    return lambda: jax.block_until_ready(forward(state, inputs))


def _jax_step(model, loss, optimizer, clips, labels):
    import jax

    def compute_loss(trainable, non_trainable, clips, labels):
        logits, non_trainable = model.stateless_call(
            trainable, non_trainable, clips, training=True
        )
        return loss(labels, logits), non_trainable

    def compute_step(state, clips, labels):
        trainable, non_trainable, slots = state
        gradients, non_trainable = jax.grad(compute_loss, has_aux=True)(
            trainable, non_trainable, clips, labels
        )
        trainable, slots = optimizer.stateless_apply(
            slots, gradients, trainable
        )
        return trainable, non_trainable, slots

    state = _copy_values(
        model.trainable_variables,
        model.non_trainable_variables,
        optimizer.variables,
    )
    compute_step = jax.jit(compute_step, donate_argnums=0)
    compute_step = compute_step.lower(state, clips, labels).compile()

    def step():
        nonlocal state
        state = jax.block_until_ready(compute_step(state, clips, labels))

    return step


def _copy_values(*groups):
    """Returns lists of values of variables, none of them shared.

    Keras and the training step let JAX reuse the buffers of theirs.
    """
    return tuple(
        [keras.ops.copy(variable.value) for variable in group]
        for group in groups
    )
