//! The exponential and its relatives on whole vectors.
//!
//! All keep NaN, saturate as the exact function does, and give denormal numbers where the result is one, unless said otherwise.
//! An *ulp* is the distance of neighbouring `f32` at the exact result; errors are measured against `f64` on every
//! path, over dense grids and over numbers of every size; the tests fail if one is exceeded.

use crate::simd::Simd;

const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// The logarithm of 2, in a part of few bits, so that its product with a whole number is exact, and the rest.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// `a` from its highest power down: `((a[0] · x + a[1]) · x + a[2]) · x + …`
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(s: S, x: S::F, a: [f32; N]) -> S::F {
    let mut sum = s.splat(a[0]);
    for &next in &a[1..] {
        sum = s.mul_add(sum, x, s.splat(next));
    }
    sum
}

#[inline(always)]
fn abs<S: Simd>(s: S, x: S::F) -> S::F {
    s.copy_sign(x, s.splat(1.0))
}

/// `n` and `e^r - 1` where `x = n · log 2 + r`, `n` is whole and `|r|` at most half of log 2.
#[inline(always)]
fn reduce<S: Simd>(s: S, x: S::F) -> (S::F, S::F) {
    let n = s.round(s.mul(x, s.splat(LOG2_E)));
    let r = s.mul_add(n, s.splat(-LN_2_HIGH), x);
    let r = s.mul_add(n, s.splat(-LN_2_LOW), r);
    let p =
        polynomial(s, r, [1.987_569_2e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5]);
    (n, s.mul_add(s.mul(r, r), p, r))
}

/// `e^x`; error at most 1 ulp.
#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    // Beyond these the result is 0 or infinite anyway. `max` and `min` give their second argument where it is NaN.
    let x = s.min(s.splat(89.0), s.max(s.splat(-104.0), x));
    let (n, p) = reduce(s, x);
    let half = s.round(s.mul(n, s.splat(0.5)));
    s.mul_pow2(s.mul_pow2(s.add(p, s.splat(1.0)), half), s.sub(n, half))
}

/// `e^x` for `x` from -87 to 88, and that of the nearer bound beyond; error at most 1 ulp. Cheaper than [`exp`].
#[inline(always)]
pub(crate) fn exp_clamped<S: Simd>(s: S, x: S::F) -> S::F {
    let x = s.min(s.splat(88.0), s.max(s.splat(-87.0), x));
    let (n, p) = reduce(s, x);
    s.mul_pow2(s.add(p, s.splat(1.0)), n)
}

/// `1 / (1 + e^-x)`; error at most 2.5 ulp. Below -88 it is 0, a little early.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(s: S, x: S::F) -> S::F {
    let minus = s.sub(s.splat(0.0), x);
    let one = s.splat(1.0);
    let result = s.div(one, s.add(one, exp_clamped(s, minus)));
    s.select_gt(minus, s.splat(88.0), s.splat(0.0), result)
}

/// The hyperbolic tangent; error at most 2.5 ulp, also near 0.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(s: S, x: S::F) -> S::F {
    // From e^(-2|x|) - 1, which does not cancel: with p = e^r - 1 it is 2^n p + (2^n - 1).
    let twice = s.mul(abs(s, x), s.splat(-2.0));
    let (n, p) = reduce(s, s.max(s.splat(-40.0), twice));
    let one = s.splat(1.0);
    let power = s.mul_pow2(one, n);
    let e = s.mul_add(p, power, s.sub(power, one));
    s.copy_sign(s.div(e, s.add(e, s.splat(2.0))), x)
}

/// For `t >= 0`: the error function by its series (right below 0.93) and `1 - erf t` (right from there on).
#[inline(always)]
fn erf_parts<S: Simd>(s: S, t: S::F) -> (S::F, S::F) {
    // Norbert Juffa's polynomials, https://stackoverflow.com/a/35148199
    let square = s.mul(t, t);
    let series = polynomial(
        s,
        square,
        [-5.967_617e-4, 4.991_194_2e-3, -2.676_813_5e-2, 1.128_199_25e-1, -3.761_253_4e-1, 1.283_791_7e-1],
    );
    let series = s.mul_add(series, t, t);
    let far = s.min(s.splat(10.5), t);
    let exponent = polynomial(
        s,
        far,
        [
            -1.728_534_7e-5,
            3.831_971_3e-4,
            -3.883_964_4e-3,
            2.425_462_2e-2,
            -1.067_778_8e-1,
            -6.348_467e-1,
            -1.287_175_1e-1,
        ],
    );
    let exponent = s.sub(s.mul(exponent, far), far);
    (series, exp_clamped(s, exponent))
}

/// Where [`erf_parts`] passes from one part to the other.
const ERF_BORDER: f32 = 0.927_734_4;

