//! Who can tell from a model whether a sample was trained on.

use std::time::Instant;

use fireclay::audit::{Answers, Roc, Shadow, ShadowPlan, lira_scores};
use fireclay::data::{Dataset, Random};
use fireclay::nn::{BuiltInLoss, Stored};
use fireclay::report::{self, MembershipAttack, MembershipAudit};
use fireclay::store::TrainingCard;
use fireclay::train::{FitOptions, NoiseSource, PrivacyOptions, Stopped};

use super::{Outcome, Subject};
use crate::exit::UsageError;
use crate::format::{count, seconds};
use crate::model_args::bucketed;
use crate::objective::Objective;
use crate::program::{Part, Program};
use crate::recipe::Recipe;

/// Samples of each kind that are asked about, at most.
const MOST_ASKED: usize = 10_000;

/// Which samples are asked about, for the stream of random numbers that chooses them.
const PURPOSE: u64 = 0x6173_6b65;

/// Rates of false alarms that are reported.
const RATES: [f64; 2] = [0.001, 0.01];

/// Samples that the model was trained on, and others.
struct Known {
    train: Dataset,
    recipe: Recipe,
}

impl<P: Program> Subject<'_, P> {
    pub(super) fn privacy(&self) -> anyhow::Result<Outcome<MembershipAudit>> {
        let known = match self.known()? {
            Ok(known) => known,
            Err(reason) => return Ok(Outcome::LeftOut(reason)),
        };
        let Known { train, recipe } = known;
        // As many of either kind; the training samples that are not asked about are in all shadows.
        // Of a test part that was named some may have been trained on.
        let test = match &self.card.seen {
            Some(seen) => self.test.unseen(seen),
            None => self.test.clone(),
        };
        let asked = train.len().min(test.len()).min(MOST_ASKED);
        if asked < 2 {
            return Ok(Outcome::LeftOut("there are too few samples to ask about".into()));
        }
        let (members, rest) = chosen(&train, asked, 0)?;
        let (others, _) = chosen(&test, asked, 1)?;
        let pool = members.concat(&others)?;
        let is_member: Vec<bool> = (0..pool.len()).map(|sample| sample < members.len()).collect();
        let of_model = Answers::of(&self.trainer.predictions(&pool)?)?.log_odds();

        let mut attacks = vec![attack("loss threshold", &of_model, &is_member)];
        if self.flags.shadows > 0 {
            let plan = ShadowPlan::new(pool.len(), self.flags.shadows, self.flags.seed)?;
            let mut shadows = Vec::with_capacity(plan.models().len());
            for (index, trained_on) in plan.models().iter().enumerate() {
                let picked: Vec<usize> = (0..pool.len()).filter(|sample| trained_on[*sample]).collect();
                let samples = rest.concat(&pool.subset(&picked)?)?;
                let started = Instant::now();
                let Some(log_odds) = self.shadow(&samples, &pool, &recipe, index)? else {
                    return Ok(Outcome::Interrupted);
                };
                self.output.progress_line(format!(
                    "privacy: shadow model {} of {}, trained on {} samples in {}",
                    index + 1,
                    plan.models().len(),
                    count(samples.len() as u64),
                    seconds(started.elapsed().as_secs_f64())
                ));
                shadows.push(Shadow { trained_on: trained_on.clone(), log_odds });
            }
            attacks.insert(0, attack("LiRA", &lira_scores(&of_model, &shadows)?, &is_member));
        }
        let privacy = self.card.training.as_ref().and_then(|training| training.privacy.as_ref());
        Ok(Outcome::Measured(MembershipAudit {
            members: members.len(),
            others: others.len(),
            shadows: self.flags.shadows,
            attacks,
            claim: privacy.map(|privacy| (privacy.epsilon, privacy.delta)),
        }))
    }

    /// The samples that the model was trained on, and how; or why they are not known.
    fn known(&self) -> anyhow::Result<Result<Known, String>> {
        let Some(training) = &self.card.training else {
            return Ok(Err("the file does not say how the model was trained".into()));
        };
        let Some(recipe) = recipe_of(training) else {
            return Ok(Err(
                "the model was trained by what a file cannot hold, such as a loss of one's own".into()
            ));
        };
        if let Some(reason) = self.not_repeated(training) {
            return Ok(Err(reason));
        }
        let is_whole = self.test.provenance().split == "all";
        if is_whole && self.card.seen.is_none() {
            return Ok(Err("the file does not say which of these samples the model was trained on".into()));
        }
        let silent = std::sync::Arc::new(crate::output::Output::silent());
        let train = P::load_part(&self.source, Part::Train, self.flags.limit, &self.card, &silent)?;
        let digest = self.card.dataset.as_ref().and_then(|dataset| dataset.sha256.as_ref());
        let is_other = match (&self.card.seen, digest, &train.provenance().sha256) {
            (Some(seen), ..) => !train.unseen_indices(seen).is_empty(),
            (None, Some(expected), Some(found)) => expected != found,
            _ => false,
        };
        if train.is_read_by_shards() {
            return Ok(Err(
                "the samples stay in their files, as they are more than is read into memory".into()
            ));
        }
        if train.provenance().own && self.card.seen.is_none() && digest.is_none() {
            return Ok(Err("the file does not say which samples the model was trained on".into()));
        }
        if is_other {
            return Ok(Err(
                "these are not the data that the model was trained on; give the data of the training".into(),
            ));
        }
        let expected = self.card.dataset.as_ref().map_or(train.len(), |dataset| dataset.samples);
        // Without those that it was validated on.
        let train = match train.len() == expected || recipe.validation_split == 0.0 {
            true => train,
            false => train.split(recipe.validation_split, training.seed)?.0,
        };
        if train.len() == expected {
            return Ok(Ok(Known { train, recipe }));
        }
        let [expected, found] = [expected, train.len()].map(|samples| count(samples as u64));
        Ok(Err(match self.card.seen.is_some() && is_whole {
            true => format!(
                "the model was trained on {expected} samples, and {found} of these are like one of them: samples that occur more than \
                 once cannot be told apart"
            ),
            false => format!(
                "the model was trained on {expected} samples, and these data have {found}; give the data, and the --limit, of the training"
            ),
        }))
    }

    /// Why no model can be trained as this one was, if that is so.
    fn not_repeated(&self, training: &TrainingCard) -> Option<String> {
        let spec = self.trainer.network().spec();
        let reason = if spec.int8.is_some() {
            "a model in 8-bit whole numbers is not trained; audit the one that it was made of"
        } else if matches!(training.loss, Stored::BuiltIn(BuiltInLoss::Distillation(_))) {
            "the model was taught by another one, which its file does not hold"
        } else if spec.summary().is_ok_and(|summary| summary.frozen() > 0) {
            "some of its layers were not trained, and their weights come from elsewhere"
        } else {
            return None;
        };
        Some(reason.into())
    }

    /// What a model says of samples that was trained as this one on others; nothing if it was interrupted.
    fn shadow(
        &self,
        samples: &Dataset,
        asked: &Dataset,
        recipe: &Recipe,
        index: usize,
    ) -> anyhow::Result<Option<Vec<f64>>> {
        let spec = self.trainer.network().spec();
        let seed = self.flags.seed.wrapping_add(1000 + index as u64);
        let network = spec.build_seeded(seed, &self.device)?;
        let counts = samples.class_counts();
        let balanced = recipe.balanced.then_some(counts.as_slice());
        let mut trainer = Objective::of(samples)
            .trainer(network, recipe.label_smoothing, balanced)
            .optimizer(recipe.optimizer.clone())
            .groups(recipe.groups.clone())
            .callback(self.interrupt.clone());
        let samples = match &self.flags.augment {
            Some(augment) => augment.apply(samples.clone()).map_err(UsageError::of)?,
            None => samples.clone(),
        };
        let options = FitOptions { validation_split: 0.0, ..recipe.options(seed) };
        let history = trainer.fit(&bucketed(samples, spec)?, &options)?;
        if history.stopped == Stopped::Interrupted {
            return Ok(None);
        }
        Ok(Some(Answers::of(&trainer.predictions(asked)?)?.log_odds()))
    }
}

