class TiedDense(nn.Module):
    """A dense layer with the weight of an embedding."""

    def __init__(self, embedding, bias=True):
        super().__init__()
        # In a list, so that the state has the weight once.
        self.embedding = [embedding]
        self.bias = nn.Parameter(torch.zeros(embedding.num_embeddings)) if bias else None

    def forward(self, x):
        return F.linear(x, self.embedding[0].weight, self.bias)
