class Positions(nn.Module):
    """Adds a learnt row to each step, by its place."""

    def __init__(self, steps, features):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(steps, features))

    def forward(self, x):
        return x + self.weight[: x.shape[1]]
