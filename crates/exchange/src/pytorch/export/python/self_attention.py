def turned(x):
    """Rotary positions: turns the pairs of values of [batch, heads, steps, dim] by their step."""
    steps, dim = x.shape[2:]
    rates = 10_000.0 ** (-2.0 * torch.arange(dim // 2, dtype=torch.float64) / dim)
    angles = torch.arange(steps, dtype=torch.float64)[:, None] * rates
    sin, cos = angles.sin().to(x), angles.cos().to(x)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


class SelfAttention(nn.Module):
    """softmax(Q Kᵀ / √d) V in each of several heads; the names are those of nn.MultiheadAttention."""

    def __init__(self, features, num_heads, causal=False, rotary=False, bias=True, dropout=0.0):
        super().__init__()
        self.num_heads, self.causal, self.rotary, self.dropout = num_heads, causal, rotary, dropout
        self.in_proj_weight = nn.Parameter(torch.zeros(3 * features, features))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * features)) if bias else None
        self.out_proj = nn.Linear(features, features, bias=bias)

    def forward(self, x, lengths=None):
        batch, steps, features = x.shape
        x = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        query, key, value = x.view(batch, steps, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        if self.rotary:
            query, key = turned(query), turned(key)
        scores = query @ key.transpose(2, 3) / math.sqrt(features // self.num_heads)
        sees = torch.ones(steps, steps, dtype=torch.bool, device=x.device)
        if self.causal:
            sees = sees.tril()
        if lengths is not None:
            own = own_steps(lengths, steps)
            sees = sees & own.transpose(1, 2)[:, None]
        # A row that sees nothing gives nothing.
        weights = scores.masked_fill(~sees, -math.inf).softmax(dim=3).nan_to_num(0.0)
        weights = F.dropout(weights, self.dropout, self.training)
        heads = (weights @ value).transpose(1, 2).reshape(batch, steps, features)
        if lengths is not None:
            heads = heads * own
        return self.out_proj(heads)
