//! What augmentation promises, from outside.

use fireclay_data::{
    Affine, AugmentScratch, Augmentation, Augmenter, Border, Crop, Cutout, DataError, Fill, Flip, Pass,
};
use fireclay_kernels::images::Levels;
use proptest::prelude::*;

const PASS: Pass = Pass { seed: 3, epoch: 1 };

fn augmented(augmenter: &Augmenter, image: &[u8], pass: Pass, index: u32) -> Vec<u8> {
    let mut output = vec![99; image.len()];
    augmenter.apply(image, pass, index, &mut output, &mut AugmentScratch::default());
    output
}

fn counting(shape: [usize; 3]) -> Vec<u8> {
    (0..shape.iter().product()).map(|at: usize| (at * 7 % 251) as u8).collect()
}

/// Left becomes right.
fn mirrored(image: &[u8], width: usize) -> Vec<u8> {
    image.chunks_exact(width).flat_map(|row| row.iter().rev().copied()).collect()
}

/// All steps at once.
fn everything() -> Augmentation {
    Augmentation::none()
        .flip(Flip::Random)
        .vertical_flip()
        .crop(Crop::new(2))
        .affine(Affine::none().rotation(20.0).shift(0.1).scale(0.8, 1.2).shear(5.0))
        .brightness(0.3)
        .contrast(0.3)
        .cutout(Cutout::new(3).fill(Fill::new([50])))
}

#[test]
fn nothing_leaves_an_image_as_it_is() {
    let nothing = [
        Augmentation::none(),
        Augmentation::none().crop(Crop::new(0)).affine(Affine::none()),
        serde_json::from_str("{}").unwrap(),
    ];
    for augmentation in nothing {
        assert!(augmentation.is_none());
        for shape in [[3, 8, 5], [1, 1, 1], [1, 1, 9]] {
            let augmenter = augmentation.check(&shape).unwrap();
            let image = counting(shape);
            assert_eq!(augmented(&augmenter, &image, PASS, 5), image);
        }
    }
}

#[test]
fn half_of_the_images_are_flipped_and_flips_are_involutions() {
    let shape = [3, 4, 11];
    let image = counting(shape);
    let other = mirrored(&image, 11);
    for flip in [Flip::Random, Flip::Alternating] {
        let augmenter = Augmentation::none().flip(flip).check(&shape).unwrap();
        let mut flipped = 0;
        for index in 0..2_000 {
            let once = augmented(&augmenter, &image, PASS, index);
            assert!(once == image || once == other);
            flipped += u32::from(once == other);
            assert_eq!(augmented(&augmenter, &once, PASS, index), image);
        }
        assert!((900..1_100).contains(&flipped), "{flip:?}: {flipped}");
    }
}

#[test]
fn alternating_flips_alternate_and_random_ones_do_not() {
    let image = [1, 2];
    let alternating = Augmentation::none().flip(Flip::Alternating).check(&[1, 1, 2]).unwrap();
    let random = Augmentation::none().flip(Flip::Random).check(&[1, 1, 2]).unwrap();
    let mut random_changes = 0;
    for index in 0..500 {
        for epoch in 0..4 {
            let [now, next] = [epoch, epoch + 1].map(|epoch| Pass { seed: 9, epoch });
            assert_ne!(
                augmented(&alternating, &image, now, index),
                augmented(&alternating, &image, next, index)
            );
            random_changes +=
                u32::from(augmented(&random, &image, now, index) != augmented(&random, &image, next, index));
        }
    }
    assert!((900..1_100).contains(&random_changes), "{random_changes}");
}

#[test]
fn a_vertical_flip_reverses_rows() {
    let image = [1, 2, 3, 4, 5, 6];
    let augmenter = Augmentation::none().vertical_flip().check(&[1, 3, 2]).unwrap();
    let seen: Vec<Vec<u8>> = (0..50).map(|index| augmented(&augmenter, &image, PASS, index)).collect();
    assert!(seen.iter().all(|seen| *seen == image || *seen == [5, 6, 3, 4, 1, 2]));
    assert!(seen.iter().any(|seen| *seen == image) && seen.iter().any(|seen| *seen != image));
}