/// How a model was trained, its privacy included: the steps and the noise of the shadows are those of the model.
fn recipe_of(training: &TrainingCard) -> Option<Recipe> {
    let recipe = Recipe::of(training)?;
    let privacy = training.privacy.as_ref().map(|privacy| PrivacyOptions {
        epsilon: privacy.epsilon,
        delta: privacy.delta,
        noise: NoiseSource::Seed,
    });
    let clip_norm = training.privacy.as_ref().map(|privacy| privacy.clip_norm).or(recipe.clip_norm);
    let precision = match &training.precision {
        Some(precision) => precision.parse().ok()?,
        None => recipe.precision,
    };
    Some(Recipe { privacy, clip_norm, precision, ..recipe })
}

/// Some samples of a set, and the others.
fn chosen(samples: &Dataset, count: usize, of: u64) -> anyhow::Result<(Dataset, Dataset)> {
    let mut order: Vec<usize> = (0..samples.len()).collect();
    Random::new(PURPOSE, 0, of).shuffle(&mut order);
    let (chosen, rest) = order.split_at_mut(count);
    chosen.sort_unstable();
    rest.sort_unstable();
    Ok((samples.subset(chosen)?, samples.subset(rest)?))
}

fn attack(name: &str, scores: &[f64], is_member: &[bool]) -> MembershipAttack {
    let roc = Roc::new(scores, is_member);
    let at = RATES.map(|rate| {
        let found = roc.at(rate);
        report::RateAt {
            false_positives: found.false_positives,
            true_positives: found.true_positives,
            interval: found.interval,
        }
    });
    MembershipAttack { name: name.into(), curve: roc.curve(), area: roc.area(), at: at.to_vec() }
}
