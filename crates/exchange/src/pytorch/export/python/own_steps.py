def own_steps(lengths, steps):
    """[batch, steps, 1]: which steps are a sample's own; the others fill it up."""
    return (torch.arange(steps, device=lengths.device) < lengths[:, None])[:, :, None]
