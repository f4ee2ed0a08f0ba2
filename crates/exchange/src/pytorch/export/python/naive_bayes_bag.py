class NaiveBayesBag(nn.Module):
    """A linear model of sets of tokens, weighted by how much more often one class has them."""

    def __init__(self, num_embeddings, out_features, bias=True):
        super().__init__()
        self.register_buffer("ratio", torch.ones(num_embeddings, out_features))
        self.weight = nn.Parameter(torch.zeros(num_embeddings, out_features))
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def forward(self, tokens):
        x = F.embedding(tokens, self.ratio * self.weight).sum(dim=1)
        return x if self.bias is None else x + self.bias
