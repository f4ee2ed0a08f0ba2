def token_lengths(tokens, padding):
    """How many tokens each sample has up to its last that is not padding."""
    places = torch.arange(1, tokens.shape[1] + 1, device=tokens.device)
    return ((tokens != padding) * places).amax(dim=1)
