//! The comparison that every operation passes: values, gradients by every input, views, checkpointing and other types.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use fireclay_backend::{DeviceName, reads_at_once};

/// A function of flat inputs with a flat output; the function gives them their shapes.
pub type Function<'a> = &'a dyn Fn(&[Tensor<1>]) -> Tensor<1>;

/// How far f32 results may lie apart: relative to the largest value of the tensor.
const TOLERANCE: f32 = 2e-5;

/// Whether no feature of the crate is on: then the one device is Burn's by a dev-dependency, and every operation runs its
/// reference on it, which Burn differentiates.
pub fn is_without_features() -> bool {
    DeviceName::available().is_empty()
}

/// The devices of this build. `FIRECLAY_TEST_DEVICES`, such as `ndarray,wgpu`, takes some of them.
pub fn devices() -> Vec<Device> {
    let mut names = DeviceName::available();
    if let Ok(wanted) = std::env::var("FIRECLAY_TEST_DEVICES") {
        names.retain(|name| wanted.split(',').any(|wanted| wanted == name.to_string()));
        assert!(!names.is_empty(), "this build has none of the devices {wanted}");
    }
    match names.is_empty() {
        true => vec![Device::flex()],
        false => names.iter().map(|name| name.open().expect("a device of this build")).collect(),
    }
}

/// Whether a device is a CPU, which is fast enough for all comparisons.
fn is_cpu(device: &Device) -> bool {
    reads_at_once(device) || *device == Device::flex()
}

/// A device's random numbers come from one generator for the whole process: tests that seed it take turns.
pub fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How an input lies in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View {
    /// One value after another.
    Plain,
    /// With its last two dimensions swapped.
    Transposed,
    /// A part of a greater tensor: every dimension begins one later and ends one sooner.
    Sliced,
    /// The second dimension runs fastest, as in channels-last images.
    ChannelsLast,
    /// The first dimension repeats the same values.
    Expanded,
}

impl View {
    pub const ALL: [View; 5] =
        [View::Plain, View::Transposed, View::Sliced, View::ChannelsLast, View::Expanded];

    /// Values of the flat tensor that [`View::of`] takes.
    pub fn len(self, shape: &[usize]) -> usize {
        let sizes = shape.iter().map(|&size| size.max(1));
        match self {
            View::Sliced => sizes.map(|size| size + 2).product(),
            View::Expanded => sizes.skip(1).product(),
            _ => sizes.product(),
        }
    }

    /// A tensor of this shape which lies in this way, of the first values of `flat`.
    pub fn of<const D: usize>(self, flat: &Tensor<1>, shape: [usize; D]) -> Tensor<D> {
        let flat = flat.clone().slice(0..self.len(&shape));
        // Reshaping to a size of 0 means something else in Burn, so an empty tensor is cut out of one that is not.
        let full = shape.map(|size| size.max(1));
        let tensor = match self {
            View::Transposed if D > 1 => {
                let mut swapped = full;
                swapped.swap(D - 2, D - 1);
                flat.reshape(swapped).swap_dims(D - 2, D - 1)
            }
            View::Sliced => flat.reshape(full.map(|size| size + 2)).slice(full.map(|size| 1..size + 1)),
            View::ChannelsLast if D > 2 => {
                let mut stored = full;
                stored[1..].rotate_left(1);
                let mut axes = std::array::from_fn(|axis| axis as isize);
                axes[1..].rotate_right(1);
                flat.reshape(stored).permute(axes)
            }
            View::Expanded => {
                let mut row = full;
                row[0] = 1;
                flat.reshape::<D, _>(row).expand(full)
            }
            _ => flat.reshape(full),
        };
        if full == shape { tensor } else { tensor.slice(shape.map(|size| 0..size)) }
    }
}

/// All values in a row; their sum if there are none, since Burn does not reshape those.
pub fn in_a_row<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    match tensor.shape().num_elements() {
        0 => tensor.sum(),
        len => tensor.reshape([len]),
    }
}

/// Values between -1 and 1 that repeat nowhere soon; the same for the same seed.
pub fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    (0..len + 8).map(|_| next()).skip(8).collect()
}

/// A flat tensor of [`noise`].
pub fn flat(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("f32")
}

/// A software GPU takes a second and more for each shape, so it gets one of so many comparisons of a test, the first
/// among them. CPUs get all.
const GPU_INTERVAL: usize = 8;

thread_local! {
    /// Comparisons that this test has made; each test has a thread.
    static COMPARISONS: Cell<usize> = const { Cell::new(0) };
}

