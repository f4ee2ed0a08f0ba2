def conv_steps(layer, x, padding, lengths=None):
    """A convolution over the steps of [batch, steps, features], and how many steps each sample has then."""
    steps = x.shape[1]
    stride, covered = layer.stride[0], layer.dilation[0] * (layer.kernel_size[0] - 1) + 1
    before, after = same_padding(steps, covered, stride) if padding == "same" else padding
    if lengths is not None:
        x = x * own_steps(lengths, steps)
    # A batch that is shorter than the kernel is filled up.
    rest = max(covered - (before + steps + after), 0)
    x = layer(F.pad(x.transpose(1, 2), (before, after + rest))).transpose(1, 2)
    if lengths is None:
        return x
    places = (lengths + (before + after - covered + stride)).clamp(min=0) // stride
    return x, places.clamp(max=x.shape[1]) * lengths.clamp(0, 1)
