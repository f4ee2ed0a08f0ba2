def mean_of_steps(x, lengths):
    """The mean over the steps that are a sample's own."""
    return (x * own_steps(lengths, x.shape[1])).sum(dim=1) / lengths.clamp(min=1)[:, None]