/// Compares `ours` with `reference` on every device: the values, and the gradients for every choice of tracked inputs.
/// `lens` are the lengths of the flat inputs, which hold noise.
pub fn compare(what: &str, lens: &[usize], ours: Function, reference: Function) {
    let inputs: Vec<Vec<f32>> = lens.iter().enumerate().map(|(i, &len)| noise(len, i as u32 + 1)).collect();
    compare_on(what, &inputs, ours, reference);
}

/// As [`compare`], with inputs of the caller's choice.
pub fn compare_on(what: &str, inputs: &[Vec<f32>], ours: Function, reference: Function) {
    let number = COMPARISONS.with(|count| count.replace(count.get() + 1));
    for device in devices() {
        if !is_cpu(&device) && !number.is_multiple_of(GPU_INTERVAL) {
            continue;
        }
        let what = format!("{what} on {device:?}");
        let plain = |function: Function| {
            let inputs: Vec<_> = inputs.iter().map(|values| flat(values, &device)).collect();
            read(function(&inputs))
        };
        same(&format!("{what}, no autodiff"), &plain(ours), &plain(reference));

        let autodiff = device.clone().autodiff();
        let checkpointing = device.clone().autodiff().gradient_checkpointing();
        let all = (1u32 << inputs.len()) - 1;
        let choices: Vec<u32> = match (is_cpu(&device), number) {
            (true, _) => (0..=all).collect(),
            // On a GPU operations are put together from Burn's, which know what is tracked.
            (false, 0) => vec![all & !1, all],
            (false, _) => vec![all],
        };
        for tracked in choices {
            let what = format!("{what}, inputs {tracked:b} tracked");
            let expected = run(inputs, tracked, &autodiff, reference);
            same_run(&what, &run(inputs, tracked, &autodiff, ours), &expected);
            if tracked == all && (is_cpu(&device) || number == 0) {
                same_run(
                    &format!("{what}, checkpointing"),
                    &run(inputs, all, &checkpointing, ours),
                    &expected,
                );
            }
        }
    }
}

/// Compares in f64, which devices without f64 skip: what runs where no kernel is.
pub fn compare_in_f64(what: &str, lens: &[usize], ours: Function, reference: Function) {
    let wide = |function: Function<'_>, inputs: &[Tensor<1>]| {
        let inputs: Vec<_> = inputs.iter().map(|input| input.clone().cast(FloatDType::F64)).collect();
        function(&inputs).cast(FloatDType::F32)
    };
    let inputs: Vec<Vec<f32>> = lens.iter().enumerate().map(|(i, &len)| noise(len, i as u32 + 1)).collect();
    let all = (1u32 << inputs.len()) - 1;
    let autodiff = Device::flex().autodiff();
    let ours = run(&inputs, all, &autodiff, &|inputs| wide(ours, inputs));
    let reference = run(&inputs, all, &autodiff, &|inputs| wide(reference, inputs));
    same_run(&format!("{what} in f64"), &ours, &reference);
}

/// Compares the gradients with central differences of the function itself, on every CPU: a GPU has the gradients that these
/// have, as [`compare`] shows, and takes minutes for so many small runs.
///
/// Values at which the slopes to the left and to the right differ (a kink, as ReLU has) are left out; at most a
/// quarter may be.
pub fn differences(what: &str, lens: &[usize], ours: Function) {
    for device in devices().into_iter().filter(is_cpu) {
        differences_on(&device, &format!("{what} on {device:?}"), lens, ours);
    }
}

fn differences_on(device: &Device, what: &str, lens: &[usize], ours: Function) {
    const STEP: f32 = 5e-3;
    let inputs: Vec<Vec<f32>> = lens.iter().enumerate().map(|(i, &len)| noise(len, i as u32 + 1)).collect();
    let all = (1u32 << inputs.len()) - 1;
    let (values, gradients) = run(&inputs, all, &device.clone().autodiff(), ours);
    let loss = |inputs: &[Vec<f32>]| -> f64 {
        let tensors: Vec<_> = inputs.iter().map(|values| flat(values, device)).collect();
        let output = read(ours(&tensors));
        let weights = noise(values.len(), 99);
        output.iter().zip(weights).map(|(y, w)| f64::from(*y) * f64::from(w)).sum()
    };
    let here = loss(&inputs);
    let (mut compared, mut kinks) = (0, 0);
    for (which, gradient) in gradients.iter().enumerate() {
        let gradient = gradient.as_ref().expect("every input is tracked");
        let scale = gradient.iter().fold(1.0f32, |most, g| most.max(g.abs()));
        for place in 0..gradient.len() {
            let mut moved = inputs.clone();
            moved[which][place] = inputs[which][place] + STEP;
            let right = (loss(&moved) - here) as f32 / STEP;
            moved[which][place] = inputs[which][place] - STEP;
            let left = (here - loss(&moved)) as f32 / STEP;
            if (right - left).abs() > 0.02 * scale {
                kinks += 1;
                continue;
            }
            compared += 1;
            let slope = (left + right) / 2.0;
            assert!(
                (slope - gradient[place]).abs() <= 0.01 * scale,
                "{what}: the gradient of input {which} at {place} is {}, but the slope is {slope}",
                gradient[place]
            );
        }
    }
    assert!(kinks <= compared / 3, "{what}: {kinks} kinks, only {compared} values compared");
}

