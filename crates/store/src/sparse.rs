//! Weights without their zeros: a bit for each value that says whether it is there, and those values, in order.

/// Behind the name of a tensor without its zeros, the name of its shape.
pub(crate) const SHAPE: &str = ".sparse_shape";

/// Behind it, the name of its bits, the first value's the lowest of the first byte.
pub(crate) const MASK: &str = ".sparse_mask";

/// No weight has more dimensions.
pub(crate) const MOST_SIZES: usize = 8;

/// Weights of fewer values are stored whole.
const LEAST: usize = 1024;

/// What is stored of a tensor.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) mask: Vec<u8>,
    pub(crate) values: Vec<u8>,
}

/// What does not fit together.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) expected: String,
    pub(crate) found: String,
}

/// The values of a weight but for zeros, `width` bytes each; nothing if it is small, or fewer than half are 0. The zero is the one whose
/// bits are 0.
pub(crate) fn pack(shape: &[usize], bytes: &[u8], width: usize) -> Option<Packed> {
    let count = bytes.len() / width;
    if shape.len() < 2 || count < LEAST {
        return None;
    }
    let is_there = |value: &[u8]| value.iter().any(|byte| *byte != 0);
    let there = bytes.chunks_exact(width).filter(|value| is_there(value)).count();
    if 2 * there > count {
        return None;
    }
    let mut packed = Packed { mask: vec![0; count.div_ceil(8)], values: Vec::with_capacity(there * width) };
    for (at, value) in bytes.chunks_exact(width).enumerate().filter(|(_, value)| is_there(value)) {
        packed.mask[at / 8] |= 1 << (at % 8);
        packed.values.extend_from_slice(value);
    }
    Some(packed)
}

/// All values of a tensor of this shape. Nothing is allocated before the bits are known to be as many as its values, so at most
/// `8 * width` times as much as the bits take.
pub(crate) fn unpack(shape: &[usize], mask: &[u8], values: &[u8], width: usize) -> Result<Vec<u8>, Wrong> {
    let wrong = |expected: String, found: String| Err(Wrong { expected, found });
    let count = shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
    let Some(count) = count.filter(|count| count.div_ceil(8) == mask.len()) else {
        return wrong(format!("a bit for each value of {shape:?}"), format!("{} bytes", mask.len()));
    };
    let there: usize = mask.iter().map(|byte| byte.count_ones() as usize).sum();
    let beyond = mask.last().is_some_and(|last| count % 8 != 0 && last >> (count % 8) != 0);
    if beyond || there * width != values.len() {
        let beyond = if beyond { ", and bits beyond the last value" } else { "" };
        return wrong(format!("{} values", values.len() / width), format!("bits for {there}{beyond}"));
    }
    let mut bytes = vec![0; count * width];
    let mut left = values.chunks_exact(width);
    for (at, to) in bytes.chunks_exact_mut(width).enumerate() {
        if mask[at / 8] >> (at % 8) & 1 == 1
            && let Some(value) = left.next()
        {
            to.copy_from_slice(value);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_and_minus_zero_stays() {
        for width in [1, 2, 4] {
            for count in [1024, 1027, 1031] {
                let mut bytes = vec![0u8; count * width];
                for at in (0..count).step_by(3) {
                    bytes[at * width + width - 1] = 0x80;
                }
                let packed = pack(&[1, count], &bytes, width).expect("a third is there");
                assert_eq!(packed.values.len(), count.div_ceil(3) * width);
                assert_eq!(unpack(&[1, count], &packed.mask, &packed.values, width).unwrap(), bytes);
            }
        }
    }

    #[test]
    fn weights_that_would_not_be_shorter_stay() {
        let half = |there: usize| (0..2048).map(|at| u8::from(at < there)).collect::<Vec<u8>>();
        assert!(pack(&[2, 1024], &half(1025), 1).is_none());
        assert!(pack(&[2, 1024], &half(1024), 1).is_some());
        assert!(pack(&[2048], &half(0), 1).is_none(), "a bias");
        assert!(pack(&[2, 500], &half(0)[..1000], 1).is_none(), "a small one");
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let refused =
            |shape: &[usize], mask: &[u8], values: &[u8]| unpack(shape, mask, values, 2).unwrap_err();
        assert!(refused(&[3, 3], &[0; 3], &[]).found.contains("3 bytes"));
        assert!(refused(&[usize::MAX, 2], &[0], &[]).expected.contains("a bit for each value"));
        assert!(refused(&[3, 3], &[1, 0], &[]).found.contains("bits for 1"));
        assert!(refused(&[3, 3], &[0, 2], &[1, 1]).found.contains("beyond the last value"));
        assert!(unpack(&[0, 3], &[], &[], 4).unwrap().is_empty());
    }
}
