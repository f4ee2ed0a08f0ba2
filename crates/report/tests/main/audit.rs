//! The page of an audit.

use fireclay_report::{
    AttackCurve, AttackedPicture, AuditReport, CalibrationAudit, CalibrationBin, CalibrationScores,
    Corruption, Disparity, FairnessAudit, GroupMeasures, MembershipAttack, MembershipAudit, Picture, RateAt,
    RobustnessAudit,
};

use crate::markup::{check, tags, text};
use crate::samples::photograph;

const HOSTILE: &str =
    "</style><script src='https://example.org/x.js'>\u{202e}\"& <img src=x onerror=alert(1)>";

fn privacy() -> MembershipAudit {
    let at = |false_positives, true_positives: Option<f64>| RateAt {
        false_positives,
        true_positives,
        interval: true_positives.map(|rate| [rate * 0.8, rate * 1.2]),
    };
    MembershipAudit {
        members: 1000,
        others: 2000,
        shadows: 16,
        attacks: vec![
            MembershipAttack {
                name: "loss threshold".into(),
                curve: vec![[0.0, 0.0], [0.5, 0.55], [1.0, 1.0]],
                area: 0.525,
                at: vec![at(0.01, Some(0.012))],
            },
            MembershipAttack {
                name: "LiRA".into(),
                curve: vec![[0.0, 0.0], [0.001, 0.032], [0.5, 0.7], [1.0, 1.0]],
                area: 0.61,
                at: vec![at(0.0001, None), at(0.001, Some(0.032)), at(0.01, Some(0.05))],
            },
        ],
        claim: Some((4.0, 1e-5)),
    }
}

fn robustness() -> RobustnessAudit {
    let curve = |name: &str, unit: &str, last: f64| AttackCurve {
        name: name.into(),
        unit: unit.into(),
        points: vec![(0.0, 0.97, Some([0.95, 0.98])), (0.1, last, None)],
    };
    RobustnessAudit {
        samples: 500,
        accuracy: 0.97,
        interval: Some([0.95, 0.98]),
        attacks: vec![
            curve("FGSM", "of a pixel's range", 0.5),
            curve("PGD", "of a pixel's range", 0.12),
            curve("PGD, L2", "of the norm", 0.3),
        ],
        corruptions: vec![Corruption { name: "blur".into(), accuracy: vec![0.9, 0.8, 0.7, 0.6, 0.5] }],
        mean_corruption_error: Some(0.3),
        pictures: vec![AttackedPicture {
            before: photograph(8),
            after: photograph(90),
            attack: "PGD, 0.1".into(),
            truth: "cat".into(),
            said_before: "cat".into(),
            said_after: "dog".into(),
        }],
    }
}

fn group(name: &str, accuracy: f64, positives: Option<f64>) -> GroupMeasures {
    let interval = |rate: f64| Some([rate - 0.02, rate + 0.02]);
    GroupMeasures {
        name: name.into(),
        samples: 300,
        measures: vec![
            ("accuracy".into(), Some(accuracy), interval(accuracy)),
            ("true positives".into(), positives, positives.and_then(interval)),
        ],
    }
}

fn fairness() -> FairnessAudit {
    FairnessAudit {
        column: "sex".into(),
        positive: Some("yes".into()),
        groups: vec![
            group("men", 0.86, Some(0.8)),
            group("women", 0.931, None),
            group("others", 0.9, Some(0.7)),
        ],
        differences: vec![
            Disparity {
                name: "demographic parity difference".into(),
                meaning: "how far apart the shares of yes are".into(),
                value: Some(0.067),
                interval: Some([0.01, 0.12]),
            },
            Disparity { name: "equalised odds difference".into(), ..Disparity::default() },
        ],
    }
}

fn calibration() -> CalibrationAudit {
    let bin = |low: f64, samples, accuracy| CalibrationBin {
        low,
        high: low + 0.25,
        samples,
        confidence: low + 0.125,
        accuracy,
        interval: Some([accuracy - 0.1, accuracy + 0.1]),
    };
    CalibrationAudit {
        samples: 500,
        bins: vec![bin(0.0, 0, 0.5), bin(0.25, 8, 0.3), bin(0.5, 92, 0.5), bin(0.75, 400, 0.8)],
        before: CalibrationScores { expected_calibration_error: 0.071, log_loss: 0.42, brier: 0.2 },
        after: Some(CalibrationScores { expected_calibration_error: 0.02, log_loss: 0.4, brier: 0.19 }),
        temperature: Some(1.5),
    }
}