#[test]
fn a_crop_shows_a_part_of_the_padded_image() {
    // One pixel in the middle: where it went tells the shift.
    let mut image = vec![10; 5 * 7];
    image[2 * 7 + 3] = 200;
    let black = Border::Constant(Fill::black());
    let augmenter = Augmentation::none().crop(Crop::new(2).border(black)).check(&[1, 5, 7]).unwrap();
    let mut offsets = std::collections::BTreeSet::new();
    for index in 0..500 {
        let seen = augmented(&augmenter, &image, PASS, index);
        let at = seen.iter().position(|level| *level == 200).expect("the middle is never lost");
        let (down, right) = (at as isize / 7 - 2, at as isize % 7 - 3);
        offsets.insert((down, right));
        let padding = seen.iter().filter(|level| **level == 0).count() as isize;
        assert_eq!(padding, 35 - (5 - down.abs()) * (7 - right.abs()));
    }
    assert_eq!(offsets.len(), 25, "{offsets:?}");
}

#[test]
fn a_step_does_not_change_what_the_others_draw() {
    let shape = [1, 6, 6];
    let image = counting(shape);
    let crop = Augmentation::none().crop(Crop::new(2));
    let hidden = crop.clone().cutout(Cutout::new(2).fill(Fill::new([255])));
    let (crop, hidden) = (crop.check(&shape).unwrap(), hidden.check(&shape).unwrap());
    for index in 0..50 {
        let (without, with) =
            (augmented(&crop, &image, PASS, index), augmented(&hidden, &image, PASS, index));
        assert!(without.iter().zip(&with).all(|(without, with)| without == with || *with == 255));
    }
}

#[test]
fn a_sample_depends_on_seed_epoch_and_index_alone() {
    let shape = [3, 9, 12];
    let augmenter = everything().check(&shape).unwrap();
    let images: Vec<Vec<u8>> =
        (0..40u8).map(|add| counting(shape).iter().map(|v| v / 2 + add).collect()).collect();
    let expected: Vec<Vec<u8>> =
        (0..40).map(|index| augmented(&augmenter, &images[index as usize], PASS, index)).collect();
    // Backwards and with memory used before: the same.
    let mut scratch = AugmentScratch::default();
    for index in (0..40).rev() {
        let mut output = vec![0; 3 * 9 * 12];
        augmenter.apply(&images[index], PASS, index as u32, &mut output, &mut scratch);
        assert_eq!(output, expected[index]);
    }
    // Another seed, epoch or index: another image.
    let image = &images[0];
    for (pass, index) in [
        (Pass { seed: 4, ..PASS }, 0),
        (Pass { epoch: 2, ..PASS }, 0),
        (PASS, 1),
        (Pass { epoch: 0, ..PASS }, 0),
    ] {
        assert_ne!(augmented(&augmenter, image, pass, index), expected[0]);
    }
}

#[test]
fn a_batch_is_its_samples_normalised() {
    for shape in [[3, 9, 12], [1, 1, 1], [2, 200, 201]] {
        let steps = if shape[1] > 1 { everything() } else { Augmentation::none().brightness(0.5) };
        let augmenter = steps.check(&shape).unwrap();
        let image = counting(shape);
        let (mean, std) = (vec![0.4; shape[0]], vec![0.25; shape[0]]);
        for levels in [Levels::new(&mean, &std), Levels::new(&[0.4], &[0.25])] {
            for batch in [0, 1, 3, 7] {
                let mut output = vec![f32::NAN; batch * image.len()];
                augmenter.gather(
                    (0..batch as u32).map(|index| (index * 5, &*image)),
                    PASS,
                    &levels,
                    &mut output,
                );
                for (index, output) in output.chunks_exact(image.len()).enumerate() {
                    let bytes = augmented(&augmenter, &image, PASS, index as u32 * 5);
                    let expected = bytes.iter().map(|byte| levels.table(0)[usize::from(*byte)]);
                    assert!(output.iter().copied().eq(expected));
                }
            }
        }
    }
}

/// Every release shows a network the same samples, on every machine.
#[test]
fn drawn_samples_are_pinned() {
    let shape = [1, 4, 9];
    let augmenter = everything().check(&shape).unwrap();
    let image = counting(shape);
    let seen = [3, 4].map(|index| augmented(&augmenter, &image, Pass { seed: 1, epoch: 2 }, index));
    let expected: [[u8; 36]; 2] = [
        [
            133, 129, 124, 120, 50, 50, 50, 111, 116, 88, 84, 79, 75, 50, 50, 50, 66, 70, 43, 38, 34, 30, 50,
            50, 50, 41, 26, 88, 84, 79, 75, 70, 66, 62, 66, 70,
        ],
        [
            50, 50, 127, 104, 79, 54, 31, 6, 31, 50, 50, 64, 41, 16, 4, 14, 23, 14, 175, 152, 127, 104, 79,
            54, 31, 6, 31, 239, 213, 190, 165, 142, 118, 93, 69, 93,
        ],
    ];
    assert_eq!(seen, expected);
}

