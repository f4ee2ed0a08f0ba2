//! Functions of one value, as operators name them.

/// A function of one value, by the operator's name.
pub(in crate::onnx::translate) fn one_value(
    kind: &str,
    alpha: Option<f32>,
    beta: Option<f32>,
) -> Option<Box<dyn Fn(f32) -> f32>> {
    let function: fn(f32) -> f32 = match kind {
        "Identity" => |x| x,
        "Neg" => |x| -x,
        "Abs" => f32::abs,
        "Sqrt" => f32::sqrt,
        "Exp" => f32::exp,
        "Log" => f32::ln,
        "Sin" => f32::sin,
        "Cos" => f32::cos,
        "Floor" => f32::floor,
        "Ceil" => f32::ceil,
        "Round" => f32::round_ties_even,
        "Reciprocal" => f32::recip,
        "Sign" => |x| if x == 0.0 { 0.0 } else { x.signum() },
        "Erf" => |x| erf(x.into()) as f32,
        "Tanh" => f32::tanh,
        "Sigmoid" => |x| 1.0 / (1.0 + (-x).exp()),
        "Relu" => |x| x.max(0.0),
        "Softplus" => |x| x.max(0.0) + (-x.abs()).exp().ln_1p(),
        "HardSwish" => |x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
        "HardSigmoid" => {
            let (alpha, beta) = (alpha.unwrap_or(0.2), beta.unwrap_or(0.5));
            return Some(Box::new(move |x| (alpha * x + beta).clamp(0.0, 1.0)));
        }
        "LeakyRelu" => {
            let alpha = alpha.unwrap_or(0.01);
            return Some(Box::new(move |x| if x < 0.0 { alpha * x } else { x }));
        }
        "Elu" => {
            let alpha = alpha.unwrap_or(1.0);
            return Some(Box::new(move |x| if x < 0.0 { alpha * x.exp_m1() } else { x }));
        }
        _ => return None,
    };
    Some(Box::new(function))
}

/// The error function: its series for small arguments, a continued fraction for large ones.
fn erf(x: f64) -> f64 {
    let size = x.abs();
    let value = if size < 3.0 {
        let (mut term, mut sum) = (size, size);
        for n in 1..80 {
            term *= -size * size / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    } else {
        let fraction = (1..=60).rev().fold(0.0, |below, n| f64::from(n) / 2.0 / (size + below));
        1.0 - (-size * size).exp() / (size + fraction) / std::f64::consts::PI.sqrt()
    };
    value.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::erf;

    #[test]
    fn the_error_function_is_known_to_many_digits() {
        for (x, expected) in [
            (0.0, 0.0),
            (0.5, 0.520_499_877_813_046_5),
            (-1.0, -0.842_700_792_949_714_9),
            (3.5, 0.999_999_256_901_627_7),
        ] {
            assert!((erf(x) - expected).abs() < 1e-12, "{x}: {}", erf(x));
        }
    }
}