type Run = (Vec<f32>, Vec<Option<Vec<f32>>>);

/// The output, and the gradients of a weighted sum of it by the inputs whose bit is set in `tracked`.
fn run(inputs: &[Vec<f32>], tracked: u32, device: &Device, function: Function) -> Run {
    let leaves: Vec<_> = inputs
        .iter()
        .enumerate()
        .map(|(i, values)| {
            let leaf = flat(values, device);
            if tracked & (1 << i) != 0 { leaf.require_grad() } else { leaf }
        })
        .collect();
    let output = function(&leaves);
    let values = read(output.clone());
    if tracked == 0 {
        assert!(!output.is_tracked(), "nothing is tracked, so the output is not");
        return (values, inputs.iter().map(|_| None).collect());
    }
    let weights = flat(&noise(values.len(), 99), device);
    // Burn's own operations on no values at all forget to track.
    let gradients = output.is_tracked().then(|| (output * weights).sum().backward());
    let by_input = leaves.iter().enumerate().map(|(i, leaf)| {
        let gradient = gradients.as_ref().and_then(|gradients| leaf.grad(gradients)).map(read);
        match tracked & (1 << i) != 0 {
            true => Some(gradient.unwrap_or_else(|| vec![0.0; inputs[i].len()])),
            false => gradient,
        }
    });
    (values, by_input.collect())
}

fn same_run(what: &str, ours: &Run, expected: &Run) {
    same(what, &ours.0, &expected.0);
    for (i, (ours, expected)) in ours.1.iter().zip(&expected.1).enumerate() {
        match (ours, expected) {
            (Some(ours), Some(expected)) => same(&format!("{what}, gradient of input {i}"), ours, expected),
            (None, None) => {}
            (ours, _) => panic!(
                "{what}: input {i} has {} gradient, and the reference differs",
                if ours.is_some() { "a" } else { "no" }
            ),
        }
    }
}

fn same(what: &str, ours: &[f32], expected: &[f32]) {
    assert_eq!(ours.len(), expected.len(), "{what}: the lengths differ");
    let scale = expected.iter().fold(1.0f32, |most, x| most.max(x.abs()));
    let apart = |(a, b): (&f32, &f32)| if a == b { 0.0 } else { (a - b).abs() };
    let worst = ours.iter().zip(expected).map(apart).enumerate().fold((0, 0.0f32), |worst, (i, distance)| {
        if distance > worst.1 || distance.is_nan() { (i, distance) } else { worst }
    });
    assert!(
        worst.1 <= TOLERANCE * scale,
        "{what}: place {} is {}, expected {} (largest {scale})",
        worst.0,
        ours[worst.0],
        expected[worst.0]
    );
}

#[test]
#[should_panic(expected = "gradient of input 0")]
fn a_gradient_that_is_a_tenth_too_large_is_found_by_the_comparison() {
    compare("planted", &[6], &|x| too_steep(&x[0]), &|x| x[0].clone().tanh());
}

#[test]
#[should_panic(expected = "the gradient of input 0 at")]
fn a_gradient_that_is_a_tenth_too_large_is_found_by_differences() {
    differences("planted", &[6], &|x| too_steep(&x[0]));
}

/// The value of tanh with a tenth too much gradient.
fn too_steep(x: &Tensor<1>) -> Tensor<1> {
    let value = x.clone().tanh();
    let extra = value.clone() * 0.1;
    value + extra.clone() - extra.detach()
}

#[test]
fn views_hold_the_values_that_their_shape_promises() {
    for device in devices() {
        let flat = flat(&(0..60).map(|i| i as f32).collect::<Vec<_>>(), &device);
        let image = View::ChannelsLast.of(&flat, [1, 3, 2, 2]);
        assert_eq!(image.dims(), [1, 3, 2, 2]);
        let first = read(image.slice([0..1, 0..3, 0..1, 0..1]));
        assert_eq!(first, [0.0, 1.0, 2.0]);
        let part = View::Sliced.of(&flat, [2, 3]);
        assert_eq!(read(part), [6.0, 7.0, 8.0, 11.0, 12.0, 13.0]);
        let turned = View::Transposed.of(&flat, [2, 3]);
        assert_eq!(read(turned), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
    }
}
