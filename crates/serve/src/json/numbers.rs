//! Floating-point numbers straight from the text of a request: most of the work of a request for a picture is reading its numbers,
//! and making a value of each first takes several times as long. What is read here is strict JSON; everything else is looked at
//! value by value afterwards, and refused with a reason.

/// How many samples `{"instances": [...]}` has, and the numbers of all of them, if they lie in lists of this shape or in one list
/// each; there may be a `"signature_name"` besides. `None` for everything else.
pub(crate) fn instances_of(body: &[u8], shape: &[usize]) -> Option<(usize, Vec<f32>)> {
    let mut text = Text { bytes: body, at: 0 };
    let (mut found, mut is_named) = (None, false);
    text.take(b'{')?;
    loop {
        let member = text.string()?;
        text.take(b':')?;
        match member {
            b"instances" if found.is_none() => found = Some(text.samples(shape)?),
            b"signature_name" if !is_named => {
                text.string()?;
                is_named = true;
            }
            _ => return None,
        }
        if text.take(b',').is_none() {
            text.take(b'}')?;
            return found.filter(|_| text.next().is_none());
        }
    }
}

/// The numbers of a tensor of this shape, in lists as it has them or in one list. `None` for everything else.
pub(crate) fn numbers_of(json: &str, shape: &[usize]) -> Option<Vec<f32>> {
    let mut text = Text { bytes: json.as_bytes(), at: 0 };
    let mut numbers = Vec::new();
    text.sample(shape, &mut numbers)?;
    text.next().is_none().then_some(numbers)
}

/// Powers of ten, all of them exact.
const POWERS: [f64; 20] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19,
];

/// The bits of an `f64` that an `f32` does not have, and what they are half way between two `f32`.
const LOWER_BITS: u64 = (1 << 29) - 1;
const HALF_WAY: u64 = 1 << 28;