fn full() -> AuditReport {
    AuditReport {
        title: "model.fireclay".into(),
        facts: vec![("training".into(), "private".into())],
        privacy: Some(privacy()),
        robustness: Some(robustness()),
        fairness: Some(fairness()),
        calibration: Some(calibration()),
        left_out: vec![("speed".into(), "nobody asked".into())],
        version: "fireclay 0.1.0".into(),
    }
}

fn page(report: &AuditReport) -> String {
    let page = report.to_html().unwrap();
    check(&page);
    assert!(!page.contains("NaN"));
    let json = serde_json::to_string(report).unwrap();
    assert_eq!(serde_json::from_str::<AuditReport>(&json).unwrap().to_html().unwrap(), page);
    page
}

fn refused(change: impl FnOnce(&mut AuditReport)) -> String {
    let mut report = full();
    change(&mut report);
    report.to_html().unwrap_err().to_string()
}

#[test]
fn each_part_has_its_sentence_its_section_and_its_limits() {
    let page = page(&full());
    let text = text(&page);
    for words in [
        "Model audit · fireclay 0.1.0",
        "training private",
        "Of a hundred samples that it was trained on, an attack (LiRA) recognises 3.2 where one in 1,000 others is taken for one too; \
         guessing would recognise 0.1.",
        "Of a hundred samples it gets 97.0 right; where an attack (PGD) changes each by up to 0.1 of a pixel's range, 12.0 ; where they \
         are corrupted, by noise or the like, 70.0 on average",
        "By “sex”: of a hundred samples it gets 93.1 right in the group “women”, and 86.0 in “men”.",
        "give or take 7.1 on average; 2.0 with a temperature of 1.5.",
        "may still give them away to a stronger one",
        "16 more models were trained",
        "The file says that the training spent ε = 4 and δ = 10⁻⁵",
        "too few samples",
        "not measured",
        "Accuracy under an attack is an upper bound",
        "in general cannot both hold",
        "holds for samples like these only",
        "0.067 0.0100 to 0.1200",
        "Equalised odds difference not defined",
        "With a temperature of 1.5",
        "blur 90.0 80.0 70.0 60.0 50.0 70.0",
        "truth cat before cat after dog PGD, 0.1",
        "Not measured Of these parts this page says nothing, neither good nor bad. Speed nobody asked",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    // Membership, two units of attacks, two measures of groups, calibration.
    let plots = tags(&page).iter().filter(|tag| tag.attribute("class") == Some("plot")).count();
    assert_eq!(plots, 6);
    assert!(!text.contains("more than the claim allows"));
}

#[test]
fn every_table_is_named_and_has_headings() {
    let page = page(&full());
    let tags = tags(&page);
    let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
    let regions = tags.iter().filter(|tag| tag.attribute("role") == Some("region"));
    assert!(regions.clone().all(|tag| tag.attribute("aria-label").is_some_and(|label| !label.is_empty())));
    assert_eq!(count("table"), regions.count());
    assert!(tags.iter().filter(|tag| tag.name == "th").all(|tag| tag.attribute("scope").is_some()));
}

#[test]
fn what_was_not_measured_is_left_out() {
    let empty = text(&page(&AuditReport::default()));
    assert_eq!(empty, "Skip to the content Model audit Model audit");
    let report = AuditReport {
        left_out: vec![("privacy".into(), "the training samples are not at hand".into())],
        calibration: Some(calibration()),
        ..AuditReport::default()
    };
    let text = text(&page(&report));
    assert!(text.contains("Privacy the training samples are not at hand"), "{text}");
    assert!(!text.contains("LiRA") && !text.contains("Robustness") && !text.contains("Fairness"));
}

#[test]
fn parts_without_samples_say_so() {
    let report = AuditReport {
        privacy: Some(MembershipAudit::default()),
        robustness: Some(RobustnessAudit::default()),
        fairness: Some(FairnessAudit::default()),
        calibration: Some(CalibrationAudit::default()),
        ..AuditReport::default()
    };
    let text = text(&page(&report));
    assert_eq!(text.matches("It was measured on no samples").count(), 3);
    assert!(text.contains("There are no groups") && !text.contains("0 %"), "{text}");
}

#[test]
fn little_makes_a_page() {
    let mut report = full();
    let privacy = report.privacy.as_mut().unwrap();
    (privacy.others, privacy.shadows, privacy.claim) = (4, 0, None);
    privacy.attacks = vec![MembershipAttack { name: "one".into(), area: 0.5, ..MembershipAttack::default() }];
    privacy.attacks[0].curve = vec![[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]];
    let robustness = report.robustness.as_mut().unwrap();
    robustness.attacks = vec![AttackCurve { points: vec![(0.0, 0.0, None)], ..AttackCurve::default() }];
    (robustness.interval, robustness.mean_corruption_error) = (None, None);
    let fairness = report.fairness.as_mut().unwrap();
    fairness.groups = vec![group("all", 0.5, None)];
    (fairness.positive, fairness.differences) = (None, vec![]);
    let calibration = report.calibration.as_mut().unwrap();
    (calibration.samples, calibration.after, calibration.temperature) = (3, None, None);
    // An empty bin has no confidence.
    calibration.bins = vec![CalibrationBin {
        high: 1.0,
        confidence: f64::NAN,
        accuracy: f64::NAN,
        ..CalibrationBin::default()
    }];
    let text = text(&page(&report));
    for words in [
        "an attack (one) tells 50.0 the right way round; guessing would tell 50.",
        "No other models were trained",
        "claims no differential privacy",
        "there are no two groups that can be compared",
        "Measured on only 4 samples",
        "Measured on only 3 samples",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    assert!(!text.contains("mean corruption error") && !text.contains("temperature"));
}

#[test]
fn more_than_differential_privacy_allows_is_pointed_out() {
    let mut report = full();
    report.privacy.as_mut().unwrap().claim = Some((1.0, 1e-5));
    let text = text(&page(&report));
    assert!(text.contains("no attack whatever recognises more than 0.27 %"), "{text}");
    assert!(text.contains("LiRA recognises more than the claim allows where 0.1 % of the others"), "{text}");
}

#[test]
fn another_first_measure_than_accuracy_is_called_by_its_name() {
    let mut report = full();
    for group in &mut report.fairness.as_mut().unwrap().groups {
        group.measures[0].0 = "predicted_yes".into();
    }
    let text = text(&page(&report));
    let words = "predicted yes, of a hundred samples: 93.1 in the group “women”, and 86.0 in “men”.";
    assert!(text.contains(words), "{text}");
}

#[test]
fn hostile_texts_are_only_texts() {
    let word = || HOSTILE.to_owned();
    let mut report = full();
    (report.title, report.version) = (word(), word());
    report.facts = vec![(word(), word())];
    report.left_out = vec![(word(), word())];
    report.privacy.as_mut().unwrap().attacks.iter_mut().for_each(|attack| attack.name = word());
    let robustness = report.robustness.as_mut().unwrap();
    robustness.attacks.iter_mut().for_each(|attack| (attack.name, attack.unit) = (word(), word()));
    robustness.corruptions[0].name = word();
    let pictures = &mut robustness.pictures[0];
    (pictures.attack, pictures.truth) = (word(), word());
    (pictures.said_before, pictures.said_after) = (word(), word());
    let fairness = report.fairness.as_mut().unwrap();
    (fairness.column, fairness.positive) = (word(), Some(word()));
    for group in &mut fairness.groups {
        group.name = word();
        group.measures.iter_mut().for_each(|measure| measure.0 = word());
    }
    fairness.differences.iter_mut().for_each(|other| (other.name, other.meaning) = (word(), word()));
    let page = page(&report);
    assert!(!page.contains("<script") && !page.contains("<img src=x") && !page.contains('\u{202e}'));
}

#[test]
fn much_makes_less_than_a_megabyte() {
    let mut report = full();
    let privacy = report.privacy.as_mut().unwrap();
    let curve: Vec<[f64; 2]> = (0..=5_000).map(|at| [f64::from(at) / 5e3; 2]).collect();
    privacy.attacks = vec![MembershipAttack { curve, area: 0.5, ..privacy.attacks[1].clone() }; 20];
    let robustness = report.robustness.as_mut().unwrap();
    robustness.pictures =
        vec![AttackedPicture { before: photograph(90), ..robustness.pictures[0].clone() }; 50];
    robustness.corruptions = vec![robustness.corruptions[0].clone(); 500];
    report.fairness.as_mut().unwrap().groups =
        (0..500).map(|at| group(&format!("{at}"), 0.5, Some(0.5))).collect();
    let text = text(&page(&report));
    for words in ["12 of 50 pairs", "The first 200 of 500 corruptions", "The first 200 of 500 groups"] {
        assert!(text.contains(words), "{words}");
    }
}

#[test]
fn impossible_rates_are_refused_by_name() {
    for found in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
        let message = refused(|report| report.robustness.as_mut().unwrap().accuracy = found);
        let expected =
            format!("the accuracy of the samples as they are is {found}; expected a number from 0 to 1");
        assert_eq!(message, expected);
        let changes: [fn(&mut AuditReport, f64); 11] = [
            |report, found| report.privacy.as_mut().unwrap().attacks[0].curve[1][0] = found,
            |report, found| report.privacy.as_mut().unwrap().attacks[0].curve[1][1] = found,
            |report, found| report.privacy.as_mut().unwrap().attacks[0].area = found,
            |report, found| report.privacy.as_mut().unwrap().attacks[0].at[0].false_positives = found,
            |report, found| report.privacy.as_mut().unwrap().attacks[0].at[0].true_positives = Some(found),
            |report, found| report.robustness.as_mut().unwrap().attacks[0].points[1].1 = found,
            |report, found| report.robustness.as_mut().unwrap().corruptions[0].accuracy[4] = found,
            |report, found| report.robustness.as_mut().unwrap().mean_corruption_error = Some(found),
            |report, found| report.fairness.as_mut().unwrap().groups[1].measures[1].1 = Some(found),
            |report, found| report.calibration.as_mut().unwrap().bins[1].confidence = found,
            |report, found| report.calibration.as_mut().unwrap().before.expected_calibration_error = found,
        ];
        for (at, change) in changes.iter().enumerate() {
            let message = refused(|report| change(report, found));
            assert!(
                message.ends_with(&format!("is {found}; expected a number from 0 to 1")),
                "{at}: {message}"
            );
        }
    }
}

#[test]
fn impossible_numbers_are_refused_by_name() {
    let message = refused(|report| report.privacy.as_mut().unwrap().claim = Some((-1.0, 0.0)));
    assert_eq!(message, "the claimed epsilon is -1; expected a finite number that is at least 0");
    let message = refused(|report| report.calibration.as_mut().unwrap().temperature = Some(0.0));
    assert_eq!(message, "the temperature is 0; expected a finite number that is above 0");
    let message = refused(|report| report.calibration.as_mut().unwrap().before.log_loss = f64::NAN);
    assert_eq!(message, "the log loss is NaN; expected a finite number that is at least 0");
    let message = refused(|report| report.calibration.as_mut().unwrap().before.brier = 2.5);
    assert_eq!(message, "the Brier score is 2.5; expected a finite number that is from 0 to 2");
    let message = refused(|report| report.fairness.as_mut().unwrap().differences[0].value = Some(f64::NAN));
    assert!(message.starts_with("\"demographic parity difference\" is NaN; expected a finite number"));
    let message =
        refused(|report| report.robustness.as_mut().unwrap().attacks[0].points[0].0 = f64::INFINITY);
    assert_eq!(message, "the strength of \"FGSM\" is inf; expected a finite number that is at least 0");
}

#[test]
fn intervals_begin_with_their_lower_end() {
    let message = refused(|report| report.robustness.as_mut().unwrap().interval = Some([0.9, 0.8]));
    assert_eq!(
        message,
        "the interval of the accuracy of the samples as they are is from 0.9 to 0.8; its lower end comes first"
    );
    let message = refused(|report| report.robustness.as_mut().unwrap().interval = Some([f64::NAN, 0.8]));
    assert!(message.starts_with("an end of the interval of the accuracy") && message.contains("is NaN"));
}

#[test]
fn curves_are_sorted() {
    let message = refused(|report| report.privacy.as_mut().unwrap().attacks[1].curve.swap(1, 2));
    assert_eq!(
        message,
        "the false positive rate of the curve of \"LiRA\": 0.001 comes after 0.5; sort the points in ascending order"
    );
    let message = refused(|report| report.privacy.as_mut().unwrap().attacks[1].curve[2][1] = 0.01);
    assert!(message.starts_with("the true positive rate of the curve of \"LiRA\": 0.01 comes after 0.032"));
    let message = refused(|report| report.robustness.as_mut().unwrap().attacks[1].points.reverse());
    assert!(message.starts_with("the strength of \"PGD\": 0 comes after 0.1"), "{message}");
    let message = refused(|report| report.calibration.as_mut().unwrap().bins.swap(0, 1));
    assert!(message.starts_with("the bins: 0 comes after 0.25"), "{message}");
}

#[test]
fn corruptions_have_five_strengths_and_groups_the_same_measures() {
    let message = refused(|report| report.robustness.as_mut().unwrap().corruptions[0].accuracy.truncate(4));
    assert_eq!(message, "corruption \"blur\": expected 5 accuracies, found 4; give one for each strength");
    let message = refused(|report| report.fairness.as_mut().unwrap().groups[1].measures.reverse());
    assert_eq!(
        message,
        "group \"women\" has the measures [\"true positives\", \"accuracy\"], and the first group has \
         [\"accuracy\", \"true positives\"]; give the same ones in the same order"
    );
    let message = refused(|report| {
        report.robustness.as_mut().unwrap().pictures[0].after =
            Picture { width: 2, height: 2, bytes: vec![0; 3] };
    });
    assert!(message.starts_with("attacked picture 1, after: a picture of 2 by 2 pixels"), "{message}");
}
