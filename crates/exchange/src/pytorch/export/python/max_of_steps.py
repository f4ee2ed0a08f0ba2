def max_of_steps(x, lengths):
    """The greatest value over the steps that are a sample's own; 0 for a sample without steps."""
    greatest = x.masked_fill(~own_steps(lengths, x.shape[1]), -1e30).amax(dim=1)
    return greatest * lengths.clamp(0, 1)[:, None]