struct Text<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Text<'a> {
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

    /// Goes on behind a byte that may have white space before it.
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next() == Some(byte)).then(|| self.at += 1)
    }

    /// Goes on behind a byte that is the very next, and says whether it was.
    fn skip(&mut self, byte: u8) -> bool {
        let is_next = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// A text of ASCII without escapes.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let rest = &self.bytes[self.at..];
        let length =
            rest.iter().position(|byte| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\'))?;
        self.at += length;
        self.skip(b'"').then_some(&rest[..length])
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

    fn samples(&mut self, shape: &[usize]) -> Option<(usize, Vec<f32>)> {
        let (mut samples, mut numbers) = (0, Vec::new());
        self.list(|text| {
            samples += 1;
            text.sample(shape, &mut numbers)
        })?;
        Some((samples, numbers))
    }

    /// Numbers in lists of this shape, or in one list.
    fn sample(&mut self, shape: &[usize], numbers: &mut Vec<f32>) -> Option<()> {
        // A number has a byte and one between it and the next.
        numbers.reserve(shape.iter().product::<usize>().min((self.bytes.len() - self.at) / 2 + 1));
        // Two lists begin where the second is inside the first.
        let is_nested = self.next() == Some(b'[') && {
            let mut inner = Text { bytes: self.bytes, at: self.at + 1 };
            inner.next() == Some(b'[')
        };
        match is_nested || shape.is_empty() {
            true => self.tensor(shape, numbers),
            false => self.tensor(&[shape.iter().product()], numbers),
        }
    }

    fn tensor(&mut self, shape: &[usize], numbers: &mut Vec<f32>) -> Option<()> {
        let [size, inner @ ..] = shape else { return self.number(numbers) };
        if let ([], 1..) = (inner, *size) {
            return self.row(*size, numbers);
        }
        let mut found = 0;
        self.list(|text| {
            found += 1;
            text.tensor(inner, numbers)
        })?;
        (found == *size).then_some(())
    }

    /// A list of so many numbers, at least one.
    fn row(&mut self, size: usize, numbers: &mut Vec<f32>) -> Option<()> {
        self.take(b'[')?;
        let mut before_last = size - 1;
        while before_last > 0 {
            let short = self.short_numbers(before_last, numbers);
            before_last -= short;
            if short == 0 {
                self.number(numbers)?;
                if !self.skip(b',') {
                    self.take(b',')?;
                }
                self.skip(b' ');
                before_last -= 1;
            }
        }
        self.number(numbers)?;
        self.take(b']')
    }

    /// Reads numbers of one digit, at most so many, as long as all are written alike: most of a picture are 0, and many 1, with or
    /// without a fraction and a space, as Python and as JavaScript write them.
    #[inline(always)]
    fn short_numbers(&mut self, most: usize, numbers: &mut Vec<f32>) -> usize {
        let rest = &self.bytes[self.at..];
        match rest {
            [_, b'.', b'0', b',', b' ', ..] => self.alike(b"0.0, ", most, numbers),
            [_, b'.', b'0', b',', ..] => self.alike(b"0.0,", most, numbers),
            [_, b',', b' ', ..] => self.alike(b"0, ", most, numbers),
            [_, b',', ..] => self.alike(b"0,", most, numbers),
            _ => 0,
        }
    }

    /// Those with this text behind their digit.
    #[inline(always)]
    fn alike<const N: usize>(&mut self, written: &[u8; N], most: usize, numbers: &mut Vec<f32>) -> usize {
        let is_alike = |number: &[u8; N]| {
            let ends_alike = (1..N).fold(true, |all, at| all & (number[at] == written[at]));
            ends_alike & number[0].is_ascii_digit()
        };
        let all = self.bytes[self.at..].as_chunks::<N>().0;
        let all = &all[..most.min(all.len())];
        // Four at a time without a branch for each.
        let (fours, _) = all.as_chunks::<4>();
        let fours = fours.iter().take_while(|four| four.iter().fold(true, |all, one| all & is_alike(one)));
        let count = 4 * fours.count();
        let count = count + all[count..].iter().take_while(|number| is_alike(number)).count();
        numbers.extend(all[..count].iter().map(|number| f32::from(number[0] - b'0')));
        self.at += N * count;
        count
    }

    #[inline(always)]
    fn number(&mut self, numbers: &mut Vec<f32>) -> Option<()> {
        self.next()?;
        let (number, length) = number(&self.bytes[self.at..])?;
        self.at += length;
        numbers.push(number);
        Some(())
    }
}

/// The number that a text begins with, if it is finite, and its length.
#[inline(always)]
fn number(text: &[u8]) -> Option<(f32, usize)> {
    let is = |at: usize, byte: u8| text.get(at) == Some(&byte);
    let first = usize::from(is(0, b'-'));
    let mut mantissa = 0;
    let mut end = digits(text, first, &mut mantissa);
    let whole = end - first;
    if whole == 0 || (whole > 1 && is(first, b'0')) {
        return None;
    }
    let mut places = 0;
    if is(end, b'.') {
        let point = end + 1;
        end = digits(text, point, &mut mantissa);
        places = end - point;
        if places == 0 {
            return None;
        }
    }
    let has_exponent = is(end, b'e') || is(end, b'E');
    if has_exponent {
        let begin = end + 1 + usize::from(is(end + 1, b'-') || is(end + 1, b'+'));
        end = digits(text, begin, &mut 0);
        if end == begin {
            return None;
        }
    }
    let is_short = !has_exponent && whole + places < POWERS.len();
    let number = match is_short.then(|| mantissa as f64 / POWERS[places]) {
        // It is off by a unit or two of its last bit, which tells between two `f32` only about half way between them.
        Some(number) if (number.to_bits() & LOWER_BITS).abs_diff(HALF_WAY) > 8 => number,
        _ => fast_float2::parse::<f64, _>(&text[first..end]).ok()?,
    } as f32;
    let number = if first == 1 { -number } else { number };
    number.is_finite().then_some((number, end))
}

/// Where digits that begin at a place end. They are added to the mantissa, which holds up to 19.
#[inline(always)]
fn digits(text: &[u8], mut at: usize, mantissa: &mut u64) -> usize {
    while let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk()).and_then(eight_digits) {
        *mantissa = mantissa.wrapping_mul(100_000_000).wrapping_add(eight);
        at += 8;
    }
    while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        *mantissa = mantissa.wrapping_mul(10).wrapping_add(digit.into());
        at += 1;
    }
    at
}

