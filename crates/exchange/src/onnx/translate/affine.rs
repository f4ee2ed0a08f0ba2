//! What is done to each feature: a factor and something that is added.

/// `scale * x + offset`, one of each for each feature.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Affine {
    pub(super) scale: Vec<f64>,
    pub(super) offset: Vec<f64>,
}

impl Affine {
    /// This first and the other one behind it.
    pub(super) fn then(&self, next: &Affine) -> Self {
        let both = self.scale.iter().zip(&self.offset).zip(next.scale.iter().zip(&next.offset));
        let (scale, offset) = both
            .map(|((scale, offset), (next_scale, next_offset))| {
                (scale * next_scale, offset * next_scale + next_offset)
            })
            .unzip();
        Affine { scale, offset }
    }

    pub(super) fn is_finite(&self) -> bool {
        self.scale.iter().chain(&self.offset).all(|value| value.is_finite())
    }
}
