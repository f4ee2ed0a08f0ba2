def sinusoids(x):
    """x and, at each step, sines in the even places and cosines in the odd ones."""
    steps, features = x.shape[1:]
    pairs = torch.arange((features + 1) // 2, dtype=torch.float64)
    angles = torch.arange(steps, dtype=torch.float64)[:, None] * 10_000.0 ** (-2.0 * pairs / features)
    rows = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :features]
    return x + rows.to(x)
