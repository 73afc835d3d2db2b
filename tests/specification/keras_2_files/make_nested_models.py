"""Write nested and wrapped models of many layers with Keras 2, and the outputs that Keras 2 computes for them.

    pip install tensorflow-cpu==2.10.1 "numpy<1.25" h5py        # or: tensorflow==2.16.2 tf_keras==2.16.0
    python make_nested_models.py nested-2.10.zip

The two versions describe models in two formats. For each model, the ZIP file has `NAME.h5` and `NAME.npz`, with the
arrays `x0`, `x1`, ..., `y0`, `y1`, ... The tests compare what Keras 3 computes.
"""

import io
import os
import sys
import tempfile
import zipfile

import numpy as np

try:
    import tf_keras as keras
except ImportError:
    from tensorflow import keras

L = keras.layers


def seq_in_functional():
    inner = keras.Sequential([L.Conv2D(2, 3, activation="relu"), L.DepthwiseConv2D(3)], name="inner")
    i = keras.Input((8, 8, 1))
    return keras.Model(i, L.Dense(2)(L.Flatten()(inner(i))))


def seq_with_input_in_functional():
    inner = keras.Sequential([keras.Input((8, 8, 1)), L.Conv2D(2, 3, activation="relu"), L.SeparableConv2D(2, 3)])
    i = keras.Input((8, 8, 1))
    return keras.Model(i, L.Dense(2)(L.Flatten()(inner(i))))


def shared_seq_twice():
    inner = keras.Sequential([keras.Input((4,)), L.Dense(3, activation="tanh")])
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    return keras.Model([a, b], L.Dense(2)(L.Concatenate()([inner(a), inner(b)])))


def functional_in_functional():
    x = keras.Input((6, 2))
    inner = keras.Model(x, L.Conv1DTranspose(2, 3)(L.DepthwiseConv1D(3)(x)))
    i = keras.Input((6, 2))
    return keras.Model(i, L.Dense(2)(L.GlobalAveragePooling1D()(inner(i))))


def two_outputs_inner():
    x = keras.Input((4,))
    inner = keras.Model(x, [L.Dense(2)(x), L.Dense(3, activation="relu")(x)])
    i = keras.Input((4,))
    a, b = inner(i)
    return keras.Model(i, [L.Dense(2)(L.Concatenate()([b, a])), a])


def functional_in_sequential():
    x = keras.Input((4,))
    inner = keras.Model(x, L.Add()([L.Dense(4)(x), x]))
    return keras.Sequential([keras.Input((4,)), inner, keras.Sequential([L.Dense(3)]), L.Dense(2)])


def three_deep():
    core = keras.Sequential([keras.Input((4,)), L.Dense(3), L.Dropout(0.5)])
    mid = keras.Sequential([keras.Input((4,)), core, L.Dense(4)])
    i = keras.Input((4,))
    x = keras.Model(i, L.Add()([mid(i), i]))
    o = keras.Input((4,))
    return keras.Model(o, L.Dense(2)(x(x(o))))


def time_distributed():
    return keras.Sequential(
        [
            keras.Input((3, 6, 6, 1)),
            L.TimeDistributed(L.DepthwiseConv2D(3, depth_multiplier=2)),
            L.TimeDistributed(keras.Sequential([L.SeparableConv2D(2, 3), L.Flatten()])),
            L.LSTM(3),
            L.Dense(2),
        ]
    )


def bidirectional():
    return keras.Sequential(
        [
            keras.Input((5, 3)),
            L.Bidirectional(L.LSTM(3, return_sequences=True)),
            L.Bidirectional(L.GRU(2), merge_mode="sum"),
            L.Dense(2),
        ]
    )


def recurrent():
    i = keras.Input((5, 3))
    return keras.Model(
        i,
        L.Concatenate()(
            [
                L.SimpleRNN(2)(i),
                L.GRU(2)(i),
                L.GRU(2, reset_after=False)(i),
                L.LSTM(2)(i),
                L.RNN([L.LSTMCell(2), L.GRUCell(2)])(i),
            ]
        ),
    )


def lstm_states():
    i = keras.Input((5, 3))
    y, h, c = L.LSTM(2, return_sequences=True, return_state=True)(i)
    z = L.LSTM(2)(y, initial_state=[h, c])
    return keras.Model(i, [L.Dense(2)(z), h])


def many_2d():
    i = keras.Input((8, 8, 3))
    x = L.ZeroPadding2D(1)(i)
    x = L.Conv2D(4, 3, strides=2, groups=1, dilation_rate=1)(x)
    x = L.BatchNormalization(momentum=0.9)(x)
    x = L.LeakyReLU(alpha=0.2)(x)
    x = L.PReLU(shared_axes=[1, 2])(x)
    x = L.ELU()(x)
    x = L.MaxPooling2D(2)(x)
    x = L.UpSampling2D(2)(x)
    x = L.SpatialDropout2D(0.1)(x)
    x = L.Cropping2D(1)(x)
    x = L.Softmax()(x)
    x = L.ThresholdedReLU(theta=0.05)(x)
    x = L.GaussianNoise(0.1)(x)
    x = L.LayerNormalization()(x)
    x = L.Reshape((2, 8))(x)
    x = L.Permute((2, 1))(x)
    x = L.Flatten()(x)
    x = L.RepeatVector(2)(x)
    x = L.Activation("swish")(x)
    return keras.Model(i, L.Dense(2)(L.GlobalMaxPooling1D()(x)))