/// The number that eight digits are: neighbours are joined three times, in all lanes of a word at once.
#[inline(always)]
fn eight_digits(text: &[u8; 8]) -> Option<u64> {
    let word = u64::from_le_bytes(*text);
    // Digits are the bytes from 0x30 to 0x39: their upper halves are 3, also with 6 added.
    let is_three = |word: u64| word & 0xF0F0_F0F0_F0F0_F0F0 == 0x3030_3030_3030_3030;
    if !is_three(word) || !is_three(word.wrapping_add(0x0606_0606_0606_0606)) {
        return None;
    }
    let digits = word & 0x0F0F_0F0F_0F0F_0F0F;
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_FFFF_0000_FFFF;
    Some((fours.wrapping_mul(10_000) + (fours >> 32)) & 0xFFFF_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(instances: &str) -> Option<(usize, Vec<f32>)> {
        instances_of(format!(r#"{{"instances": {instances}}}"#).as_bytes(), &[2, 2])
    }

    #[test]
    fn samples_lie_in_lists_of_their_shape_or_in_one() {
        let expected = Some((2, vec![1.0, -2.5, 3e2, 4.0, 5.0, 6.0, 7.0, 8.0]));
        for text in [
            "[[[1, -2.5], [3e2, 4]], [[5, 6], [7, 8]]]",
            "[[1,-2.5,3E+2,4],[5,6,7,8.0]]",
            " [ [ [ 1 ,-2.5],\n[300,4 ] ] ,[5, 6, 7, 8]\t] ",
        ] {
            assert_eq!(samples(text), expected, "{text}");
        }
        assert_eq!(instances_of(br#"{"instances": [1, 2]}"#, &[]), Some((2, vec![1.0, 2.0])));
        assert_eq!(instances_of(br#"{"instances": []}"#, &[3]), Some((0, vec![])));
        let named = [
            r#"{"signature_name": "s", "instances": [[1]]}"#,
            r#"{"instances":[[1]] , "signature_name":""}"#,
        ];
        for text in named {
            assert_eq!(instances_of(text.as_bytes(), &[1]), Some((1, vec![1.0])), "{text}");
        }
        for text in ["[[1, 2], [3, 4]]", "[1, 2, 3, 4]", " [1,2,3,4] ", "[1 ,2 , 3,\n4 ]"] {
            assert_eq!(numbers_of(text, &[2, 2]), Some(vec![1.0, 2.0, 3.0, 4.0]), "{text}");
        }
        for text in ["[0,0.0,0.00,0.5,0]", "[0, 0.0, 0.00, 0.5, 0.0]", "[ 0 ,0 , 0e9,0.5,-0.0]"] {
            assert_eq!(numbers_of(text, &[5]), Some(vec![0.0, 0.0, 0.0, 0.5, 0.0]), "{text}");
        }
        let digits: Vec<f32> = (0..50).map(|at| [0.0, 1.0, 9.0, 0.0, 0.25][at * at % 7 % 5]).collect();
        for (number, between) in [("0.0", ","), ("0.0", ", "), ("0", ","), ("0", ", "), ("0", " ,")] {
            for count in 1..=50 {
                let written = digits[..count].iter().map(|digit| match digit.fract() == 0.0 {
                    true => number.replacen('0', &digit.to_string(), 1),
                    false => digit.to_string(),
                });
                let text = format!("[{}]", written.collect::<Vec<_>>().join(between));
                assert_eq!(numbers_of(&text, &[count]).as_deref(), Some(&digits[..count]), "{text}");
                assert_eq!(numbers_of(&text, &[count + 1]), None, "one is missing: {text}");
                assert_eq!(numbers_of(&text, &[count.wrapping_sub(1)]), None, "one is too many: {text}");
            }
        }
        for wrong in ["/", ":", "-", "e", "", "x", "0.0,", "00", "1.", ".0"] {
            for place in 0..9 {
                let mut written = ["0.0"; 9];
                written[place] = wrong;
                let text = format!("[{}]", written.join(","));
                assert_eq!(numbers_of(&text, &[9]), None, "{text}");
            }
        }
    }

    #[test]
    fn everything_else_is_left_to_be_refused_with_a_reason() {
        for text in [
            "[[1, 2, 3]]",
            "[[1, 2, 3, 4, 5]]",
            "[[0,0,0,]]",
            "[[0,0,0,0,]]",
            "[[0,0,,0]]",
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
            assert_eq!(samples(text), None, "{text}");
        }
        for body in [
            r#"{"instances": [[1, 2, 3, 4]]"#,
            r#"{"instances": [[1, 2, 3, 4]]} 5"#,
            r#"{"instances": [[1, 2, 3, 4]],}"#,
            r#"{"instances": [[1, 2, 3, 4]], "instances": [[1, 2, 3, 4]]}"#,
            r#"{"instances": [[1, 2, 3, 4]], "signature_name": 5}"#,
            r#"{"instances": [[1, 2, 3, 4]], "inputs": []}"#,
            r#"{"signature_name": "s"}"#,
            r#"{"instances": [[1, 2, 3, 4]], "signature_name": "}"#,
            r#"{"instances": [[1, 2, 3, 4]], "signature_name": }"#,
            r#"{"signature_name": "\u0073", "instances": [[1, 2, 3, 4]]}"#,
            "{}",
            "",
        ] {
            assert_eq!(instances_of(body.as_bytes(), &[2, 2]), None, "{body}");
        }
    }

    #[test]
    fn numbers_are_those_of_json_and_no_others() {
        for text in [
            "0",
            "-0",
            "0.5",
            "-12.25e-3",
            "1E5",
            "0e0",
            "0.38144329896907214",
            "16777217",
            "16777219",
            "1.00000005960464477539",
            "9999999999999999999",
            "18446744073709551616",
            "1e-45",
            "7.0e-46",
            "0.000000000000000000000000000000000000000000001",
            "3.4028235e38",
            "1.1754943508222875e-38",
            "0.1000000014901161193847656250001",
            "123456789012345678",
            "0.99999997019767761",
            "8388609.5",
            "12345678",
            "0.12345678",
            "87654321.12345678",
            "1234567812345678",
        ] {
            let expected = serde_json::from_str::<f64>(text).unwrap() as f32;
            let found = numbers_of(&format!("[{text}]"), &[1]).map(|numbers| numbers[0].to_bits());
            assert_eq!(found, Some(expected.to_bits()), "{text}");
        }
        // Those about half way between two `f32`, which are told apart by the last digits.
        for step in 0..2000u32 {
            let between = (f64::from(f32::from_bits(0x3f80_0000 + step))
                + f64::from(f32::from_bits(0x3f80_0001 + step)))
                / 2.0;
            for shift in [-1i64, 0, 1] {
                let near = f64::from_bits(between.to_bits().wrapping_add_signed(shift));
                let found = numbers_of(&format!("[{near}]"), &[1]).map(|numbers| numbers[0]);
                assert_eq!(found, Some(near as f32), "{near}");
            }
        }
        for text in [
            "01",
            "-",
            "+1",
            ".5",
            "1.",
            "1.e5",
            "1e",
            "1e+",
            "inf",
            "NaN",
            "-inf",
            "0x1",
            "1_0",
            "1 2",
            "--1",
            "1e5.5",
            "1234,678",
            "1234.67.",
            "1234567:",
            "12345/78",
            "\u{1a}2345678",
            "1234567\u{ff}8",
        ] {
            assert!(serde_json::from_str::<f64>(text).is_err(), "{text}");
            assert_eq!(numbers_of(&format!("[{text}]"), &[1]), None, "{text}");
        }
    }

    #[test]
    fn eight_digits_are_a_number_and_nothing_else_is() {
        let mut number = 1u64;
        for _ in 0..2000 {
            number = (number * 48_271 + 11) % 100_000_000;
            let text: [u8; 8] = format!("{number:08}").into_bytes().try_into().unwrap();
            assert_eq!(eight_digits(&text), Some(number));
            for (place, byte) in (0..8).flat_map(|place| (0..=255).map(move |byte| (place, byte))).step_by(61)
            {
                let mut text = text;
                text[place] = byte;
                assert_eq!(eight_digits(&text).is_some(), text.iter().all(u8::is_ascii_digit), "{text:?}");
            }
        }
    }
}