/// The normal distribution's share below `x`, `(1 + erf(x / sqrt 2)) / 2`; error at most 1.2e-7, and relative error
/// at most 7e-5 from -5 on.
#[inline(always)]
fn normal_cdf<S: Simd>(s: S, x: S::F) -> S::F {
    let half = s.splat(0.5);
    let (one, zero) = (s.splat(1.0), s.splat(0.0));
    let t = s.mul(abs(s, x), s.splat(std::f32::consts::FRAC_1_SQRT_2));
    let (series, rest) = erf_parts(s, t);
    let below = s.mul(half, s.select_gt(t, s.splat(ERF_BORDER), rest, s.sub(one, series)));
    s.select_gt(x, zero, s.sub(one, below), below)
}

/// GELU, `x (1 + erf(x / sqrt 2)) / 2` ([Hendrycks and Gimpel](https://arxiv.org/abs/1606.08415)); error at most
/// 1.2e-7 times the greater of `|x|` and 1. Minus infinity gives 0.
#[inline(always)]
pub(crate) fn gelu<S: Simd>(s: S, x: S::F) -> S::F {
    // Far below, the result is 0, and minus infinity times 0 would not be a number.
    let below = s.max(s.splat(-20.0), x);
    s.mul(below, normal_cdf(s, x))
}