#[test]
fn the_stored_form_is_pinned() {
    let json = serde_json::to_string(&everything()).unwrap();
    assert_eq!(
        json,
        r#"{"flip":"random","vertical_flip":true,"crop":{"padding":2,"border":"reflect"},"affine":{"rotation":20.0,"shift":0.1,"scale":[0.8,1.2],"shear":5.0,"border":"reflect"},"brightness":0.3,"contrast":0.3,"cutout":{"size":3,"fill":[50]}}"#
    );
    assert_eq!(serde_json::from_str::<Augmentation>(&json).unwrap(), everything());
    assert_eq!(serde_json::to_string(&Augmentation::none()).unwrap(), "{}");
}

fn refusal(augmentation: Augmentation, shape: &[usize]) -> String {
    match augmentation.check(shape) {
        Err(error @ DataError::Augmentation { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn impossible_descriptions_are_refused_with_the_field() {
    let none = Augmentation::none;
    let affine = |affine| none().affine(affine);
    let fill = Border::Constant(Fill::new([1, 2]));
    let cases = [
        (none().crop(Crop::new(32)), "crop.padding is 32 for images of 32 x 40"),
        (none().crop(Crop::new(usize::MAX)), "less than the shorter side"),
        (none().crop(Crop::new(1).border(fill.clone())), "crop.border has 2 levels for images of 3 channels"),
        (none().cutout(Cutout::new(0)), "cutout.size is 0"),
        (none().cutout(Cutout::new(33)), "1 to the shorter side"),
        (none().cutout(Cutout::new(2).fill(Fill::new([]))), "cutout.fill has 0 levels"),
        (none().brightness(f32::NAN), "brightness is NaN; expected a spread from 0 to 1"),
        (none().contrast(-0.1), "contrast is -0.1"),
        (none().contrast(1.5), "contrast is 1.5"),
        (affine(Affine::none().rotation(-1.0)), "affine.rotation is -1; expected degrees from 0 to 180"),
        (affine(Affine::none().rotation(f32::INFINITY)), "affine.rotation is inf"),
        (affine(Affine::none().shift(1.1)), "affine.shift is 1.1; expected a fraction of the image"),
        (affine(Affine::none().shear(46.0)), "affine.shear is 46"),
        (affine(Affine::none().scale(0.0, 1.0)), "affine.scale is [0, 1]"),
        (affine(Affine::none().scale(1.2, 1.0)), "the smallest and the largest factor"),
        (affine(Affine::none().scale(f32::NAN, 1.0)), "affine.scale is [NaN, 1]"),
        (affine(Affine::none().scale(1.0, 11.0)), "both from 0.1 to 10"),
        (affine(Affine::none().border(fill)), "affine.border has 2 levels"),
    ];
    for (augmentation, expected) in cases {
        let message = refusal(augmentation, &[3, 32, 40]);
        assert!(message.starts_with("the augmentation does not fit: "), "{message}");
        assert!(message.contains(expected), "{message}, not {expected}");
    }
}

#[test]
fn samples_that_are_not_images_are_refused() {
    let shapes: [&[usize]; 8] =
        [&[], &[13], &[28, 28], &[1, 2, 3, 4], &[0, 4, 4], &[3, 0, 4], &[1, 1, 65_537], &[usize::MAX, 2, 2]];
    for shape in shapes {
        let message = refusal(Augmentation::none(), shape);
        assert!(message.contains("[channels, height, width]"), "{message}");
        assert!(message.contains(&format!("{shape:?}")), "{message}");
    }
    let message = refusal(Augmentation::none().affine(Affine::none().rotation(1.0)), &[1, 8_192, 8_192]);
    assert!(message.contains("8192 x 8192 pixels are more than the 16777216"), "{message}");
}

#[test]
fn unknown_and_misspelt_fields_are_refused() {
    for json in [
        r#"{"flips": "random"}"#,
        r#"{"flip": "sometimes"}"#,
        r#"{"crop": {"padding": 2, "pad": 1}}"#,
        r#"{"crop": {"padding": -2}}"#,
        r#"{"crop": {}}"#,
        r#"{"crop": {"padding": 2, "border": "mirror"}}"#,
        r#"{"crop": {"padding": 2, "border": {"constant": [256]}}}"#,
        r#"{"affine": {"angle": 3}}"#,
        r#"{"affine": {"scale": [1]}}"#,
        r#"{"cutout": {"fill": [0]}}"#,
        r#"{"cutout": {"size": 1.5}}"#,
        r#"{"brightness": "a lot"}"#,
    ] {
        assert!(serde_json::from_str::<Augmentation>(json).is_err(), "{json}");
    }
}

#[test]
#[should_panic(expected = "length of the image and of the output")]
fn an_image_of_another_length_panics() {
    let augmenter = Augmentation::none().check(&[1, 2, 2]).unwrap();
    augmented(&augmenter, &[0; 5], PASS, 0);
}

#[test]
#[should_panic(expected = "room for more samples than came")]
fn a_batch_with_too_few_samples_panics() {
    let augmenter = Augmentation::none().check(&[1, 2, 2]).unwrap();
    augmenter.gather([(0, &[0; 4][..])], PASS, &Levels::new(&[0.0], &[1.0]), &mut [0.0; 8]);
}

fn border() -> impl Strategy<Value = Border> {
    prop_oneof![
        Just(Border::Reflect),
        Just(Border::Edge),
        any::<u8>().prop_map(|level| Border::Constant(Fill::new([level])))
    ]
}

fn affine() -> impl Strategy<Value = Affine> {
    (0.0f32..=180.0, 0.0f32..=1.0, 0.1f32..=10.0, 0.1f32..=10.0, 0.0f32..=45.0, border()).prop_map(
        |(rotation, shift, one, other, shear, border)| {
            let scaled = Affine::none().scale(one.min(other), one.max(other));
            scaled.rotation(rotation).shift(shift).shear(shear).border(border)
        },
    )
}

fn augmentation() -> impl Strategy<Value = Augmentation> {
    let flip = prop_oneof![Just(Flip::Random), Just(Flip::Alternating)];
    let crop = (0usize..12, border()).prop_map(|(padding, border)| Crop::new(padding).border(border));
    let cutout =
        (0usize..12, any::<u8>()).prop_map(|(size, level)| Cutout::new(size).fill(Fill::new([level])));
    (
        proptest::option::of(flip),
        any::<bool>(),
        proptest::option::of(crop),
        proptest::option::of(affine()),
        [0.0f32..=1.0, 0.0f32..=1.0],
        proptest::option::of(cutout),
    )
        .prop_map(|(flip, vertical_flip, crop, affine, [brightness, contrast], cutout)| Augmentation {
            flip,
            vertical_flip,
            crop,
            affine,
            brightness,
            contrast,
            cutout,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Whatever passes the check works, on images of any shape, and is read back as it was written.
    #[test]
    fn checked_augmentations_never_panic(
        augmentation in augmentation(),
        shape in [1usize..5, 1usize..14, 1usize..14],
        seed in any::<u64>(),
        epoch in any::<usize>(),
        index in any::<u32>(),
    ) {
        let json = serde_json::to_string(&augmentation).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Augmentation>(&json).unwrap(), &augmentation);
        let Ok(augmenter) = augmentation.check(&shape) else { return Ok(()) };
        let image = counting(shape);
        let pass = Pass { seed, epoch };
        prop_assert_eq!(augmented(&augmenter, &image, pass, index), augmented(&augmenter, &image, pass, index));
    }

    /// A description from outside is refused or works.
    #[test]
    fn any_numbers_are_refused_or_work(numbers in [any::<f32>(), any::<f32>(), any::<f32>(), any::<f32>()], size in any::<usize>()) {
        let [rotation, shift, scale, brightness] = numbers;
        let augmentation = Augmentation::none()
            .affine(Affine::none().rotation(rotation).shift(shift).scale(scale, scale))
            .brightness(brightness)
            .crop(Crop::new(size));
        if let Ok(augmenter) = augmentation.check(&[1, 4, 6]) {
            augmented(&augmenter, &counting([1, 4, 6]), PASS, 0);
        }
    }
}
