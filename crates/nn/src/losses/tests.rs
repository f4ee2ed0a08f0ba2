use burn::tensor::{Device, Tensor};

use super::*;

fn scalar(tensor: Tensor<1>) -> f32 {
    tensor.into_scalar::<f32>()
}

fn losses() -> Vec<(BuiltInLoss, Target)> {
    let device = Device::flex();
    let classes = Target::Classes(Tensor::from_ints([2, 0, 1], &device));
    let values =
        Target::Values(Tensor::from_floats([[0.0, 1.0, 0.2], [1.0, 0.0, 1.0], [0.5, 0.1, 0.9]], &device));
    let smoothed = CrossEntropyLoss { label_smoothing: 0.1, class_weights: Some(vec![1.0, 2.0, 0.5]) };
    vec![
        (CrossEntropyLoss::new().into(), classes.clone()),
        (DistillationLoss::new(3.0, 0.6).into(), classes.clone()),
        (DistillationLoss::new(3.0, 0.6).into(), taught()),
        (DistillationLoss::new(0.5, 1.0).labels(smoothed.clone()).into(), taught()),
        (smoothed.into(), classes),
        (BinaryCrossEntropyLoss::new().into(), values.clone()),
        (BinaryCrossEntropyLoss::new().pos_weight(vec![1.0, 3.0, 0.5]).into(), values.clone()),
        (MseLoss.into(), values.clone()),
        (MaeLoss.into(), values.clone()),
        (HuberLoss::new(0.4).into(), values),
    ]
}

fn taught() -> Target {
    let device = Device::flex();
    Target::ClassesWithLogits {
        classes: Tensor::from_ints([2, 0, 1], &device),
        logits: Tensor::from_floats([[0.5, -1.0, 3.0], [2.0, 0.0, 1.0], [-2.0, 4.0, 0.6]], &device),
    }
}

fn output() -> Tensor<2> {
    Tensor::from_floats([[0.3, -1.2, 2.0], [0.1, 0.7, -0.4], [-2.0, 0.9, 0.6]], &Device::flex())
}

/// What each row costs, the weighted mean with equal weights and the fused mean are the same loss.
#[test]
fn mean_and_weighted_mean_agree() {
    for (loss, target) in losses() {
        let mean = scalar(loss.mean(output(), &target));
        let weights = Tensor::from_floats([0.7, 0.7, 0.7], &Device::flex());
        let weighted = scalar(batch_loss(&loss, output(), &target, Some(&weights)));
        assert!((mean - weighted).abs() < 1e-6, "{loss:?}: {mean}, {weighted}");
    }
}

/// A row of weight 0 might as well not be there, and one of weight 2 is there twice.
#[test]
fn weights_count_rows() {
    let device = Device::flex();
    let weights = Tensor::from_floats([2.0, 0.0, 1.0], &device);
    let rows = Tensor::from_ints([0, 0, 2], &device);
    for (loss, target) in losses() {
        let weighted = scalar(loss.weighted_mean(output(), &target, weights.clone()));
        let picked = match &target {
            Target::Classes(classes) => Target::Classes(classes.clone().select(0, rows.clone())),
            Target::Values(values) => Target::Values(values.clone().select(0, rows.clone())),
            Target::ClassesWithLogits { classes, logits } => Target::ClassesWithLogits {
                classes: classes.clone().select(0, rows.clone()),
                logits: logits.clone().select(0, rows.clone()),
            },
            Target::MixedClasses { .. } => unreachable!("none of the cases"),
        };
        let mean = scalar(loss.mean(output().select(0, rows.clone()), &picked));
        assert!((mean - weighted).abs() < 1e-6, "{loss:?}: {mean}, {weighted}");
        let nothing = scalar(loss.weighted_mean(output(), &target, Tensor::zeros([3], &device)));
        assert_eq!(nothing, 0.0, "{loss:?}");
    }
}

