import json
import os
import unittest
from unittest import mock

import keras
import numpy as np

from ssdet_keras import training
from ssdet_keras.training.distribution.processes import Processes
from ssdet_keras.training.distribution.processes import read_processes

TF_CONFIG = {
    "cluster": {"worker": ["a:1", "b:2"]},
    "task": {"type": "worker", "index": 1},
}
# Of the second of two processes.
LAUNCHED = {
    "torch": (
        {
            "RANK": "1",
            "WORLD_SIZE": "2",
            "LOCAL_RANK": "0",
            "MASTER_ADDR": "a",
            "MASTER_PORT": "1",
        },
        Processes(1, 2, "a:1"),
    ),
    "tensorflow": (
        {"TF_CONFIG": json.dumps(TF_CONFIG)},
        Processes(1, 2, "b:2"),
    ),
    "jax": (
        {
            "KERAS_DISTRIBUTION_PROCESS_ID": "1",
            "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
            "KERAS_DISTRIBUTION_JOB_ADDRESSES": "a:1,b:2",
        },
        Processes(1, 2, "a:1"),
    ),
}
SRUN = {
    "SLURM_PROCID": "3",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_LOCALID": "1",
    "SLURM_LAUNCH_NODE_IPADDR": "10.0.0.7",
    "SLURM_JOB_ID": "123456",
}


class MakeDistributionTest(unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.backend = keras.config.backend()
        self.enterContext(mock.patch.dict(os.environ, clear=True))

    def test_alone(self):
        for name in ("auto", "none"):
            distribution = training.make_distribution(name)
            self.assertIs(type(distribution), training.Distribution)
            self.assertTrue(distribution.is_main)
            self.assertEqual(distribution.num_replicas, 1)
        np.testing.assert_array_equal(
            distribution.all_gather([1, 2]), np.array([1, 2])
        )
        values = distribution.all_gather_objects({"ä": [1, None]})
        self.assertEqual(values, [{"ä": [1, None]}])

    def test_environment(self):
        self.assertIsNone(read_processes())
        environment, expected = LAUNCHED[self.backend]
        os.environ.update(environment)
        self.assertEqual(read_processes(), expected)
        # Started by `srun` in turn.
        os.environ.update(SRUN)
        self.assertEqual(read_processes(), expected)

    def test_srun(self):
        os.environ.update(SRUN)
        expected = Processes(3, 4, "10.0.0.7:29956", 1)
        self.assertEqual(read_processes(), expected)
        os.environ.update(MASTER_ADDR="b", MASTER_PORT="5")
        self.assertEqual(read_processes(), Processes(3, 4, "b:5", 1))
        os.environ["SLURM_STEP_NUM_TASKS"] = "1"
        self.assertIsNone(read_processes())

    def test_engines_of_other_backends(self):
        for name, backend in training.ENGINES.items():
            if backend != self.backend:
                with self.assertRaisesRegex(
                    ValueError,
                    f"'{name}' must be used with KERAS_BACKEND={backend}. "
                    f"Received: KERAS_BACKEND={self.backend}",
                ):
                    training.make_distribution(name)
        with self.assertRaisesRegex(ValueError, "`name` must be one of"):
            training.make_distribution("horovod")

    def test_no_processes(self):
        names = {"torch": "ddp", "tensorflow": "multi_worker"}
        if self.backend in names:
            with self.assertRaisesRegex(ValueError, "needs processes"):
                training.make_distribution(names[self.backend])

    def test_environment_that_contradicts_itself(self):
        environment, _ = LAUNCHED[self.backend]
        rank = next(iter(environment))
        wrong = {rank: "2"}, {rank: "x"}
        if self.backend == "tensorflow":
            task = {"index": 2}
            wrong = (
                {rank: json.dumps({**TF_CONFIG, "task": task})},
                {rank: "{}"},
            )
        for change, message in zip(
            wrong, ("in the range", "must"), strict=True
        ):
            os.environ.update({**environment, **change})
            with self.assertRaisesRegex(ValueError, f"{message}.*Received"):
                training.make_distribution()

    def make_lost_errors(self):
        """Returns a distribution, errors of lost processes, and others."""
        if self.backend == "tensorflow":
            import tensorflow as tf

            from ssdet_keras.training.distribution import tensorflow as engine

            return (
                engine.TensorFlowDistribution(tf.distribute.get_strategy()),
                [tf.errors.UnavailableError(None, None, "gone")],
                [tf.errors.ResourceExhaustedError(None, None, "memory")],
            )
        import jax

        from ssdet_keras.training.distribution import jax as engine

        distribution = engine.JaxDistribution(None, 5)
        self.addCleanup(distribution.close)
        return (
            distribution,
            [jax.errors.JaxRuntimeError("gone"), ValueError("Gloo: gone")],
            [jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED"), ValueError()],
        )

    def test_errors_of_lost_processes(self):
        if self.backend == "torch":
            self.skipTest("PyTorch has one device per process.")
        distribution, lost, others = self.make_lost_errors()
        # Several devices of one process lose no other.
        for num_processes, expected in ((1, False), (2, True)):
            distribution.num_processes = num_processes
            for error in lost:
                self.assertIs(distribution.is_lost(error), expected, error)
            for error in others:
                self.assertFalse(distribution.is_lost(error), error)

    def test_port_of_slurm(self):
        if self.backend != "tensorflow":
            self.skipTest("TensorFlow alone makes addresses of its own.")
        import tensorflow as tf

        os.environ.update(
            SRUN,
            SLURM_STEP_NODELIST="n[1-4]",
            SLURM_STEP_TASKS_PER_NODE="1(x4)",
            CUDA_VISIBLE_DEVICES="0",
        )
        with mock.patch.object(
            tf.distribute, "MultiWorkerMirroredStrategy"
        ) as strategy:
            training.make_distribution()
        resolver = strategy.call_args.args[0]
        self.assertEqual(
            resolver.cluster_spec().as_dict(),
            {"worker": [f"n{i}:29956" for i in range(1, 5)]},
        )

    def test_reasons(self):
        processes = Processes(1, 2, "a:1")
        self.assertRegex(
            processes.explain("bind: EADDRINUSE\nmore", 5),
            r"port of a:1 is taken.*\(bind: EADDRINUSE\)$",
        )
        self.assertRegex(
            processes.explain(TimeoutError(), 5),
            r"Not all of 2 processes came to a:1 within 5 s.*rank=1. "
            r"\(TimeoutError\)$",
        )


if __name__ == "__main__":
    unittest.main()
