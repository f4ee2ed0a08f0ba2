//! How many answers stay right where samples are changed.

use std::sync::Arc;

use fireclay::audit::{
    Answers, Attacked, Corruption, STRENGTHS, TextChange, accuracy_under, changed_text, corrupted,
    share_interval,
};
use fireclay::data::{Dataset, Source};
use fireclay::report::{self, AttackCurve, AttackedPicture, Picture, RobustnessAudit};
use fireclay::train::{Attack, AttackNorm, Sample};

use super::{Outcome, Subject};
use crate::commands::evaluate::measured;
use crate::format::count;
use crate::limit::Limit;
use crate::output::Output;
use crate::program::{Part, Program};

/// Shares of the words of a text that are changed.
const TEXT_SHARES: [f32; STRENGTHS] = [0.02, 0.05, 0.1, 0.2, 0.4];

/// Pictures that a page shows.
const PICTURES: usize = 8;

/// A number, or a fraction such as `8/255`.
pub fn strength(text: &str) -> Result<f64, String> {
    let options: fireclay::train::AdversarialOptions = match text.contains(',') {
        true => return Err("expected one number, such as 0.3 or 8/255".into()),
        false => text.parse().map_err(|error: fireclay::train::TrainError| error.to_string())?,
    };
    Ok(options.attack.strength)
}

