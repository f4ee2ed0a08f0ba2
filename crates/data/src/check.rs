//! What is wrong with a data set before anything is trained on it.
//!
//! Everything is counted from labels and from digests of samples, so the samples themselves are read once and never copied.

use std::collections::HashSet;

use serde::Serialize;
use thousands::Separable;

use crate::duplicates::{self, Conflicts, DuplicatePair, Duplicates};
use crate::{Dataset, Targets};

/// A class of fewer training samples is hardly learnt.
const SMALL_CLASS: usize = 10;

/// A class of fewer training samples is not learnt.
const TINY_CLASS: usize = 5;

/// A class with a larger share of the training samples is as good an answer as most models.
const LARGE_SHARE: f64 = 0.8;

/// More training samples of one class for each of another are unbalanced.
const LARGE_RATIO: f64 = 10.0;

/// Fewer test samples than this may all be training samples by chance.
const FEW_SAMPLES: usize = 10;

/// How many names or examples a warning lists.
const MOST_LISTED: usize = 5;

/// Longer names are cut.
const MOST_NAME: usize = 40;

/// How often a class occurs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassCount {
    /// The class's name.
    pub name: String,
    /// How many samples of the part are of it.
    pub count: usize,
    /// That as a part of the samples, in `[0, 1]`; 0 without samples.
    pub share: f64,
}

/// The classes that differ most in their numbers of training samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassImbalance {
    /// The class with most training samples, the first of equals.
    pub largest: ClassCount,
    /// The class with fewest training samples, but with some; the first of equals.
    pub smallest: ClassCount,
    /// Training samples of the largest class for each of the smallest.
    pub ratio: f64,
}

/// What is wrong with a data set of two parts, before anything is trained on it.
///
/// Classes of two parts are compared by name. Where the targets are not one class for each sample, everything about classes is
/// empty.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataCheck {
    /// How many training samples there are.
    pub train_samples: usize,
    /// How many test samples there are.
    pub test_samples: usize,
    /// The class of every training sample, if they are all of one.
    pub only_class: Option<String>,
    /// Classes of the test samples, or that the data names, without training samples.
    pub classes_without_training: Vec<String>,
    /// Classes of the training samples without test samples; empty without any test samples.
    pub classes_without_test: Vec<String>,
    /// Classes of 1 to 9 training samples, the smallest first.
    pub small_classes: Vec<ClassCount>,
    /// The largest and the smallest class, if the largest has more than 80 % of the training samples or more than 10 for each of
    /// the smallest.
    pub imbalance: Option<ClassImbalance>,
    /// Samples that occur more than once.
    pub duplicates: Duplicates,
    /// Equal training samples of different classes.
    pub conflicts: Conflicts,
}

impl ClassImbalance {
    fn in_words(&self) -> String {
        let ClassImbalance { largest, smallest, ratio } = self;
        if largest.share > LARGE_SHARE {
            let (share, name) = (share(largest.share), quoted(&largest.name));
            return format!(
                "{share} of the training samples are {name}, and always answering that is right as often"
            );
        }
        format!(
            "{} training samples of class {} for each of class {}, {} and {} in all",
            (ratio.round() as usize).separate_with_commas(),
            quoted(&largest.name),
            quoted(&smallest.name),
            largest.count.separate_with_commas(),
            smallest.count.separate_with_commas()
        )
    }
}

