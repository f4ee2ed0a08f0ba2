//! The field with 2^16 elements, in which secrets are shared: polynomials over bits modulo x^16 + x^12 + x^3 + x + 1.
//!
//! There are no tables, whose entries in the processor's caches would tell which numbers were multiplied.

/// The modulus without its leading term.
const REDUCTION: u16 = 0x100b;

pub(super) fn multiply(a: u16, b: u16) -> u16 {
    let (mut a, mut product) = (a, 0);
    for bit in 0..16 {
        product ^= a & (b >> bit & 1).wrapping_neg();
        a = (a << 1) ^ (REDUCTION & (a >> 15).wrapping_neg());
    }
    product
}

/// The number by which `a` has to be multiplied to give 1; 0 for 0.
pub(super) fn inverse(a: u16) -> u16 {
    // a to the power of 2^16 - 2.
    let (mut square, mut product) = (a, 1);
    for _ in 1..16 {
        square = multiply(square, square);
        product = multiply(product, square);
    }
    product
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_numbers_but_0_have_an_inverse() {
        for a in 1..=u16::MAX {
            assert_eq!(multiply(a, inverse(a)), 1, "{a}");
        }
        assert_eq!(inverse(0), 0);
    }

    #[test]
    fn powers_of_x_are_all_numbers_but_0() {
        let mut power = 1;
        let order = 1
            + (1..=u16::MAX)
                .take_while(|_| {
                    power = multiply(power, 2);
                    power != 1
                })
                .count();
        assert_eq!(order, 65_535);
    }

    #[test]
    fn products_are_those_worked_out_by_hand() {
        // x^15 * x = x^16, which is x^12 + x^3 + x + 1.
        assert_eq!(multiply(0x8000, 2), 0x100b);
        assert_eq!(multiply(3, 3), 5);
        assert_eq!(multiply(0x1234, 1), 0x1234);
    }

    proptest! {
        #[test]
        fn it_is_a_field(a: u16, b: u16, c: u16) {
            prop_assert_eq!(multiply(a, b), multiply(b, a));
            prop_assert_eq!(multiply(a, multiply(b, c)), multiply(multiply(a, b), c));
            prop_assert_eq!(multiply(a, b ^ c), multiply(a, b) ^ multiply(a, c));
        }
    }
}
