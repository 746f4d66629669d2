import contextlib

import grain
import keras
import numpy as np
import tensorflow as tf
import torch
from absl import flags
from absl.testing import parameterized
from collate_clips import CollateClips
from video_test_case import VideoTestCase

from ssdet_keras.layers import ClipWise
from ssdet_keras.layers import JointVolumeAugmentation
from ssdet_keras.layers import RandomClipFlip
from ssdet_keras.layers import RandomResizedClip
from ssdet_keras.layers import VolumeCutMix
from ssdet_keras.layers import VolumeFreeze
from ssdet_keras.layers import VolumeMixUp

BACKEND = keras.config.backend()


def make_layer(name, seed=7, **kwargs):
    if name == "freeze":
        return VolumeFreeze(seed=seed, **kwargs)
    if name == "mix_up":
        return VolumeMixUp(seed=seed, **kwargs)
    if name == "cut_mix":
        return VolumeCutMix(seed=seed, **kwargs)
    layers = [make_layer(n, seed, **kwargs) for n in ALONE]
    return JointVolumeAugmentation(layers, name, seed=seed, **kwargs)


ALONE = ("freeze", "mix_up", "cut_mix")
EVERY_LAYER = parameterized.parameters(*ALONE, "single", "independent")


@contextlib.contextmanager
def dtype_policy(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class PipelinesTest(VideoTestCase):
    def make_clips(self, num_clips=8):
        """Returns a list of clips which all are the same but for their name.

        So batches differ only where they are augmented differently.
        """
        batch = self.make_batch((1, 16, 2, 16, 1), num_classes=1)
        clip = {"videos": batch["videos"][0], "labels": batch["labels"][0]}
        return [{**clip, "path": f"{i}.mp4"} for i in range(num_clips)]

    def drawn(self, batches):
        """Returns what tells draws apart, batch by batch."""
        return [
            self.to_numpy({"videos": batch["videos"]})["videos"].tobytes()
            for batch in batches
        ]

    def assert_augmented(self, batch, num_clips):
        """Checks a batch of clips of one class, but for its values."""
        batch = self.to_numpy({k: batch[k] for k in ("videos", "labels")})
        self.assertEqual(batch["videos"].shape[0], num_clips)
        self.assertEqual(batch["videos"].dtype, np.float32)
        self.assertEqual(batch["videos"].shape[:2], batch["labels"].shape[:2])
        self.assertBetween(batch["labels"].max(), 0, 1 + 1e-6)

    @EVERY_LAYER
    def test_tf_data_of_unknown_sizes(self, name):
        clips = self.make_clips(5)

        def generate():
            yield from clips

        signature = {
            "videos": tf.TensorSpec((None, None, None, 1), "uint8"),
            "labels": tf.TensorSpec((None, 1), "float32"),
            "path": tf.TensorSpec((), "string"),
        }
        dataset = tf.data.Dataset.from_generator(
            generate, output_signature=signature
        )
        dataset = dataset.batch(2).map(make_layer(name))
        batches = list(dataset)
        for batch, num_clips in zip(batches, (2, 2, 1), strict=True):
            self.assert_augmented(batch, num_clips)
        self.assertEqual(batches[2]["path"].numpy().tolist(), [b"4.mp4"])

    @EVERY_LAYER
    def test_torch_loader(self, name):
        # TensorFlow and JAX don't survive a fork. See the test below.
        if BACKEND != "torch":
            self.skipTest("for PyTorch")
        self.run_torch_loader_test(name, "fork")

    def test_torch_loader_of_spawned_workers(self):
        self.run_torch_loader_test("single", "spawn", num_epochs=1)

    def run_torch_loader_test(self, name, context, num_epochs=2):
        clips = self.make_clips(8)

        def read_epochs():
            loader = torch.utils.data.DataLoader(
                clips,
                batch_size=2,
                collate_fn=CollateClips(make_layer(name)),
                num_workers=2,
                multiprocessing_context=context,
                generator=torch.Generator().manual_seed(3),
            )
            return [batch for _ in range(num_epochs) for batch in loader]

        batches = read_epochs()
        self.assertEqual(
            [batch["worker"] for batch in batches], [0, 1, 0, 1] * num_epochs
        )
        self.assertEqual(batches[1]["path"].tolist(), ["2.mp4", "3.mp4"])
        for batch in batches:
            self.assert_augmented(batch, 2)
        # No two batches are equal, neither of two workers nor of two epochs.
        self.assertLen(set(self.drawn(batches)), 4 * num_epochs)
        # The same seed gives the same stream.
        if context == "fork":
            self.assertEqual(self.drawn(read_epochs()), self.drawn(batches))

    @EVERY_LAYER
    def test_grain_with_seeds_of_its_own(self, name):
        def read(num_threads, layer):
            dataset = (
                grain.MapDataset.source(self.make_clips(8))
                .seed(3)
                .batch(2)
                .random_map(
                    lambda batch, rng: layer(
                        batch, seed=int(rng.integers(2**31))
                    )
                )
                .repeat(2)
                .to_iter_dataset(grain.ReadOptions(num_threads=num_threads))
            )
            return list(dataset)

        batches = read(0, make_layer(name))
        for batch in batches:
            self.assert_augmented(batch, 2)
        self.assertEqual(batches[1]["path"].tolist(), ["2.mp4", "3.mp4"])
        self.assertLen(set(self.drawn(batches)), 8)
        # Neither the state of the layer nor the order of threads matters.
        other = make_layer(name, seed=8)
        self.assertEqual(self.drawn(read(4, other)), self.drawn(batches))

    def test_grain_with_the_state_of_the_layer(self):
        def read():
            dataset = grain.MapDataset.source(self.make_clips(8))
            dataset = dataset.batch(2).to_iter_dataset()
            dataset = dataset.map(make_layer("single"))
            return [batch for _ in range(2) for batch in dataset]

        batches = read()
        self.assertLen(set(self.drawn(batches)), 8)
        self.assertEqual(self.drawn(read()), self.drawn(batches))

    def test_grain_worker_processes(self):
        if not flags.FLAGS.is_parsed():
            flags.FLAGS.mark_as_parsed()
        dataset = grain.MapDataset.source(self.make_clips(4))
        dataset = dataset.batch(2).to_iter_dataset()
        dataset = dataset.map(make_layer("single"))
        dataset = dataset.mp_prefetch(
            grain.MultiprocessingOptions(num_workers=2)
        )
        batches = list(dataset)
        for batch in batches:
            self.assert_augmented(batch, 2)
        self.assertLen(set(self.drawn(batches)), 2)

    @EVERY_LAYER
    def test_compiled_call(self, name):
        batch = self.make_batch((3, 4, 2, 16, 1), num_classes=2)
        batch = {k: keras.ops.convert_to_tensor(v) for k, v in batch.items()}
        layer = make_layer(name)
        drawn = layer.get_random_transformation(batch, seed=3)

        def augment(batch, drawn):
            given = {
                "videos": layer.transform_videos(batch["videos"], drawn),
                "labels": layer.transform_labels(batch["labels"], drawn),
            }
            return given, layer(batch, seed=3)

        compiled = self.compile(augment)
        given, outputs = compiled(batch, drawn)
        # The compiler may fuse a multiplication and an addition.
        self.assert_batches_equal(given, augment(batch, drawn)[0], atol=1e-4)
        self.assert_augmented(outputs, 3)
        if BACKEND != "tensorflow":
            # XLA draws other numbers than TensorFlow.
            self.assert_batches_equal(
                outputs, augment(batch, drawn)[1], atol=1e-4
            )
        self.assert_batches_equal(outputs, compiled(batch, drawn)[1])

    def test_compiled_clip_augmentations(self):
        videos = self.make_batch((3, 4, 12, 16, 1))["videos"]
        videos = keras.ops.convert_to_tensor(videos)
        layers = [
            RandomResizedClip((8, 12), size=8),
            RandomClipFlip(),
            ClipWise(keras.layers.RandomBrightness(0.5)),
        ]

        def augment(videos):
            outputs = []
            for layer in layers:
                videos = layer(videos, seed=3)
                outputs.append(videos)
            return outputs

        compiled = self.compile(augment)
        outputs, expected = compiled(videos), augment(videos)
        for output, eager in zip(outputs, expected, strict=True):
            self.assertEqual(output.shape, eager.shape)
            if BACKEND != "tensorflow":
                self.assert_batches_equal(
                    {"videos": output}, {"videos": eager}, atol=1e-3
                )

    def compile(self, function):
        if BACKEND == "tensorflow":
            return tf.function(function, jit_compile=True)
        if BACKEND == "jax":
            import jax

            return jax.jit(function)
        return torch.compile(function, backend="eager")

    @EVERY_LAYER
    def test_compiled_model_of_unknown_sizes(self, name):
        inputs = {
            "videos": keras.Input((None, 4, 16, 1), dtype="uint8"),
            "labels": keras.Input((None, 2)),
        }
        outputs = make_layer(name)(inputs)
        scores = keras.layers.GlobalAveragePooling3D()(outputs["videos"])
        model = keras.Model(inputs, keras.layers.Dense(1)(scores))
        model.compile("sgd", "mse", jit_compile=BACKEND != "torch")
        states = []
        for shape in ((2, 4, 4, 16, 1), (3, 5, 4, 16, 1)):
            batch = self.make_batch(shape, num_classes=2)
            model.train_on_batch(batch, np.zeros((shape[0], 1)))
            states.append(
                [
                    keras.ops.convert_to_numpy(variable).tolist()
                    for variable in model.non_trainable_variables
                ]
            )
        # The compiled step advances the random state.
        self.assertNotEqual(*states)

    @parameterized.product(
        name=(*ALONE, "single"), dtype=("uint8", "float16", "bfloat16")
    )
    def test_dtypes(self, name, dtype):
        batch = self.make_batch((4, 4, 4, 16, 1), num_classes=4)
        expected = self.to_numpy(make_layer(name)(batch, seed=3))
        videos = keras.ops.cast(batch["videos"], dtype)
        rounded = keras.ops.convert_to_numpy(keras.ops.cast(videos, "float32"))
        given = {**batch, "videos": videos}
        # Any dtype in, float32 out.
        self.assert_batches_equal(
            make_layer(name)(given, seed=3),
            make_layer(name)({**batch, "videos": rounded}, seed=3),
        )
        # float32 in, any dtype out.
        outputs = make_layer(name, dtype=dtype)(batch, seed=3)
        self.assertEqual(
            keras.backend.standardize_dtype(outputs["videos"].dtype), dtype
        )
        outputs["videos"] = keras.ops.cast(outputs["videos"], "float32")
        steps = {"uint8": 0.5 + 1e-4, "float16": 0.25, "bfloat16": 2.0}
        self.assert_batches_equal(outputs, expected, atol=steps[dtype])

    @EVERY_LAYER
    def test_mixed_precision_policy(self, name):
        batch = self.make_batch((3, 4, 4, 16, 1), num_classes=2)
        expected = self.to_numpy(make_layer(name)(batch, seed=3))
        with dtype_policy("mixed_bfloat16"):
            layer = make_layer(name)
            outputs = layer(batch, seed=3)
            inputs = {
                key: keras.Input(x.shape[1:], dtype=x.dtype)
                for key, x in batch.items()
            }
            symbolic = layer(inputs)
        self.assert_batches_equal(outputs, expected)
        for x in symbolic.values():
            self.assertEqual(x.dtype, "float32")

    @EVERY_LAYER
    def test_tensors_are_not_modified(self, name):
        batch = self.make_batch((3, 4, 4, 16, 1), num_classes=2)
        batch["videos"] = batch["videos"].astype("float32")
        batch["mask"] = np.ones((3, 4), "float32")
        given = {
            key: keras.ops.convert_to_tensor(x.copy())
            for key, x in batch.items()
        }
        outputs = make_layer(name)(given)
        self.assert_batches_equal(given, batch)
        if BACKEND == "torch":
            # Nor do they share their memory with the outputs.
            for x in outputs.values():
                x.fill_(-1)
            self.assert_batches_equal(given, batch)
