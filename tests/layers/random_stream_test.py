import multiprocessing

import keras
import numpy as np
import torch
from absl.testing import parameterized

from ssdet_keras.layers import RandomClipFlip
from ssdet_keras.layers.random_stream import is_loader_worker
from ssdet_keras.layers.random_stream import stream_seed
from ssdet_keras.layers.random_stream import worker_key


class Keys(torch.utils.data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return torch.tensor(worker_key())


def send_key(connection):
    connection.send((worker_key(), is_loader_worker()))


class RandomStreamTest(parameterized.TestCase):
    def test_stream_seeds(self):
        seeds = [stream_seed(i, "A") for i in range(-50, 1000)]
        seeds += [stream_seed(0, "A", (i,)) for i in range(1000)]
        seeds += [stream_seed(2**63, "A", (2**40,))]
        seeds += [stream_seed(1, "A", (2, 3)), stream_seed(1, "B")]
        self.assertLen(set(seeds), len(seeds))
        self.assertBetween(min(seeds), 0, 2**31 - 1)
        self.assertBetween(max(seeds), 0, 2**31 - 1)
        self.assertEqual(stream_seed(3, "A", (4,)), stream_seed(3, "A", (4,)))

    def test_streams_of_neighbours_do_not_meet(self):
        videos = np.zeros((64, 1, 1, 1, 1), "float32")
        draws = []
        for seed in range(5):
            layer = RandomClipFlip(seed=seed)
            for _ in range(5):
                drawn = layer.get_random_transformation(videos)["is_flipped"]
                draws.append(keras.ops.convert_to_numpy(drawn).tobytes())
        self.assertLen(set(draws), 25)

    def test_layers_without_a_seed_differ(self):
        videos = np.zeros((64, 1, 1, 1, 1), "float32")
        draws = [
            keras.ops.convert_to_numpy(
                RandomClipFlip().get_random_transformation(videos)["is_flipped"]
            )
            for _ in range(2)
        ]
        self.assertFalse(np.array_equal(*draws))

    def test_main_process(self):
        self.assertEqual(worker_key(), ())
        self.assertFalse(is_loader_worker())

    def test_torch_workers(self):
        def read_epochs():
            loader = torch.utils.data.DataLoader(
                Keys(),
                batch_size=None,
                num_workers=2,
                multiprocessing_context="fork",
                generator=torch.Generator().manual_seed(3),
            )
            return [tuple(key.tolist()) for _ in range(2) for key in loader]

        keys = read_epochs()
        # Two workers in turn, new ones in the second epoch.
        self.assertEqual(keys[:2] + keys[4:6], keys[2:4] + keys[6:])
        self.assertLen(set(keys), 4)
        self.assertEqual(read_epochs(), keys)

    def test_other_processes(self):
        keys = []
        for method, daemon, is_worker in (
            ("fork", False, True),
            ("fork", True, True),
            ("spawn", True, True),
            # As torch.multiprocessing.spawn() does.
            ("spawn", False, False),
        ):
            context = multiprocessing.get_context(method)
            receiver, sender = context.Pipe()
            process = context.Process(
                target=send_key, args=(sender,), daemon=daemon
            )
            process.start()
            key, answer = receiver.recv()
            process.join()
            keys.append(key)
            self.assertEqual(answer, is_worker)
        self.assertLen(set(keys), 4)
        self.assertNotIn((), keys)
