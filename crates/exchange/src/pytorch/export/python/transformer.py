class TransformerBlock(nn.Module):
    """Attention and two dense layers; the names are those of nn.TransformerEncoderLayer."""

    def __init__(self, features, dim_feedforward, activation, norm_first, dropout, epsilon, **attention):
        super().__init__()
        self.self_attn = SelfAttention(features, dropout=dropout, **attention)
        self.linear1 = nn.Linear(features, dim_feedforward)
        self.linear2 = nn.Linear(dim_feedforward, features)
        self.norm1 = nn.LayerNorm(features, eps=epsilon)
        self.norm2 = nn.LayerNorm(features, eps=epsilon)
        self.dropout = nn.Dropout(dropout)
        self.activation, self.norm_first = activation, norm_first

    def attend(self, x, lengths):
        return self.dropout(self.self_attn(x, lengths))

    def feed_forward(self, x):
        return self.dropout(self.linear2(self.dropout(self.activation(self.linear1(x)))))

    def forward(self, x, lengths=None):
        if self.norm_first:
            x = x + self.attend(self.norm1(x), lengths)
            return x + self.feed_forward(self.norm2(x))
        x = self.norm1(x + self.attend(x, lengths))
        return self.norm2(x + self.feed_forward(x))


class Transformer(nn.Module):
    """Blocks one after another."""

    def __init__(self, features, num_layers, final_norm, epsilon, **block):
        super().__init__()
        blocks = [TransformerBlock(features, epsilon=epsilon, **block) for _ in range(num_layers)]
        self.layers = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(features, eps=epsilon) if final_norm else nn.Identity()

    def forward(self, x, lengths=None):
        for layer in self.layers:
            x = layer(x, lengths)
        return self.norm(x)
