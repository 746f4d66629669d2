"""Set-up of all tests."""

# PyTorch must be imported before TensorFlow in one process.
