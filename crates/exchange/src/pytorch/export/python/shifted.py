def shifted(images, forwards):
    """The images one pixel farther down and right, or up and left."""
    for axis in (2, 3):
        size = images.shape[axis]
        if forwards:
            images = torch.cat([images.narrow(axis, 1, 1), images.narrow(axis, 0, size - 1)], dim=axis)
        else:
            images = torch.cat([images.narrow(axis, 1, size - 1), images.narrow(axis, size - 2, 1)], dim=axis)
    return images
