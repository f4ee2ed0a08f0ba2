def recurrent(layer, x, lengths=None, return_sequences=False):
    """What an LSTM, GRU or simple RNN gives: its state after each step, or after a sample's last."""
    batch, steps, _ = x.shape
    directions = ["", "_reverse"] if layer.bidirectional else [""]
    names = [f"_l{number}{direction}" for number in range(layer.num_layers) for direction in directions]
    first = x.new_zeros(len(names), batch, layer.hidden_size)
    h_0 = c_0 = first
    if hasattr(layer, "h_0_l0"):
        h_0 = first + torch.stack([getattr(layer, f"h_0{name}") for name in names])[:, None]
    if hasattr(layer, "c_0_l0"):
        c_0 = first + torch.stack([getattr(layer, f"c_0{name}") for name in names])[:, None]
    initial = (h_0, c_0) if isinstance(layer, nn.LSTM) else h_0
    if lengths is None:
        states, last = layer(x, initial)
    else:
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
        )
        states, last = layer(packed, initial)
        states, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True, total_length=steps)
        states = states * own_steps(lengths, steps)
    if return_sequences:
        return states
    last = last[0] if isinstance(layer, nn.LSTM) else last
    if lengths is not None:
        # A sample without steps leaves the state as it was.
        last = torch.where((lengths > 0)[None, :, None], last, h_0)
    return torch.cat(list(last[-len(directions) :]), dim=1)