impl DataCheck {
    /// Checks the training and the test part of a data set; the test part may be empty.
    ///
    /// All threads of rayon's pool take part; the result does not depend on how many there are.
    ///
    /// ```
    /// use fireclay_data::{DataCheck, Dataset, Provenance, Targets};
    ///
    /// let part = |values: Vec<f32>, labels: Vec<u32>| {
    ///     let targets = Targets::Classes { labels, names: vec!["cat".into(), "dog".into()] };
    ///     Dataset::from_f32(&[1], values, targets, Provenance::default())
    /// };
    /// let train = part((0..40).map(|i| i as f32).collect(), (0..40).map(|i| i % 2).collect())?;
    /// let check = DataCheck::of(&train, &part(vec![3.0, 50.0], vec![1, 1])?);
    /// assert!(check.problems().is_empty());
    /// assert_eq!(check.classes_without_test, ["cat"]);
    /// assert_eq!(check.duplicates.between.samples, 1);
    /// assert_eq!(
    ///     check.warnings()[0],
    ///     "1 class without test samples, about which a result says nothing: \"cat\""
    /// );
    /// # Ok::<(), fireclay_data::DataError>(())
    /// ```
    pub fn of(train: &Dataset, test: &Dataset) -> Self {
        let (duplicates, conflicts) = duplicates::of_datasets(train, test);
        let has_classes = matches!(train.targets(), Some(Targets::Classes { .. }));
        let conflicts = if has_classes { conflicts } else { Conflicts::default() };
        DataCheck { duplicates, conflicts, ..Self::of_targets(train, test) }
    }

    /// As [`of`](Self::of), of targets alone: equal samples are not looked for, as that reads all features, which takes long where they
    /// stay in their files ([`Dataset::is_mapped`]).
    pub fn of_targets(train: &Dataset, test: &Dataset) -> Self {
        let in_train = class_counts(train);
        let in_test = class_counts(test);
        let named: HashSet<&str> = in_train.iter().map(|class| class.name.as_str()).collect();
        let measured: HashSet<&str> =
            in_test.iter().filter(|class| class.count > 0).map(|class| class.name.as_str()).collect();

        let unknown = in_test.iter().filter(|class| class.count > 0 && !named.contains(class.name.as_str()));
        let classes_without_training = (in_train.iter().filter(|class| class.count == 0).chain(unknown))
            .map(|class| class.name.clone())
            .collect();
        let learnt: Vec<&ClassCount> = in_train.iter().filter(|class| class.count > 0).collect();
        let unmeasured =
            learnt.iter().filter(|class| !test.is_empty() && !measured.contains(class.name.as_str()));
        let classes_without_test = unmeasured.map(|class| class.name.clone()).collect();
        let mut small_classes: Vec<ClassCount> =
            learnt.iter().filter(|class| class.count < SMALL_CLASS).copied().cloned().collect();
        small_classes.sort_by_key(|class| class.count);
        let only_class = match learnt.as_slice() {
            [class] => Some(class.name.clone()),
            _ => None,
        };
        DataCheck {
            train_samples: train.len(),
            test_samples: test.len(),
            only_class,
            classes_without_training,
            classes_without_test,
            small_classes,
            imbalance: imbalance(&learnt),
            duplicates: Duplicates::default(),
            conflicts: Conflicts::default(),
        }
    }