/// The derivative of [`gelu`]; error at most 1.5e-7.
#[inline(always)]
pub(crate) fn gelu_derivative<S: Simd>(s: S, x: S::F) -> S::F {
    const ONE_BY_SQRT_2_PI: f32 = 0.398_942_3;
    let near = s.min(s.splat(13.0), s.max(s.splat(-13.0), x));
    let density = s.mul(s.splat(ONE_BY_SQRT_2_PI), exp_clamped(s, s.mul(s.mul(near, near), s.splat(-0.5))));
    s.mul_add(near, density, normal_cdf(s, x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Path;
    use crate::simd::Kernel;
    use crate::vectors::{each_vector, get, put};

    /// A function of one number, on a vector.
    trait Function: Copy {
        fn of<S: Simd>(self, s: S, x: S::F) -> S::F;
    }

    /// A function over a slice, in whole vectors and a rest.
    struct InPlaceOf<'a, T> {
        values: &'a mut [f32],
        function: T,
    }

    impl<T: Function> Kernel for InPlaceOf<'_, T> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            each_vector!(S::LANES, self.values.len(), |at, count| {
                let y = self.function.of(s, get(s, self.values, at, count));
                put(s, self.values, at, count, y);
            });
        }
    }

    macro_rules! functions {
        ($($name:ident $function:ident $in_place:ident;)*) => {$(
            #[derive(Clone, Copy)]
            struct $name;

            impl Function for $name {
                #[inline(always)]
                fn of<S: Simd>(self, s: S, x: S::F) -> S::F {
                    $function(s, x)
                }
            }

            fn $in_place(path: Path, values: &mut [f32]) {
                path.run(InPlaceOf { values, function: $name });
            }
        )*};
    }

    functions! {
        Exp exp exp_in_place;
        Sigmoid sigmoid sigmoid_in_place;
        Tanh tanh tanh_in_place;
        Gelu gelu gelu_in_place;
        GeluDerivative gelu_derivative gelu_derivative_in_place;
    }

    fn erf_f64(x: f64) -> f64 {
        if x.abs() > 3.0 {
            return x.signum() * (1.0 - erfc_f64(x.abs()));
        }
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    /// By its continued fraction, for `x` from 2 on, else from the series.
    fn erfc_f64(x: f64) -> f64 {
        if x < 2.0 {
            return 1.0 - erf_f64(x);
        }
        let mut f = x;
        for n in (1..400).rev() {
            f = x + f64::from(n) * 0.5 / f;
        }
        (-x * x).exp() / (f * std::f64::consts::PI.sqrt())
    }

    fn normal_cdf_f64(x: f64) -> f64 {
        0.5 * erfc_f64_any(-x * std::f64::consts::FRAC_1_SQRT_2)
    }

    fn erfc_f64_any(x: f64) -> f64 {
        if x < 0.0 { 2.0 - erfc_f64(-x) } else { erfc_f64(x) }
    }

    /// The distance of neighbouring numbers at `exact`.
    fn ulp(exact: f64) -> f64 {
        let at = (exact.abs() as f32).clamp(f32::MIN_POSITIVE, f32::MAX * 0.99);
        f64::from(f32::from_bits(at.to_bits() + 1)) - f64::from(at)
    }

    /// An even grid, and every 1237th number there is.
    fn inputs(low: f32, high: f32) -> Vec<f32> {
        let grid = (0..=200_000).map(|i| low + (high - low) * (i as f32 / 200_000.0));
        let all = (0..=u32::MAX).step_by(12_373).map(f32::from_bits);
        grid.chain(all.filter(|x| (low..=high).contains(x))).collect()
    }

    type InPlace = fn(Path, &mut [f32]);

    /// The worst error over the inputs on each path, by `scale` of the exact result and the input.
    fn check(
        name: &str,
        function: InPlace,
        exact: fn(f64) -> f64,
        range: (f32, f32),
        scale: fn(f64, f64) -> f64,
        limit: f64,
    ) {
        let inputs = inputs(range.0, range.1);
        for path in Path::ALL.into_iter().filter(|path| path.is_available()) {
            let mut outputs = inputs.clone();
            function(path, &mut outputs);
            let mut worst = (0.0f64, 0.0f32, 0.0f32);
            for (&x, &y) in inputs.iter().zip(&outputs) {
                let exact = exact(f64::from(x));
                let error = (f64::from(y) - exact).abs() / scale(exact, f64::from(x));
                // Not a number counts as the worst.
                if error.is_nan() || error > worst.0 {
                    worst = (if error.is_nan() { f64::INFINITY } else { error }, x, y);
                }
            }
            assert!(
                worst.0 <= limit,
                "{name} on {path}: error {} at {}, which gave {} instead of {}; at most {limit} is allowed",
                worst.0,
                worst.1,
                worst.2,
                exact(f64::from(worst.1))
            );
        }
    }

    fn ulps(exact: f64, _: f64) -> f64 {
        ulp(exact)
    }

    #[test]
    fn functions_are_as_exact_as_they_say() {
        check("exp", exp_in_place, f64::exp, (-110.0, 88.72), ulps, 1.0);
        check("sigmoid", sigmoid_in_place, |x| 1.0 / (1.0 + (-x).exp()), (-87.0, 30.0), ulps, 2.5);
        check("tanh", tanh_in_place, f64::tanh, (-20.0, 20.0), ulps, 2.5);
        check("tanh", tanh_in_place, f64::tanh, (-1.0, 1.0), ulps, 2.5);
        let at_least_1 = |_: f64, x: f64| x.abs().max(1.0);
        check("gelu", gelu_in_place, |x| x * normal_cdf_f64(x), (-12.0, 12.0), at_least_1, 1.2e-7);
        let derivative =
            |x: f64| normal_cdf_f64(x) + x * (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        check("GELU's derivative", gelu_derivative_in_place, derivative, (-12.0, 12.0), |_, _| 1.0, 1.5e-7);
    }

    #[test]
    fn tails_of_gelu_keep_their_size() {
        let relative = |exact: f64, _: f64| exact.abs() + 1e-37;
        check("gelu", gelu_in_place, |x| x * normal_cdf_f64(x), (-5.0, -0.1), relative, 7e-5);
    }

    #[test]
    fn special_values() {
        let (inf, nan, max) = (f32::INFINITY, f32::NAN, f32::MAX);
        type Case<'a> = (&'a str, InPlace, &'a [(f32, f32)]);
        let cases: [Case<'_>; 5] = [
            (
                "exp",
                exp_in_place,
                &[
                    (0.0, 1.0),
                    (-0.0, 1.0),
                    (89.0, inf),
                    (inf, inf),
                    (max, inf),
                    (-104.0, 0.0),
                    (-max, 0.0),
                    (-inf, 0.0),
                ],
            ),
            (
                "sigmoid",
                sigmoid_in_place,
                &[(0.0, 0.5), (100.0, 1.0), (inf, 1.0), (max, 1.0), (-100.0, 0.0), (-max, 0.0), (-inf, 0.0)],
            ),
            (
                "tanh",
                tanh_in_place,
                &[
                    (0.0, 0.0),
                    (1e-42, 1e-42),
                    (20.0, 1.0),
                    (max, 1.0),
                    (inf, 1.0),
                    (-20.0, -1.0),
                    (-inf, -1.0),
                ],
            ),
            ("gelu", gelu_in_place, &[(0.0, 0.0), (20.0, 20.0), (inf, inf), (-40.0, 0.0), (-inf, 0.0)]),
            (
                "GELU's derivative",
                gelu_derivative_in_place,
                &[(0.0, 0.5), (20.0, 1.0), (inf, 1.0), (-40.0, 0.0), (-inf, 0.0)],
            ),
        ];
        for path in Path::ALL.into_iter().filter(|path| path.is_available()) {
            for (name, function, values) in cases {
                for &(x, expected) in values.iter().chain(&[(nan, nan)]) {
                    // Both the whole vectors and the rest.
                    let mut y = [x; 37];
                    function(path, &mut y);
                    for y in y {
                        let near = (y - expected).abs() < 1e-30;
                        assert!(
                            y == expected || near || (y.is_nan() && expected.is_nan()),
                            "{name}({x}) on {path} gave {y} instead of {expected}"
                        );
                    }
                }
            }
        }
    }
}
