//! Samples of floating-point numbers straight from their text: most of the work of a request for a picture is reading its
//! numbers, and making a value of each first takes several times as long.

/// How many samples there are, and the numbers of all of them, if the text is a list of samples which lie in lists of this shape or in
/// one list each. For everything else `None`: it is looked at value by value then, and refused with a reason.
///
/// The text is JSON, as was checked before.
pub(crate) fn rows_of(json: &str, shape: &[usize]) -> Option<(usize, Vec<f32>)> {
    let mut text = Text { bytes: json.as_bytes(), at: 0 };
    let flat = [shape.iter().product()];
    let (mut rows, mut numbers) = (0, Vec::new());
    text.list(|text| {
        // Two lists begin where the second is inside the first.
        let is_nested = text.next() == Some(b'[') && {
            let mut inner = Text { bytes: text.bytes, at: text.at + 1 };
            inner.next() == Some(b'[')
        };
        rows += 1;
        text.tensor(if is_nested || shape.is_empty() { shape } else { &flat }, &mut numbers)
    })?;
    text.next().is_none().then_some((rows, numbers))
}

struct Text<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Text<'_> {
    /// The next byte that is no white space, which stays the next.
    fn next(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next() == Some(byte)).then(|| self.at += 1)
    }

    /// A list, of which each element is read by `element`.
    fn list(&mut self, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.take(b']').is_some() {
            return Some(());
        }
        loop {
            element(self)?;
            if self.take(b',').is_none() {
                return self.take(b']');
            }
        }
    }

    fn tensor(&mut self, shape: &[usize], numbers: &mut Vec<f32>) -> Option<()> {
        let [size, inner @ ..] = shape else { return self.number(numbers) };
        let mut found = 0;
        self.list(|text| {
            found += 1;
            text.tensor(inner, numbers)
        })?;
        (found == *size).then_some(())
    }

    fn number(&mut self, numbers: &mut Vec<f32>) -> Option<()> {
        // It takes `inf` and `nan` as well, which JSON does not have.
        self.next().filter(|byte| matches!(byte, b'-' | b'0'..=b'9'))?;
        let (number, length) = fast_float2::parse_partial::<f64, _>(&self.bytes[self.at..]).ok()?;
        let number = number as f32;
        self.at += length;
        numbers.push(number);
        number.is_finite().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_lie_in_lists_of_their_shape_or_in_one() {
        let expected = Some((2, vec![1.0, -2.5, 3e2, 4.0, 5.0, 6.0, 7.0, 8.0]));
        for text in [
            "[[[1, -2.5], [3e2, 4]], [[5, 6], [7, 8]]]",
            "[[1,-2.5,3E+2,4],[5,6,7,8.0]]",
            " [ [ [ 1 ,-2.5],\n[300,4 ] ] ,[5, 6, 7, 8]\t] ",
        ] {
            assert_eq!(rows_of(text, &[2, 2]), expected, "{text}");
        }
        assert_eq!(rows_of("[1, 2]", &[]), Some((2, vec![1.0, 2.0])));
        assert_eq!(rows_of("[]", &[3]), Some((0, vec![])));
    }

    #[test]
    fn everything_else_is_left_to_be_refused_with_a_reason() {
        for text in [
            "[[1, 2, 3]]",
            "[[[1, 2, 3, 4]]]",
            "[[[1, 2], [3]]]",
            "[[1, 2, 3, null]]",
            "[[1, 2, 3, \"4\"]]",
            "{}",
            "[[1, 2, 3, 1e39]]",
            "[{\"input\": [1, 2, 3, 4]}]",
            "[[true, 1, 2, 3]]",
            "7",
            "[[], []]",
            "[[[1, 2], [3, 4]], 5]",
        ] {
            assert_eq!(rows_of(text, &[2, 2]), None, "{text}");
        }
    }
}