    /// Why a result would mean nothing, a line for each reason; empty if there is none.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.train_samples == 0 {
            problems.push("there are no training samples".to_owned());
        }
        if let Some(class) = &self.only_class {
            problems.push(format!(
                "every training sample is of the class {}, and there is nothing to tell apart",
                quoted(class)
            ));
        }
        if self.parts_are_the_same() {
            problems.push(format!(
                "every one of the {} test samples is a training sample too, so a result on them says nothing about new data{}",
                self.test_samples.separate_with_commas(),
                across(&self.duplicates.between.examples)
            ));
        }
        problems
    }

    /// What weakens a result, a line for each finding; empty if there is nothing.
    pub fn warnings(&self) -> Vec<String> {
        let (tiny, small) = self.small_classes.split_at(self.small_classes.partition_point(is_tiny));
        let lines = [
            line(self.classes_without_training.len(), |classes| {
                let names = listed(&self.classes_without_training, |name| quoted(name));
                format!("{classes} without training samples, which no model can learn: {names}")
            }),
            line(self.classes_without_test.len(), |classes| {
                let names = listed(&self.classes_without_test, |name| quoted(name));
                format!("{classes} without test samples, about which a result says nothing: {names}")
            }),
            line(tiny.len(), |classes| {
                format!("{classes} with fewer than {TINY_CLASS} training samples: {}", counts(tiny))
            }),
            line(small.len(), |classes| {
                format!("{classes} with fewer than {SMALL_CLASS} training samples: {}", counts(small))
            }),
            self.imbalance.as_ref().map(ClassImbalance::in_words),
        ];
        let mut warnings: Vec<String> = lines.into_iter().flatten().collect();
        match self.mostly_repeats() {
            true => warnings.push(self.few_different()),
            false => warnings.extend(self.repeated()),
        }
        warnings
    }

    /// What is said of samples that occur more than once.
    fn repeated(&self) -> Vec<String> {
        let Duplicates { within_train, within_test, between } = &self.duplicates;
        let mut lines = Vec::new();
        for (part, found, samples) in
            [("training", within_train, self.train_samples), ("test", within_test, self.test_samples)]
        {
            if found.samples > 0 {
                let of = of(found.samples, samples, &format!("{part} samples repeat"));
                lines.push(format!("{of} an earlier one{}", within(&found.examples)));
            }
        }
        if between.samples > 0 && !self.parts_are_the_same() {
            let of = of(between.samples, self.test_samples, "test samples occur");
            let contradicting = match between.contradicting {
                0 => String::new(),
                some => format!(", {} with another target", some.separate_with_commas()),
            };
            let examples = across(&between.examples);
            lines.push(format!(
                "{of} in training too{contradicting}, which says nothing about new data{examples}"
            ));
        }
        let conflicts = &self.conflicts;
        if conflicts.samples > 0 {
            // Two at least.
            let of = of(conflicts.samples, self.train_samples, "training samples equal");
            let examples = within(&conflicts.examples);
            lines.push(format!("{of} others of another class, and no model gets all right{examples}"));
        }
        lines
    }

    /// What is said instead where most samples occur more than once.
    fn few_different(&self) -> String {
        let different = self.train_samples - self.duplicates.within_train.samples;
        let conflicts = match self.conflicts.samples {
            0 => String::new(),
            some => format!(
                "; {} training samples equal others of another class, and no model gets all right",
                some.separate_with_commas()
            ),
        };
        let between = match self.duplicates.between.samples {
            0 => String::new(),
            some => format!(
                "; {} of {} test samples equal training samples",
                some.separate_with_commas(),
                self.test_samples.separate_with_commas()
            ),
        };
        format!(
            "only {} of {} training samples differ from each other{between}{conflicts}{}",
            different.separate_with_commas(),
            self.train_samples.separate_with_commas(),
            within(&self.duplicates.within_train.examples)
        )
    }

    /// Whether samples are equal by nature, as in a table of two or three categories: then it says nothing that test samples
    /// occur in training.
    fn mostly_repeats(&self) -> bool {
        2 * self.duplicates.within_train.samples > self.train_samples
    }

    /// Whether every test sample is a training sample.
    fn parts_are_the_same(&self) -> bool {
        self.test_samples >= FEW_SAMPLES
            && self.duplicates.between.samples == self.test_samples
            && !self.mostly_repeats()
    }
}

/// The classes of a part, in the order of their labels; none where the targets are not classes.
fn class_counts(part: &Dataset) -> Vec<ClassCount> {
    if part.num_classes().is_none() {
        return Vec::new();
    }
    let samples = part.len().max(1) as f64;
    let class = |(name, count): (&String, usize)| ClassCount {
        name: name.clone(),
        count,
        share: count as f64 / samples,
    };
    part.class_names().iter().zip(part.class_counts()).map(class).collect()
}