impl<P: Program> Subject<'_, P> {
    pub(super) fn robustness(&self) -> anyhow::Result<Outcome<RobustnessAudit>> {
        match *self.test.shape() {
            [channels @ (1 | 3), _, _] if self.test.raw_u8(0).is_some() => self.of_pictures(channels),
            _ if self.trainer.text_preprocessing().is_some() => self.of_texts(),
            _ => Ok(Outcome::LeftOut("it is measured of pictures and of texts".into())),
        }
    }

    fn of_pictures(&self, channels: usize) -> anyhow::Result<Outcome<RobustnessAudit>> {
        let test = Limit { samples: Some(self.flags.samples) }.dataset(self.test.clone())?;
        let answers = self.answers_of(&test)?;
        let source: Arc<dyn Source> = Arc::new(test.clone());
        let strengths = match (self.flags.strengths.as_slice(), channels) {
            ([], 1) => vec![0.05, 0.1, 0.2, 0.3],
            ([], _) => [1.0, 2.0, 4.0, 8.0].map(|levels| levels / 255.0).to_vec(),
            (asked, _) => {
                let mut asked = asked.to_vec();
                asked.sort_by(f64::total_cmp);
                asked.dedup();
                asked.retain(|strength| *strength > 0.0);
                asked
            }
        };
        let lengths = if channels == 1 { [0.5, 1.0, 1.5, 2.0] } else { [0.125, 0.25, 0.5, 1.0] };
        let pgd = |strength| Attack { steps: self.flags.steps, ..Attack::pgd(strength) };
        let by_length = |strength| Attack { norm: AttackNorm::L2, ..pgd(strength) };
        let of_a_pixel = "of the range of a pixel";
        let kinds: [(String, &str, Vec<Attack>); 3] = [
            ("FGSM".into(), of_a_pixel, strengths.iter().copied().map(Attack::fgsm).collect()),
            (
                format!("PGD, {} steps", self.flags.steps),
                of_a_pixel,
                strengths.iter().copied().map(pgd).collect(),
            ),
            (
                format!("PGD by length, {} steps", self.flags.steps),
                "in length",
                lengths.into_iter().map(by_length).collect(),
            ),
        ];
        let accuracy = answers.accuracy().unwrap_or_default();
        let unchanged = (0.0, accuracy, share_interval(answers.right(), answers.len()));
        let (mut attacks, mut pictures) = (Vec::new(), Vec::new());
        for (name, unit, kind) in kinds {
            let mut points = vec![unchanged];
            for attack in kind {
                // Those of the middle strength of PGD are shown.
                let shows = attack.steps > 1
                    && attack.norm == AttackNorm::Linf
                    && Some(&attack.strength) == strengths.get(strengths.len() / 2);
                let wanted = if shows { PICTURES } else { 0 };
                let model = self.trainer.network();
                let found = accuracy_under(attack, model, &source, &answers, wanted, &self.device)?;
                let strength = crate::format::significant(attack.strength);
                self.output.progress_line(format!(
                    "robustness: {name}, {strength} {unit}: {} right",
                    crate::format::percent(found.accuracy)
                ));
                points.push((attack.strength, found.accuracy, found.interval));
                if shows {
                    pictures = self.pictures(&test, &found, &format!("{name}, {strength}"));
                }
            }
            attacks.push(AttackCurve { name, unit: unit.into(), points });
        }
        let mut corruptions = Vec::new();
        for corruption in Corruption::ALL {
            let mut by_strength = Vec::new();
            for strength in 1..=STRENGTHS {
                let damaged = corrupted(&test, corruption, strength, self.flags.seed)?;
                by_strength.extend(self.answers_of(&damaged)?.accuracy());
            }
            corruptions.push(report::Corruption { name: corruption.name().into(), accuracy: by_strength });
        }
        Ok(Outcome::Measured(RobustnessAudit {
            samples: test.len(),
            accuracy,
            interval: unchanged.2,
            attacks,
            mean_corruption_error: mean_error(&corruptions),
            corruptions,
            pictures,
        }))
    }

    fn of_texts(&self) -> anyhow::Result<Outcome<RobustnessAudit>> {
        let Some(texts) = P::texts_to_measure(&self.source, self.flags.limit, &self.card)? else {
            return Ok(Outcome::LeftOut("the texts themselves cannot be had again".into()));
        };
        let all = P::load_part(
            &self.source,
            Part::Test,
            self.flags.limit,
            &self.card,
            &Arc::new(Output::silent()),
        )?;
        let rows = measured(&all, &self.card, &Output::silent())?;
        let step = rows.len().div_ceil(self.flags.samples as usize).max(1);
        let rows: Vec<usize> = rows.into_iter().step_by(step).collect();
        let labels: Vec<u32> = rows.iter().filter_map(|row| all.label(*row)).collect();
        if texts.len() != all.len() || labels.len() != rows.len() {
            return Ok(Outcome::LeftOut("the texts themselves cannot be had again".into()));
        }
        let predictor = self.trainer.predictor();
        let width = self.trainer.network().spec().output_features()?;
        let answers_of = |change: Option<(TextChange, f32)>| -> anyhow::Result<Answers> {
            let mut logits = Vec::with_capacity(rows.len() * width);
            for rows in rows.chunks(64) {
                let texts: Vec<String> = rows
                    .iter()
                    .map(|row| match change {
                        Some((change, share)) => {
                            changed_text(&texts[*row], change, share, self.flags.seed, *row as u64)
                        }
                        None => texts[*row].clone(),
                    })
                    .collect();
                let samples = texts.iter().map(|text| Sample::Text(text));
                for answer in predictor.predict_batch(samples)? {
                    logits.extend(answer.outputs());
                }
            }
            Ok(Answers::new(logits, labels.clone(), width)?.with_threshold(self.card.threshold))
        };
        let plain = answers_of(None)?;
        let mut corruptions = Vec::new();
        for change in TextChange::ALL {
            let mut accuracy = Vec::new();
            for share in TEXT_SHARES {
                accuracy.extend(answers_of(Some((change, share)))?.accuracy());
            }
            let shares = TEXT_SHARES.map(|share| format!("{:.0}", 100.0 * share)).join(", ");
            self.output.progress_line(format!("robustness: {} in {shares} % of the words", change.name()));
            corruptions.push(report::Corruption { name: change.name().into(), accuracy });
        }
        Ok(Outcome::Measured(RobustnessAudit {
            samples: rows.len(),
            accuracy: plain.accuracy().unwrap_or_default(),
            interval: share_interval(plain.right(), plain.len()),
            mean_corruption_error: mean_error(&corruptions),
            corruptions,
            ..RobustnessAudit::default()
        }))
    }

    fn answers_of(&self, samples: &Dataset) -> anyhow::Result<Answers> {
        Ok(Answers::of(&self.trainer.predictions(samples)?)?.with_threshold(self.card.threshold))
    }

    /// Pictures that fool the model, beside what they were.
    fn pictures(&self, test: &Dataset, found: &Attacked, attack: &str) -> Vec<AttackedPicture> {
        let &[channels, height, width] = test.shape() else { return Vec::new() };
        let class = |class: u32| {
            let name = test.class_names().get(class as usize).cloned();
            name.unwrap_or_else(|| count(u64::from(class)))
        };
        let pictures = found.pictures.iter().filter_map(|picture| {
            let bytes: Vec<u8> = (picture.values.iter().enumerate())
                .map(|(at, value)| {
                    let channel = at / (height * width);
                    let of =
                        |values: &[f32]| values.get(channel).or(values.first()).copied().unwrap_or_default();
                    let normalization = test.normalization();
                    let pixel = value * of(&normalization.std) + of(&normalization.mean);
                    (255.0 * pixel.clamp(0.0, 1.0)).round() as u8
                })
                .collect();
            let truth = class(test.label(picture.index)?);
            Some(AttackedPicture {
                before: Picture::from_planes(test.raw_u8(picture.index)?, [channels, height, width])?,
                after: Picture::from_planes(&bytes, [channels, height, width])?,
                attack: attack.to_owned(),
                said_before: truth.clone(),
                truth,
                said_after: class(picture.predicted as u32),
            })
        });
        pictures.collect()
    }
}

/// The mean share of wrong answers over all changes and strengths.
fn mean_error(corruptions: &[report::Corruption]) -> Option<f64> {
    let all: Vec<f64> =
        corruptions.iter().flat_map(|corruption| &corruption.accuracy).map(|right| 1.0 - right).collect();
    (!all.is_empty()).then(|| (all.iter().sum::<f64>() / all.len() as f64).clamp(0.0, 1.0))
}
