"""Names of the weights of a batch norm of PyTorch, in Keras."""

NORM_WEIGHTS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
