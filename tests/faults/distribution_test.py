"""Processes that don't find together."""

import socket
import unittest

import keras
import pytest
from faults.fault_test_case import FaultTestCase
from two_processes import find_ports
from two_processes import make_environment

WITH_MESSAGE = unittest.skipIf(
    keras.config.backend() == "jax", "JAX aborts in its own words."
)


@pytest.mark.slow
class DistributionTest(FaultTestCase):
    def call_one(self, rank, ports, *flags):
        """Runs one of two processes, and returns what it wrote."""
        status, output = self.call(
            "finetune_charades.py",
            "--annotations=none.csv",
            "--video_root=none",
            f"--workdir={self.root / 'run'}",
            "--distribution_timeout=5",
            *flags,
            environment=make_environment(rank, ports),
        )
        self.assertEqual(status, 1, output[-3000:])
        self.assertNotIn("Traceback", output)
        return output

    @WITH_MESSAGE
    def test_too_few_processes(self):
        for rank in range(2):
            output = self.call_one(rank, find_ports(2))
            message = (
                r"Not all of 2 processes came to 127.0.0.1:\d+ within 5 s. Are "
                rf"as many started.* rank={rank}"
            )
            if keras.config.backend() == "tensorflow":
                message = (
                    rf"Waits 5 s for 2 processes. Received: rank={rank}"
                    r"\n(.*\n)*Timeout \(0:00:05\)"
                )
            self.assertRegex(output, message)

    @WITH_MESSAGE
    def test_port_is_taken(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            output = self.call_one(0, [port, *find_ports(1)])
        self.assertIn(f"The port of 127.0.0.1:{port} is taken", output)

    def test_rank_beyond_the_last(self):
        output = self.call_one(2, find_ports(2))
        self.assertIn("--distribution: The rank of a process must be", output)
        self.assertIn("Received: rank=2, num_processes=2", output)


if __name__ == "__main__":
    unittest.main()
