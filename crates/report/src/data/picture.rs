//! Pictures.

use serde::{Deserialize, Serialize};

/// A picture of 8 bits a channel, row by row from the top.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` bytes of grey, or three times as many of red, green and blue in turn.
    pub bytes: Vec<u8>,
}

impl Picture {
    /// From planes, `[channels, height, width]`, of grey or of red, green and blue; `None` for other channels, or if there are not as many bytes.
    ///
    /// ```
    /// use fireclay_report::Picture;
    ///
    /// let picture = Picture::from_planes(&[1, 2, 30, 40, 5, 6], [3, 1, 2]).unwrap();
    /// assert_eq!((picture.width, picture.bytes), (2, vec![1, 30, 5, 2, 40, 6]));
    /// assert!(Picture::from_planes(&[1, 2], [2, 1, 1]).is_none());
    /// ```
    pub fn from_planes(planes: &[u8], [channels, height, width]: [usize; 3]) -> Option<Self> {
        let pixels = height * width;
        if !matches!(channels, 1 | 3) || planes.len() != channels * pixels {
            return None;
        }
        let pixel = |at: usize| (0..channels).map(move |channel| planes[channel * pixels + at]);
        Some(Picture { width, height, bytes: (0..pixels).flat_map(pixel).collect() })
    }
}
