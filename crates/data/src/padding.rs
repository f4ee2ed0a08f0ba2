//! Texts of one length.

use serde::{Deserialize, Serialize};

use crate::DataError;

/// The longest padded text; a book has fewer words.
const MAX_LENGTH: usize = 1 << 20;

/// The most tokens of all padded texts together: 16 GiB.
const MAX_TOKENS: usize = 1 << 32;

/// Brings texts to one length: short ones are filled up with [`TextPadding::TOKEN`], long ones cut.
///
/// ```
/// use fireclay_data::{TextPadding, Side};
///
/// let padding = TextPadding { length: 4, side: Side::Left, truncate: Side::Right };
/// let mut out = Vec::new();
/// padding.apply(&[7, 8], &mut out);
/// padding.apply(&[1, 2, 3, 4, 5], &mut out);
/// assert_eq!(out, [0, 0, 7, 8, 1, 2, 3, 4]);
/// assert_eq!(padding.kept(2), 2);
/// ```
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct TextPadding {
    /// Tokens of every text afterwards: 1 to 1,048,576.
    pub length: usize,
    /// Where short texts are filled up.
    pub side: Side,
    /// Where long texts lose what is too much.
    pub truncate: Side,
}

/// One end of a text.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Its beginning, whatever the direction in which it is written.
    Left,
    /// Its end.
    Right,
}

impl TextPadding {
    /// The token that short texts are filled up with: 0.
    pub const TOKEN: u32 = 0;

    /// Fills up and cuts at the end, which layers that honour lengths expect.
    pub fn to(length: usize) -> Self {
        Self { length, side: Side::Right, truncate: Side::Right }
    }

    /// Checks the length.
    ///
    /// # Errors
    /// If it is 0 or above 1,048,576.
    pub fn check(&self) -> Result<(), DataError> {
        match self.length {
            1..=MAX_LENGTH => Ok(()),
            length => Err(DataError::PaddedLength { length, limit: MAX_LENGTH }),
        }
    }

    /// How many of a text's `tokens` are kept; all others of the padded text are padding.
    pub fn kept(&self, tokens: usize) -> usize {
        tokens.min(self.length)
    }

    /// Adds a text, brought to the length, to `out`.
    ///
    /// # Shapes
    /// - `tokens`: any number
    /// - `out`: grows by `length`
    pub fn apply(&self, tokens: &[u32], out: &mut Vec<u32>) {
        let too_many = tokens.len() - self.kept(tokens.len());
        let kept = match self.truncate {
            Side::Left => &tokens[too_many..],
            Side::Right => &tokens[..tokens.len() - too_many],
        };
        let end = out.len() + self.length;
        if self.side == Side::Left {
            out.resize(end - kept.len(), TextPadding::TOKEN);
        }
        out.extend_from_slice(kept);
        out.resize(end, TextPadding::TOKEN);
    }

    /// All texts, brought to the length, one after the other, and how many tokens of each were kept.
    ///
    /// # Shapes
    /// - `texts`: any number of tokens each
    /// - output: `[texts, length]`, row-major, and `[texts]`
    ///
    /// # Errors
    /// If [`check`](Self::check) fails, or there would be more than 2^32 tokens.
    pub fn apply_all(&self, texts: &[Vec<u32>]) -> Result<(Vec<u32>, Vec<u32>), DataError> {
        self.check()?;
        let (count, length) = (texts.len(), self.length);
        let Some(total) = count.checked_mul(length).filter(|total| *total <= MAX_TOKENS) else {
            return Err(DataError::PaddedTokens { samples: count, length, limit: MAX_TOKENS });
        };
        let mut out = Vec::with_capacity(total);
        for tokens in texts {
            self.apply(tokens, &mut out);
        }
        // At most MAX_LENGTH each.
        let lengths = texts.iter().map(|tokens| self.kept(tokens.len()) as u32).collect();
        Ok((out, lengths))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(side: Side, truncate: Side, tokens: &[u32]) -> Vec<u32> {
        let mut out = vec![99];
        TextPadding { length: 3, side, truncate }.apply(tokens, &mut out);
        out
    }

    #[test]
    fn both_sides() {
        for truncate in [Side::Left, Side::Right] {
            assert_eq!(padded(Side::Left, truncate, &[5]), [99, 0, 0, 5]);
            assert_eq!(padded(Side::Right, truncate, &[5]), [99, 5, 0, 0]);
            assert_eq!(padded(Side::Left, truncate, &[]), [99, 0, 0, 0]);
            assert_eq!(padded(Side::Right, truncate, &[1, 2, 3]), [99, 1, 2, 3]);
        }
        for side in [Side::Left, Side::Right] {
            assert_eq!(padded(side, Side::Left, &[1, 2, 3, 4, 5]), [99, 3, 4, 5]);
            assert_eq!(padded(side, Side::Right, &[1, 2, 3, 4, 5]), [99, 1, 2, 3]);
        }
    }

    #[test]
    fn many_texts() {
        let (tokens, lengths) = TextPadding::to(2).apply_all(&[vec![1], vec![2, 3, 4], vec![]]).unwrap();
        assert_eq!(tokens, [1, 0, 2, 3, 0, 0]);
        assert_eq!(lengths, [1, 2, 0]);
        assert_eq!(TextPadding::to(2).apply_all(&[]).unwrap(), (vec![], vec![]));
    }

    #[test]
    fn lengths_that_cannot_be_are_refused() {
        for length in [0, MAX_LENGTH + 1, usize::MAX] {
            let message = TextPadding::to(length).check().unwrap_err().to_string();
            assert!(message.contains(&format!("{length} tokens; expected 1 to 1048576")), "{message}");
            assert!(TextPadding::to(length).apply_all(&[vec![1]]).is_err());
        }
        TextPadding::to(1).check().unwrap();
        let message = TextPadding::to(MAX_LENGTH).apply_all(&vec![vec![]; 5000]).unwrap_err().to_string();
        assert!(message.contains("5000 samples of 1048576 tokens"), "{message}");
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let json = serde_json::to_string(&TextPadding::to(256)).unwrap();
        assert_eq!(json, r#"{"length":256,"side":"right","truncate":"right"}"#);
        assert_eq!(serde_json::from_str::<TextPadding>(&json).unwrap(), TextPadding::to(256));
        assert!(
            serde_json::from_str::<TextPadding>(r#"{"length":256,"side":"right","truncate":"middle"}"#)
                .is_err()
        );
    }
}
