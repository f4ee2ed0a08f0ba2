//! The metrics that come with Fireclay. A new one has a file of its own, and a line in each of the two lists below.

mod accuracy;
mod balanced_accuracy;
mod brier_score;
mod cohen_kappa;
mod expected_calibration_error;
mod explained_variance;
mod f1;
mod f_beta;
mod hamming_loss;
mod label_ranking;
mod log_loss;
mod mae;
mod mape;
mod matthews;
mod maximum_calibration_error;
mod median_absolute_error;
mod micro_f1;
mod micro_pr_auc;
mod micro_roc_auc;
mod mse;
mod perplexity;
mod pr_auc;
mod precision;
mod r2;
mod recall;
mod rmse;
mod roc_auc;
mod subset_accuracy;
mod top_k;

use super::{AnyMetric, Metric};

/// A metric with a name that can be parsed.
trait BuiltIn: Metric + Sized {
    /// The metric itself, or one of its kind.
    const EXAMPLE: Self;

    /// Whether there is one for each number, which is part of the name.
    const HAS_NUMBER: bool = false;

    /// Other names for it, that are read and not written.
    const ALIASES: &[&str] = &[];

    /// The metric of a name, if it is of this kind.
    fn from_name(name: &str) -> Option<Self> {
        (Self::EXAMPLE.name() == name || Self::ALIASES.contains(&name)).then_some(Self::EXAMPLE)
    }
}

/// The table: what is public, what a name means, and which names there are.
macro_rules! built_in_metrics {
    ($($module:ident::$metric:ident,)*) => {
        $(pub use $module::$metric;)*

        /// One of each, in the order of the table.
        pub(crate) fn all() -> Vec<AnyMetric> {
            vec![$(AnyMetric::from($metric::EXAMPLE)),*]
        }

        /// The metric of a name.
        pub(crate) fn parse(name: &str) -> Option<AnyMetric> {
            None$(.or_else(|| $metric::from_name(name).map(AnyMetric::from)))*
        }

        /// Names in which any other number may stand.
        pub(crate) fn with_number() -> Vec<String> {
            let names = [$($metric::HAS_NUMBER.then(|| $metric::EXAMPLE.name())),*];
            names.into_iter().flatten().collect()
        }

        #[cfg(test)]
        const ALIASES: &[&[&str]] = &[$($metric::ALIASES),*];

        #[cfg(test)]
        const TABLE: &[&str] = &[$(stringify!($metric)),*];
    };
}

built_in_metrics! {
    accuracy::Accuracy,
    top_k::TopK,
    balanced_accuracy::BalancedAccuracy,
    precision::Precision,
    recall::Recall,
    f1::F1,
    f_beta::FBeta,
    micro_f1::MicroF1,
    roc_auc::RocAuc,
    pr_auc::PrAuc,
    micro_roc_auc::MicroRocAuc,
    micro_pr_auc::MicroPrAuc,
    label_ranking::LabelRankingAveragePrecision,
    log_loss::LogLoss,
    brier_score::BrierScore,
    expected_calibration_error::ExpectedCalibrationError,
    maximum_calibration_error::MaximumCalibrationError,
    matthews::Matthews,
    cohen_kappa::CohenKappa,
    subset_accuracy::SubsetAccuracy,
    hamming_loss::HammingLoss,
    mae::Mae,
    mse::Mse,
    rmse::Rmse,
    median_absolute_error::MedianAbsoluteError,
    mape::Mape,
    r2::R2,
    explained_variance::ExplainedVariance,
    perplexity::Perplexity,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_metric_of_the_folder_is_in_the_table() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/metrics/built_in");
        let mut found = BTreeSet::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let names = text.lines().filter_map(|line| line.strip_prefix("impl Metric for "));
            found.extend(names.map(|rest| rest.trim_end_matches(" {").to_string()));
        }
        assert_eq!(found, TABLE.iter().map(|name| name.to_string()).collect());
    }

    #[test]
    fn every_name_means_one_metric() {
        let names: BTreeSet<String> = all().iter().map(AnyMetric::name).collect();
        assert_eq!(names.len(), TABLE.len());
        for metric in all() {
            assert_eq!(parse(&metric.name()), Some(metric));
        }
        assert_eq!(parse("top_17_accuracy").unwrap().name(), "top_17_accuracy");
        assert_eq!(parse("f0.5").unwrap().name(), "f0.5");
        assert_eq!(with_number(), ["top_3_accuracy", "f2"]);
        for wrong in [
            "",
            "top_0_accuracy",
            "top_-1_accuracy",
            "top_k_accuracy",
            "top_03_accuracy",
            "Accuracy",
            "f",
            "f0",
            "f-1",
            "f2.0",
            "f02",
            "finf",
            "fnan",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn other_names_mean_the_metric_that_has_them() {
        let others: Vec<&str> = ALIASES.iter().flat_map(|names| names.iter().copied()).collect();
        assert_eq!(others, ["average_precision", "micro_average_precision", "ece", "mce"]);
        assert!(others.iter().all(|name| parse(name).is_some_and(|metric| metric.name() != *name)));
    }
}
