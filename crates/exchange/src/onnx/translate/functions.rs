//! Functions of one value, known by what they give rather than by how they are written.
//!
//! Exporters write GELU, SiLU and others in many ways. What several operators make of one value, and of numbers that are in
//! the file, is computed for some values and compared with the functions that there are layers for.

use super::evaluate::one_value;

/// A function of one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    Identity,
    Relu,
    LeakyRelu(f32),
    Elu(f32),
    Gelu,
    Silu,
    Sigmoid,
    Tanh,
    Softplus,
    /// One for which there is no layer here, by its name.
    Other(&'static str),
}

/// A function of one number.
type OfOne = Box<dyn Fn(f32) -> f32>;

/// Values between which functions that differ are told apart.
pub(super) fn samples() -> Vec<f32> {
    (-60..=60).map(|place| place as f32 / 7.0).collect()
}

/// The function that gives these values for `given`, which begins with [`samples`].
pub(super) fn recognised(given: &[f32], values: &[f32]) -> Option<Function> {
    let fits = |function: &dyn Fn(f32) -> f32| {
        given.len() == values.len()
            && given.iter().zip(values).all(|(given, value)| {
                let expected = function(*given);
                (expected - value).abs() <= 5e-6 * expected.abs().max(1.0)
            })
    };
    let named = |kind: &str| one_value(kind, None, None);
    let erf = named("Erf")?;
    let sigmoid = named("Sigmoid")?;
    // A slope and a limit are what the function itself gives far below 0.
    let lowest = *values.first()?;
    let slope = lowest / given.first()?;
    let alpha = -lowest / (1.0 - given.first()?.exp());
    let functions: Vec<(Function, OfOne)> = vec![
        (Function::Identity, Box::new(|x| x)),
        (Function::Relu, named("Relu")?),
        (Function::LeakyRelu(slope), one_value("LeakyRelu", Some(slope), None)?),
        (Function::Elu(alpha), one_value("Elu", Some(alpha), None)?),
        (Function::Gelu, Box::new(move |x| 0.5 * x * (1.0 + erf(x / std::f32::consts::SQRT_2)))),
        (Function::Silu, Box::new(move |x| x * sigmoid(x))),
        (Function::Sigmoid, named("Sigmoid")?),
        (Function::Tanh, named("Tanh")?),
        (Function::Softplus, named("Softplus")?),
        (Function::Other("the approximation of GELU by tanh"), Box::new(gelu_by_tanh)),
        (Function::Other("HardSwish"), named("HardSwish")?),
        (Function::Other("ReLU6"), Box::new(|x| x.clamp(0.0, 6.0))),
        (Function::Other("Mish"), Box::new(mish)),
    ];
    functions.into_iter().find(|(_, function)| fits(function)).map(|(function, _)| function)
}

fn gelu_by_tanh(x: f32) -> f32 {
    let inner = (2.0 / std::f32::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
    0.5 * x * (1.0 + inner.tanh())
}

fn mish(x: f32) -> f32 {
    x * (x.max(0.0) + (-x.abs()).exp().ln_1p()).tanh()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(function: impl Fn(f32) -> f32) -> Option<Function> {
        recognised(&samples(), &samples().into_iter().map(function).collect::<Vec<_>>())
    }

    #[test]
    fn functions_are_told_apart() {
        assert_eq!(of(|x| x.max(0.0)), Some(Function::Relu));
        assert_eq!(of(|x| x / (1.0 + (-x).exp())), Some(Function::Silu));
        assert_eq!(of(|x| if x < 0.0 { 0.25 * x } else { x }), Some(Function::LeakyRelu(0.25)));
        assert_eq!(of(|x| x.clamp(0.0, 6.0)), Some(Function::Other("ReLU6")));
        assert_eq!(of(gelu_by_tanh), Some(Function::Other("the approximation of GELU by tanh")));
        assert_eq!(of(|x| x * x), None);
        let Some(Function::Elu(alpha)) = of(|x| if x < 0.0 { 0.7 * x.exp_m1() } else { x }) else {
            panic!("it is an ELU");
        };
        assert!((alpha - 0.7).abs() < 1e-6);
    }
}