fn imbalance(learnt: &[&ClassCount]) -> Option<ClassImbalance> {
    // The first of equals: `max_by_key` takes the last.
    let largest = learnt.iter().rev().max_by_key(|class| class.count)?;
    let smallest = learnt.iter().min_by_key(|class| class.count)?;
    let ratio = largest.count as f64 / smallest.count as f64;
    let found = learnt.len() > 1 && (largest.share > LARGE_SHARE || ratio > LARGE_RATIO);
    found.then(|| ClassImbalance { largest: (*largest).clone(), smallest: (*smallest).clone(), ratio })
}

fn is_tiny(class: &ClassCount) -> bool {
    class.count < TINY_CLASS
}

/// A line about `1 class` or `3 classes`; none about no class.
fn line(classes: usize, of: impl FnOnce(String) -> String) -> Option<String> {
    match classes {
        0 => None,
        1 => Some(of("1 class".to_owned())),
        many => Some(of(format!("{} classes", many.separate_with_commas()))),
    }
}

/// `1 of 20 samples repeats`, `2 of 20 samples repeat`
fn of(count: usize, samples: usize, repeat: &str) -> String {
    let s = if count == 1 { "s" } else { "" };
    format!("{} of {} {repeat}{s}", count.separate_with_commas(), samples.separate_with_commas())
}

