//! Test-time augmentation: the mean of what a trained network gives for several versions of an image.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Which versions of each image a trained network is applied to, to take the mean of its outputs: test-time augmentation
/// ([Krizhevsky et al. 2012](https://papers.nips.cc/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html)).
/// In training it is applied to each image once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TestTimeAugmentation {
    /// Only the image as it is.
    #[default]
    #[serde(rename = "one", alias = "none")]
    None,
    /// The image and its mirror image.
    Mirrored,
    /// The image, weighing a half, and the image shifted by one pixel up and left, and down and right, weighing a
    /// quarter each; all three also mirrored. What a shift uncovers is filled by reflection.
    MirroredAndShifted,
}

impl TestTimeAugmentation {
    /// How many versions of each image there are.
    pub fn count(self) -> usize {
        match self {
            TestTimeAugmentation::None => 1,
            TestTimeAugmentation::Mirrored => 2,
            TestTimeAugmentation::MirroredAndShifted => 6,
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        *self == TestTimeAugmentation::None
    }

    /// The weighted mean of what `forward` gives.
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`, at least 2 by 2 pixels if they are shifted
    /// - result: as `forward` gives it
    pub fn mean(self, images: Tensor<4>, forward: impl Fn(Tensor<4>) -> Tensor<2>) -> Tensor<2> {
        let both = |images: Tensor<4>| (forward(images.clone()) + forward(images.flip([3]))) * 0.5;
        match self {
            TestTimeAugmentation::None => forward(images),
            TestTimeAugmentation::Mirrored => both(images),
            TestTimeAugmentation::MirroredAndShifted => {
                let shifted = both(shifted(images.clone(), true)) + both(shifted(images.clone(), false));
                both(images) * 0.5 + shifted * 0.25
            }
        }
    }
}

/// The images one pixel farther down and right, or up and left.
fn shifted(images: Tensor<4>, forwards: bool) -> Tensor<4> {
    [2, 3].into_iter().fold(images, |images, axis| {
        let size = images.dims()[axis];
        match forwards {
            true => {
                Tensor::cat(vec![images.clone().narrow(axis, 1, 1), images.narrow(axis, 0, size - 1)], axis)
            }
            false => {
                let uncovered = images.clone().narrow(axis, size - 2, 1);
                Tensor::cat(vec![images.narrow(axis, 1, size - 1), uncovered], axis)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn shifts_fill_by_reflection() {
        let image = Tensor::<4>::from_floats([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]], &Device::flex());
        let values = |tensor: Tensor<4>| tensor.into_data().iter::<f32>().collect::<Vec<_>>();
        assert_eq!(values(shifted(image.clone(), true)), [5.0, 4.0, 5.0, 2.0, 1.0, 2.0]);
        assert_eq!(values(shifted(image, false)), [5.0, 6.0, 5.0, 2.0, 3.0, 2.0]);
    }

    #[test]
    fn the_mean_weighs_the_image_as_it_is_most() {
        let image = Tensor::<4>::from_floats([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]], &Device::flex());
        // The pixel at the top left of each view.
        let corner = |images: Tensor<4>| images.narrow(2, 0, 1).narrow(3, 0, 1).reshape([1, 1]);
        let mean = |augmentation: TestTimeAugmentation| {
            augmentation.mean(image.clone(), corner).into_scalar::<f32>()
        };
        assert_eq!(mean(TestTimeAugmentation::None), 1.0);
        assert_eq!(mean(TestTimeAugmentation::Mirrored), 2.0);
        assert_eq!(mean(TestTimeAugmentation::MirroredAndShifted), 0.5 * 2.0 + 0.25 * 5.0 + 0.25 * 5.0);
    }
}