#[test]
fn the_table_is_complete_and_files_hold_names_and_settings() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/losses")).unwrap();
    let mut files: Vec<String> = files
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|stem| !["mod", "own", "target", "tests"].contains(&stem.as_str()))
        .collect();
    files.sort();
    let mut names = BuiltInLoss::NAMES.to_vec();
    names.sort_unstable();
    assert_eq!(files, names);

    for (loss, _) in losses() {
        let json = serde_json::to_string(&loss).unwrap();
        assert!(json.starts_with(&format!(r#"{{"type":"{}""#, loss.name())), "{json}");
        assert_eq!(serde_json::from_str::<BuiltInLoss>(&json).unwrap(), loss);
    }
    // As every file that was ever written says it.
    for (json, loss) in [
        (r#"{"type":"cross_entropy","label_smoothing":0.0}"#, CrossEntropyLoss::new().into()),
        (
            r#"{"type":"distillation","temperature":4.0,"teacher_share":0.5,"labels":{"label_smoothing":0.0}}"#,
            DistillationLoss::new(4.0, 0.5).into(),
        ),
        (r#"{"type":"binary_cross_entropy"}"#, BinaryCrossEntropyLoss::new().into()),
        (r#"{"type":"mse"}"#, BuiltInLoss::from(MseLoss)),
        (r#"{"type":"mae"}"#, MaeLoss.into()),
        (r#"{"type":"huber","delta":2.0}"#, HuberLoss::new(2.0).into()),
    ] {
        assert_eq!(serde_json::from_str::<BuiltInLoss>(json).unwrap(), loss);
        assert_eq!(serde_json::to_string(&loss).unwrap(), json);
    }
    let message = serde_json::from_str::<BuiltInLoss>(r#"{"type":"mse","delta":1}"#).unwrap_err().to_string();
    assert!(message.contains("delta"), "{message}");
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let wrong: [(BuiltInLoss, [&str; 2]); 9] = [
        (
            CrossEntropyLoss { label_smoothing: 1.0, class_weights: None }.into(),
            ["label_smoothing", "less than 1"],
        ),
        (
            CrossEntropyLoss::new().class_weights(vec![1.0]).into(),
            ["class_weights", "3, one for each output"],
        ),
        (CrossEntropyLoss::new().class_weights(vec![1.0, 0.0, 1.0]).into(), ["class_weights", "more than 0"]),
        (
            BinaryCrossEntropyLoss::new().pos_weight(vec![1.0, 2.0]).into(),
            ["pos_weight", "3, one for each output"],
        ),
        (BinaryCrossEntropyLoss::new().pos_weight(vec![-1.0]).into(), ["pos_weight", "more than 0"]),
        (HuberLoss::new(f32::NAN).into(), ["delta", "more than 0"]),
        (DistillationLoss::new(0.0, 0.5).into(), ["temperature", "more than 0"]),
        (DistillationLoss::new(1.0, 1.1).into(), ["teacher_share", "0 to 1"]),
        (
            DistillationLoss::new(1.0, 0.5).labels(CrossEntropyLoss::new().label_smoothing(1.0)).into(),
            ["label_smoothing", "less than 1"],
        ),
    ];
    for (loss, words) in wrong {
        let message = loss.check(3).unwrap_err().to_string();
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
    }
    BinaryCrossEntropyLoss::new().pos_weight(vec![2.0]).check(3).unwrap();
}

#[test]
fn samples_mixed_from_two_cost_what_either_class_says() {
    let device = Device::flex();
    let (classes, partners) = (Tensor::from_ints([2, 0, 1], &device), Tensor::from_ints([0, 0, 2], &device));
    let loss = CrossEntropyLoss::new();
    let by = |classes: &Tensor<1, burn::tensor::Int>| {
        scalar(loss.mean(output(), &Target::Classes(classes.clone())))
    };
    let expected = 0.75 * by(&classes) + 0.25 * by(&partners);
    let mixed = Target::MixedClasses { classes, partners, share: 0.75 };
    assert!((scalar(batch_loss(&loss, output(), &mixed, None)) - expected).abs() < 1e-6);
}

#[test]
fn a_student_costs_nothing_beyond_the_labels_where_it_says_what_its_teacher_does() {
    let Target::ClassesWithLogits { classes, logits } = taught() else { unreachable!() };
    let (alone, taught) = (Target::Classes(classes), taught());
    let loss = DistillationLoss::new(2.0, 0.25);
    let by_labels = |output: Tensor<2>| scalar(CrossEntropyLoss::new().mean(output, &alone));
    // Logits that are all greater by the same are the same probabilities.
    let same = logits + 3.0;
    assert!((scalar(loss.mean(same.clone(), &taught)) - 0.75 * by_labels(same)).abs() < 1e-6);
    assert!(scalar(loss.mean(output(), &taught)) > 0.75 * by_labels(output()) + 0.1);
    assert!((scalar(loss.mean(output(), &alone)) - by_labels(output())).abs() < 1e-6, "without a teacher");
}
