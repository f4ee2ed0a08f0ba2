def same_padding(size, covered, stride):
    """Zeros before and after, so that the output is the input divided by the stride, rounded up."""
    total = max((-(-size // stride) - 1) * stride + covered - size, 0)
    return total // 2, total - total // 2