/// `85.2 %`
fn share(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn quoted(name: &str) -> String {
    match name.char_indices().nth(MOST_NAME) {
        Some((at, _)) => format!("{:?}", format!("{}…", &name[..at])),
        None => format!("{name:?}"),
    }
}

/// `"a", "b" and 3 more`
fn listed<T>(items: &[T], shown: impl Fn(&T) -> String) -> String {
    let first: Vec<String> = items.iter().take(MOST_LISTED).map(shown).collect();
    match items.len().saturating_sub(MOST_LISTED) {
        0 => first.join(", "),
        more => format!("{} and {} more", first.join(", "), more.separate_with_commas()),
    }
}

/// `"a" (3), "b" (4)`
fn counts(classes: &[ClassCount]) -> String {
    listed(classes, |class| format!("{} ({})", quoted(&class.name), class.count))
}

/// `; for example 3 and 17, 4 and 9`
fn within(examples: &[DuplicatePair]) -> String {
    pairs(examples, |pair| format!("{} and {}", pair.first, pair.second))
}

/// `; for example test sample 17 = training sample 3`
fn across(examples: &[DuplicatePair]) -> String {
    pairs(examples, |pair| format!("test sample {} = training sample {}", pair.second, pair.first))
}

/// Two pairs are enough to look at.
fn pairs(examples: &[DuplicatePair], shown: impl Fn(&DuplicatePair) -> String) -> String {
    let shown: Vec<String> = examples.iter().take(2).map(shown).collect();
    format!("; for example {}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Normalization, Provenance};

    fn part(samples: &[u16], labels: &[u32], names: &[&str]) -> Dataset {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_be_bytes()).collect();
        let names = names.iter().map(ToString::to_string).collect();
        let targets = Targets::Classes { labels: labels.to_vec(), names };
        Dataset::from_u8(&[2], bytes, targets, Normalization::none(), Provenance::default()).unwrap()
    }

    /// Samples that all differ, so many of each class, from a number on.
    fn of_counts(first: u16, counts: &[usize], names: &[&str]) -> Dataset {
        let labels: Vec<u32> = (0..).zip(counts).flat_map(|(label, count)| vec![label; *count]).collect();
        let samples: Vec<u16> = (first..).take(labels.len()).collect();
        part(&samples, &labels, names)
    }

    #[test]
    fn sound_data_has_nothing_wrong() {
        let check =
            DataCheck::of(&of_counts(0, &[20, 30], &["a", "b"]), &of_counts(500, &[1, 1], &["b", "a"]));
        assert_eq!((check.problems(), check.warnings()), (vec![], vec![]));
        assert!(check.imbalance.is_none() && check.only_class.is_none());
    }

    #[test]
    fn classes_that_are_missing_or_small_are_named() {
        let names = ["a", "b", "c", "d"];
        let train = of_counts(0, &[30, 9, 0, 4], &names);
        // Named in another order, and with one that training does not have.
        let check = DataCheck::of(&train, &of_counts(500, &[1, 1, 1, 0], &["new", "d", "a", "unused"]));
        assert_eq!(check.classes_without_training, ["c", "new"]);
        assert_eq!(check.classes_without_test, ["b"]);
        let small: Vec<(&str, usize)> =
            check.small_classes.iter().map(|class| (class.name.as_str(), class.count)).collect();
        assert_eq!(small, [("d", 4), ("b", 9)]);
        assert_eq!(
            check.warnings(),
            [
                "2 classes without training samples, which no model can learn: \"c\", \"new\"",
                "1 class without test samples, about which a result says nothing: \"b\"",
                "1 class with fewer than 5 training samples: \"d\" (4)",
                "1 class with fewer than 10 training samples: \"b\" (9)",
            ]
        );
        assert!(DataCheck::of(&train, &train.take(0)).classes_without_test.is_empty());
    }

    #[test]
    fn many_names_are_cut_and_made_visible() {
        let names: Vec<String> = (0..8).map(|i| format!("{i}\n{}", "x".repeat(60))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let check = DataCheck::of(&of_counts(0, &[12; 8], &names), &of_counts(500, &[0; 8], &names));
        assert!(check.warnings().is_empty(), "there is no test part");
        let check = DataCheck::of(&of_counts(0, &[9; 8], &names), &of_counts(500, &[1; 8], &names));
        let [line] = &check.warnings()[..] else { panic!("{:?}", check.warnings()) };
        assert!(line.starts_with("8 classes with fewer than 10 training samples: \"0\\nxxx"), "{line}");
        assert!(line.contains("xx…\" (9), \"1\\n") && line.ends_with("(9) and 3 more"), "{line}");
        assert!(line.len() < 350 && !line.contains('\n'), "{line}");
    }

    #[test]
    fn imbalance_is_a_share_or_a_ratio() {
        let check = |counts: &[usize]| {
            let names: Vec<&str> = ["a", "b", "c"].into_iter().take(counts.len()).collect();
            let train = of_counts(0, counts, &names);
            DataCheck::of(&train, &train.take(0))
        };
        assert!(check(&[80, 20]).imbalance.is_none());
        let found = check(&[20, 81]);
        let imbalance = found.imbalance.as_ref().unwrap();
        assert_eq!((imbalance.largest.name.as_str(), imbalance.largest.count), ("b", 81));
        assert_eq!(
            found.warnings(),
            ["80.2 % of the training samples are \"b\", and always answering that is right as often"]
        );
        assert!(check(&[100, 50, 10]).imbalance.is_none());
        assert_eq!(
            check(&[150, 110, 10]).warnings(),
            ["15 training samples of class \"a\" for each of class \"c\", 150 and 10 in all"]
        );
    }

    #[test]
    fn repeated_and_conflicting_samples_are_counted_with_examples() {
        let names = ["a", "b"];
        let labels: Vec<u32> = (0..40).map(|i| i % 2).collect();
        let mut samples: Vec<u16> = (0..40).collect();
        samples[5] = 3;
        samples[6] = 3;
        let check =
            DataCheck::of(&part(&samples, &labels, &names), &part(&[900, 900, 3, 8], &[0, 1, 1, 1], &names));
        assert_eq!((check.duplicates.within_train.samples, check.duplicates.within_test.samples), (2, 1));
        assert_eq!((check.conflicts.samples, check.conflicts.groups), (3, 1));
        assert_eq!(
            check.warnings(),
            [
                "2 of 40 training samples repeat an earlier one; for example 3 and 6, 3 and 5",
                "1 of 4 test samples repeats an earlier one; for example 0 and 1",
                "2 of 4 test samples occur in training too, 2 with another target, which says nothing about new data; \
                 for example test sample 2 = training sample 6, test sample 3 = training sample 8",
                "3 of 40 training samples equal others of another class, and no model gets all right; for example 3 and 6",
            ]
        );
        assert!(check.problems().is_empty());
    }

    #[test]
    fn what_makes_a_result_meaningless_is_a_problem() {
        let names = ["a", "b"];
        let train = of_counts(0, &[20, 20], &names);
        let same = DataCheck::of(&train, &train.subset(&(5..30).collect::<Vec<_>>()).unwrap());
        let [problem] = &same.problems()[..] else { panic!("{:?}", same.problems()) };
        assert!(problem.contains("every one of the 25 test samples is a training sample too"), "{problem}");
        assert!(same.warnings().is_empty(), "what is a problem is no warning as well: {:?}", same.warnings());
        // A few may be so by chance, and all if there are only a few different samples.
        assert!(DataCheck::of(&train, &train.take(9)).problems().is_empty());
        let few: Vec<u16> = (0..40).map(|i| i % 8).collect();
        let few = part(&few, &[[0; 20], [1; 20]].concat(), &names);
        let few = DataCheck::of(&few, &few);
        assert!(few.problems().is_empty());
        assert_eq!(
            few.warnings(),
            [
                "only 8 of 40 training samples differ from each other; 40 of 40 test samples equal training samples; 40 training samples equal others of another class, and no model gets all \
              right; for example 4 and 20, 5 and 21"
            ]
        );

        let one = of_counts(0, &[20, 0], &names);
        let problems = DataCheck::of(&one, &one.take(0)).problems();
        assert_eq!(
            problems,
            ["every training sample is of the class \"a\", and there is nothing to tell apart"]
        );
        assert_eq!(DataCheck::of(&one.take(0), &one).problems(), ["there are no training samples"]);
    }

    #[test]
    fn numbers_and_tokens_have_no_classes_but_duplicates() {
        let targets = Targets::Values { width: 1, values: vec![1.0, 2.0, 3.0] };
        let values = vec![0.5, 1.5, 0.5];
        let numbers = Dataset::from_f32(&[1], values, targets.clone(), Provenance::default()).unwrap();
        let check = DataCheck::of(&numbers, &numbers.take(1));
        assert_eq!((check.duplicates.within_train.samples, check.duplicates.between.samples), (1, 1));
        // The same features with another number are noise, not a conflict.
        assert_eq!(check.conflicts.samples, 0);
        assert!(check.small_classes.is_empty() && check.problems().is_empty());

        let tokens = Dataset::from_tokens(2, vec![1, 2, 1, 2, 2, 1], targets, Provenance::default()).unwrap();
        assert_eq!(DataCheck::of(&tokens, &tokens.take(0)).duplicates.within_train.samples, 1);
        let labels = Targets::Labels { values: vec![1.0, 0.0], names: vec!["x".into()] };
        let labels = Dataset::from_f32(&[1], vec![7.0, 8.0], labels, Provenance::default()).unwrap();
        assert_eq!(DataCheck::of(&labels, &labels.take(0)).warnings(), Vec::<String>::new());
        let reconstructed = Targets::Features { samples: 2 };
        let reconstructed =
            Dataset::from_f32(&[1], vec![7.0, 7.0], reconstructed, Provenance::default()).unwrap();
        let found = DataCheck::of(&reconstructed, &reconstructed).duplicates;
        assert_eq!((found.within_train.samples, found.within_train.contradicting), (1, 0));
    }

    #[test]
    fn a_check_serialises() {
        let train = of_counts(0, &[20, 2], &["a", "b"]);
        let json = serde_json::to_value(DataCheck::of(&train, &train.take(1))).unwrap();
        assert_eq!(json["small_classes"][0]["name"], "b");
        assert_eq!(json["imbalance"]["ratio"], 10.0);
        assert_eq!(json["duplicates"]["between"]["samples"], 1);
        assert_eq!(json["only_class"], serde_json::Value::Null);
    }
}
