import platform
import subprocess
import sys

from absl.testing import absltest

_PROGRAM = """
import resource
import sys

from ssdet_keras.training.keep_freed_memory import keep_freed_memory

def count_faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    b"x" * int(sys.argv[2])
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if sys.argv[1] == "keep":
    assert keep_freed_memory()
count_faults()
print(count_faults())
"""


def count_faults(argument):
    """Returns the page faults of the second 64 MB that a process asks for."""
    command = [sys.executable, "-c", _PROGRAM, argument, str(2**26)]
    return int(subprocess.run(command, capture_output=True, check=True).stdout)


class KeepFreedMemoryTest(absltest.TestCase):
    def test_page_faults(self):
        if platform.libc_ver()[0] != "glibc":
            self.skipTest("it does nothing without the C library of GNU")
        # In pages of 4 kB, or huge ones of 2 MB.
        self.assertGreaterEqual(count_faults("free"), 32)
        self.assertLess(count_faults("keep"), 8)
