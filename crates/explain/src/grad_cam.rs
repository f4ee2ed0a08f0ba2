//! Grad-CAM: where in an image a layer's features speak for an output.

use fireclay_nn::{LayerKind, PlacedLayer};

use crate::explainer::{Encoded, Explainer, ImageGradients};
use crate::{ExplainError, Target};

/// A map over an image.
#[derive(Clone, Debug, PartialEq)]
pub struct GradCam {
    /// The layer whose features were looked at.
    pub layer: String,
    /// Rows and columns of the layer's features.
    pub size: [usize; 2],
    /// `[rows, columns]`, 0 where nothing speaks for what is explained.
    pub map: Vec<f32>,
}

impl GradCam {
    /// The map at the size of an image, between whose pixels it is interpolated linearly.
    pub fn resized(&self, height: usize, width: usize) -> Vec<f32> {
        resize(&self.map, self.size, [height, width])
    }
}

impl Explainer {
    /// The layer that [`grad_cam`](Self::grad_cam) looks at when none is named: the last convolution or residual block of the first level that
    /// gives an image of more than one pixel, with what follows it and keeps the image's size, such as batch norm and activation.
    pub fn grad_cam_layer(&self) -> Option<&str> {
        let is_image =
            |layer: &PlacedLayer| matches!(layer.output.shape(), [_, height, width] if height * width > 1);
        let has_features = |layer: &PlacedLayer| {
            matches!(layer.kind, LayerKind::Conv2d(_) | LayerKind::Residual(_)) && is_image(layer)
        };
        let last = self.layers.iter().rposition(has_features)?;
        let keeps = |layer: &&PlacedLayer| layer.output == self.layers[last].output;
        self.layers[last..].iter().take_while(keeps).last().map(|layer| layer.name.as_str())
    }

    /// Grad-CAM ([Selvaraju et al. 2016](https://arxiv.org/abs/1610.02391)) of a layer, or of [`grad_cam_layer`](Self::grad_cam_layer): its
    /// channels, each as much as the output grows with it on average, added up, and what is below 0 left out.
    ///
    /// It is of a single forward pass also where the model averages over several views of an image.
    ///
    /// # Errors
    /// [`ExplainError::Method`] for a network without such a layer, [`ExplainError::NoImages`] for a layer that gives no images,
    /// [`NnError::UnknownLayer`](fireclay_nn::NnError::UnknownLayer), and as [`saliency`](Self::saliency).
    pub fn grad_cam(
        &self,
        sample: &Encoded,
        target: &Target,
        layer: Option<&str>,
    ) -> Result<GradCam, ExplainError> {
        let Some(layer) = layer.or_else(|| self.grad_cam_layer()) else {
            return Err(ExplainError::Method {
                method: "Grad-CAM",
                needs: "with convolutions of images",
                found: self.answering.spec().input.to_string(),
            });
        };
        let found = self.image_gradients(sample, layer, target)?;
        let ImageGradients { size: [channels, height, width], features, gradients } = found;
        let pixels = height * width;
        let mut map = vec![0f64; pixels];
        for channel in (0..channels).map(|channel| channel * pixels..(channel + 1) * pixels) {
            let sum: f64 = gradients[channel.clone()].iter().map(|gradient| f64::from(*gradient)).sum();
            let weight = sum / pixels as f64;
            map.iter_mut()
                .zip(&features[channel])
                .for_each(|(map, feature)| *map += weight * f64::from(*feature));
        }
        let map = map.iter().map(|value| value.max(0.0) as f32).collect();
        Ok(GradCam { layer: layer.to_owned(), size: [height, width], map })
    }
}

/// Linear between the middles of the pixels, and beyond the outermost as they are.
fn resize(map: &[f32], [rows, columns]: [usize; 2], [height, width]: [usize; 2]) -> Vec<f32> {
    let place = |at: usize, to: usize, from: usize| {
        let place = ((at as f32 + 0.5) * from as f32 / to as f32 - 0.5).clamp(0.0, (from - 1) as f32);
        let low = place as usize;
        (low, (low + 1).min(from - 1), place - low as f32)
    };
    let mut resized = Vec::with_capacity(height * width);
    for row in 0..height {
        let (top, bottom, down) = place(row, height, rows);
        for column in 0..width {
            let (left, right, across) = place(column, width, columns);
            let of_row =
                |row: usize| map[row * columns + left] * (1.0 - across) + map[row * columns + right] * across;
            resized.push(of_row(top) * (1.0 - down) + of_row(bottom) * down);
        }
    }
    resized
}