def attention():
    i = keras.Input((4, 4))
    x = L.MultiHeadAttention(2, 2)(i, i)
    x = L.Attention()([x, i])
    x = L.Dot(axes=2)([x, i])
    return keras.Model(i, L.Dense(2)(L.Flatten()(x)))


def embedding():
    return keras.Sequential(
        [
            keras.Input((4,)),
            L.Embedding(10, 3, input_length=4),
            L.Conv1D(2, 2),
            L.AveragePooling1D(2),
            L.Flatten(),
            L.Dense(2),
        ]
    )


def conv_lstm():
    return keras.Sequential([keras.Input((3, 5, 5, 1)), L.ConvLSTM2D(2, 3), L.Flatten(), L.Dense(2)])


def merges():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    d = L.Dense(3)
    x = [d(a), d(b)]
    return keras.Model(
        [a, b],
        L.Concatenate()([L.Add()(x), L.Multiply()(x), L.Subtract()(x), L.Average()(x), L.Maximum()(x), L.Minimum()(x)]),
    )


def normal_layers():
    return keras.Sequential(
        [
            keras.Input((4, 4, 2)),
            L.Rescaling(1 / 2),
            L.Normalization(mean=[0.1, 0.2], variance=[1.0, 2.0]),
            L.UnitNormalization(),
            L.Resizing(3, 3),
            L.CenterCrop(2, 2),
            L.Flatten(),
            L.Dense(2, activation=L.LeakyReLU(0.1)),
        ]
    )


def sequential_unbuilt_inside():
    return keras.Sequential([keras.Input((4,)), keras.Sequential([L.Dense(3), keras.Sequential([L.Dense(2)])])])


def called_before():
    # a layer used elsewhere first, so that node indices do not begin at 0
    d = L.Dense(3, name="d")
    d(keras.Input((4,)))
    s = keras.Sequential([keras.Input((4,)), L.Dense(3)], name="s")
    s(keras.Input((4,)))
    i = keras.Input((4,))
    return keras.Model(i, L.Dense(2)(L.Add()([d(i), s(i)])))


def bidir_wrapped_in_td():
    return keras.Sequential(
        [keras.Input((2, 5, 3)), L.TimeDistributed(L.Bidirectional(L.GRU(2, time_major=False))), L.GRU(2), L.Dense(2)]
    )


def several_axes():
    i = keras.Input((3, 4, 2))
    x = L.LayerNormalization(axis=[1, 2])(L.Conv2D(2, 1)(i))
    return keras.Model(i, [L.Softmax(axis=[1, 2])(x), L.Dense(2)(L.Flatten()(x))])


def masked():
    i = keras.Input((5, 3))
    x = L.Masking(mask_value=0.0)(i)
    return keras.Model(i, L.Dense(2)(L.GRU(3)(x)))


def adapted_normalization():
    normalization = L.Normalization()
    normalization.adapt(np.random.default_rng(3).normal(2.0, 3.0, (50, 3)).astype("float32"))
    return keras.Sequential([keras.Input((3,)), normalization, L.Dense(2)])


def hard_sigmoid():
    return keras.Sequential(
        [
            keras.Input((4, 3)),
            L.LSTM(3, recurrent_activation="hard_sigmoid"),
            L.Dense(3, activation="hard_sigmoid"),
            L.Activation("hard_sigmoid"),
        ]
    )


def half_precision():
    i = keras.Input((4,))
    x = L.Dense(3, dtype=keras.mixed_precision.Policy("mixed_float16"))(i)
    return keras.Model(i, L.Dense(2, dtype="float32")(x))


def state_of_bidirectional():
    i = keras.Input((5, 3))
    y, *states = L.Bidirectional(L.LSTM(2, return_sequences=True, return_state=True))(i)
    return keras.Model(i, L.Dense(2)(L.Bidirectional(L.LSTM(2))(y, initial_state=states)))


def arguments():
    i = keras.Input((4, 4))
    x = L.MultiHeadAttention(2, 2)(query=i, value=L.Dense(4)(i))
    return keras.Model(i, L.Flatten()(x))


def randomize(net):
    """Set all variables; those that must be positive stay near 1."""
    for variable in net.weights:
        rng = np.random.default_rng(int(np.prod(variable.shape)))
        positive = "variance" in variable.name
        if "count" not in variable.name:
            variable.assign(rng.uniform(0.2 if positive else -0.9, 0.9, variable.shape))


def inputs_of(net, name):
    rng = np.random.default_rng(1)
    if name == "embedding":
        return [rng.integers(0, 10, (3, 4)).astype("float32")]
    x = [2.0 * rng.normal(size=(3, *t.shape[1:])).astype("float32") for t in net.inputs]
    if name == "masked":
        x[0][:, 3:] = 0.0
    return x


BUILDERS = [f for n, f in list(globals().items()) if callable(f) and getattr(f, "__module__", "") == "__main__"]
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for build in BUILDERS[:-2]:
        name = build.__name__
        keras.utils.set_random_seed(5)
        net = build()
        if name != "adapted_normalization":
            randomize(net)
        x = inputs_of(net, name)
        y = net(x if len(x) > 1 else x[0])
        y = y if isinstance(y, (list, tuple)) else [y]
        with tempfile.TemporaryDirectory() as folder:
            net.save(os.path.join(folder, f"{name}.h5"))
            archive.write(os.path.join(folder, f"{name}.h5"), f"{name}.h5")
        arrays = {f"x{n}": v for n, v in enumerate(x)} | {f"y{n}": np.asarray(v) for n, v in enumerate(y)}
        stream = io.BytesIO()
        np.savez(stream, **arrays)
        archive.writestr(f"{name}.npz", stream.getvalue())
