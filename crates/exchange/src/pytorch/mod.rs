//! PyTorch: weights from its files, and weights with the lines that rebuild the network.
