//! A tree-structured Parzen estimator (Bergstra et al. 2011): the settings with low scores and the others each get a density,
//! and what is proposed is likely among the former and unlikely among the latter.
//!
//! Candidates are drawn from the former density, and the one with the largest ratio of both is proposed. A candidate is a
//! value of each parameter, judged together. Choosing the best value of each parameter by itself, of as many candidates,
//! was worse than drawing at random in short searches: all trials of a bracket were nearly the same.
//!
//! Parameters are modelled one by one on the interval `[0, 1]`. A density is the mean of one normal kernel for each
//! observation and a uniform one, the prior, so that nothing is ever impossible. A kernel is as wide as the larger of the gaps
//! to its neighbours. What would fall outside of the interval is reflected at its ends: unlike a clipped value that keeps the
//! ends from being proposed again and again, and it needs no error function. Choices are counted, with one more for each
//! value.
//!
//! It is written here, although the crate `optimizer` (1.0) has one under the MIT licence: that one finds the observations of
//! a parameter by comparing ranges, so that two parameters with the same range are taken for one; it draws from a counter
//! that all trials share, so that proposals depend on the order of the calls; and its densities have no prior.

use crate::random::Random;
use crate::{Domain, Parameter, Setting, Settings, Space};

/// The share of the observations that are the good ones.
const GOOD_SHARE: f64 = 0.25;

/// How many settings are drawn from the good densities, of which the best are proposed.
const CANDIDATES: usize = 24;

/// The narrowest kernel however many observations there are: a hundredth of the range.
const NARROWEST: f64 = 0.01;

/// The widest kernel: reflections that [`Kernel::at`] leaves out are four standard deviations away or more.
const WIDEST: f64 = 0.5;

/// Settings and the score that they got; none if they failed.
pub(crate) type Observation<'a> = (&'a Settings, Option<f64>);

/// The densities of each parameter.
pub(crate) struct Model<'a> {
    parameters: Vec<(&'a Parameter, Density, Density)>,
}

impl<'a> Model<'a> {
    /// Learns from observations; none if there are too few to tell good from bad, or all failed. Their order matters between
    /// equal scores alone, where the earlier is the better one.
    pub(crate) fn fit(space: &'a Space, observations: &[Observation<'_>]) -> Option<Self> {
        let mut ranked: Vec<Observation<'_>> = observations.to_vec();
        // A stable sort; failures come last.
        ranked.sort_by(|(_, a), (_, b)| a.unwrap_or(f64::INFINITY).total_cmp(&b.unwrap_or(f64::INFINITY)));
        let scored = ranked.iter().filter(|(_, score)| score.is_some()).count();
        let good = ((ranked.len() as f64 * GOOD_SHARE).ceil() as usize).min(scored);
        if good == 0 || good == ranked.len() {
            return None;
        }
        let (good, bad) = ranked.split_at(good);
        let densities = |parameter| (parameter, Density::of(parameter, good), Density::of(parameter, bad));
        Some(Self { parameters: space.parameters().iter().map(densities).collect() })
    }

    /// Settings that are likely among the good and unlikely among the bad.
    pub(crate) fn propose(&self, random: &mut Random) -> Settings {
        let mut best = self.candidate(random);
        for _ in 1..CANDIDATES {
            let next = self.candidate(random);
            if next.0 > best.0 {
                best = next;
            }
        }
        best.1
    }

    /// Settings drawn from the good densities, with the logarithm of how much likelier they are there than among the bad.
    fn candidate(&self, random: &mut Random) -> (f64, Settings) {
        let mut ratio = 0.0;
        let draw = |(parameter, good, bad): &(&Parameter, Density, Density)| {
            let setting = good.draw(&parameter.domain, random);
            ratio += good.at(&parameter.domain, &setting).ln() - bad.at(&parameter.domain, &setting).ln();
            (parameter.name.clone(), setting)
        };
        let settings = self.parameters.iter().map(draw).collect();
        (ratio, settings)
    }
}

/// How likely each value of a parameter is.
enum Density {
    /// Kernels of a number; the uniform one comes on top of them.
    Kernels(Vec<Kernel>),
    /// The probability of each choice.
    Choices(Vec<f64>),
}

/// A normal distribution that is reflected at 0 and 1.
struct Kernel {
    centre: f64,
    width: f64,
}

impl Density {
    fn of(parameter: &Parameter, observations: &[Observation<'_>]) -> Self {
        let settings = observations.iter().filter_map(|(settings, _)| settings.get(&parameter.name));
        if let Domain::Choice { values } = &parameter.domain {
            let mut counts = vec![1.0; values.len()];
            for index in settings.filter_map(|setting| index_of(values, setting)) {
                counts[index] += 1.0;
            }
            let total: f64 = counts.iter().sum();
            return Density::Choices(counts.into_iter().map(|count| count / total).collect());
        }
        let mut centres: Vec<f64> =
            settings.filter_map(|setting| parameter.domain.to_unit(setting)).collect();
        centres.sort_by(f64::total_cmp);
        let narrowest = (1.0 / (centres.len() as f64 + 1.0)).clamp(NARROWEST, WIDEST);
        let kernel = |(index, &centre): (usize, &f64)| {
            let below = if index == 0 { 0.0 } else { centres[index - 1] };
            let above = centres.get(index + 1).copied().unwrap_or(1.0);
            Kernel { centre, width: (centre - below).max(above - centre).clamp(narrowest, WIDEST) }
        };
        Density::Kernels(centres.iter().enumerate().map(kernel).collect())
    }

    fn draw(&self, domain: &Domain, random: &mut Random) -> Setting {
        let unit = match self {
            Density::Kernels(kernels) => match kernels.get(random.below(kernels.len() + 1)) {
                Some(kernel) => reflected(kernel.centre + kernel.width * random.normal()),
                None => random.unit(),
            },
            Density::Choices(probabilities) => {
                let mut left = random.unit();
                let index = probabilities.iter().position(|probability| {
                    left -= probability;
                    left < 0.0
                });
                // The probabilities add up to 1 but for rounding.
                let index = index.unwrap_or(probabilities.len() - 1);
                (index as f64 + 0.5) / probabilities.len() as f64
            }
        };
        domain.at_unit(unit)
    }

    fn at(&self, domain: &Domain, setting: &Setting) -> f64 {
        match (self, domain) {
            (Density::Choices(probabilities), Domain::Choice { values }) => {
                index_of(values, setting).map_or(0.0, |index| probabilities[index])
            }
            (Density::Kernels(kernels), _) => {
                let unit = domain.to_unit(setting).unwrap_or(0.5);
                let sum: f64 = kernels.iter().map(|kernel| kernel.at(unit)).sum();
                (sum + 1.0) / (kernels.len() as f64 + 1.0)
            }
            (Density::Choices(_), _) => 0.0,
        }
    }
}

impl Kernel {
    fn at(&self, unit: f64) -> f64 {
        // sqrt(2 pi)
        const NORMALISER: f64 = 2.506_628_274_631_000_2;
        // Where the reflections would come from: of none, of one, and of one at each end.
        let images = [unit, -unit, 2.0 - unit, unit + 2.0, unit - 2.0];
        let density = |image: f64| (-0.5 * ((image - self.centre) / self.width).powi(2)).exp();
        images.into_iter().map(density).sum::<f64>() / (self.width * NORMALISER)
    }
}

fn index_of(values: &[String], setting: &Setting) -> Option<usize> {
    match setting {
        Setting::Choice(value) => values.iter().position(|known| known == value),
        _ => None,
    }
}

/// A number folded into `[0, 1]`, as if there were mirrors at both ends.
fn reflected(value: f64) -> f64 {
    let folded = value.rem_euclid(2.0);
    if folded > 1.0 { 2.0 - folded } else { folded }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(values: &[f64]) -> Vec<Settings> {
        values.iter().map(|value| [("x", Setting::Float(*value))].into_iter().collect()).collect()
    }

    fn unit_space() -> Space {
        Space::new([("x", Domain::Float { low: 0.0, high: 1.0, log: false })])
    }

    #[test]
    fn densities_integrate_to_1_and_are_drawn_from() {
        let space = unit_space();
        let parameter = &space.parameters()[0];
        let settings = observed(&[0.0, 0.1, 0.1, 0.9]);
        let observations: Vec<Observation<'_>> =
            settings.iter().map(|settings| (settings, Some(0.0))).collect();
        let density = Density::of(parameter, &observations);
        let at = |step: usize| density.at(&parameter.domain, &Setting::Float((step as f64 + 0.5) / 1000.0));
        let integral = |steps: std::ops::Range<usize>| steps.map(at).sum::<f64>() / 1000.0;
        assert!((integral(0..1000) - 1.0).abs() < 1e-3, "{}", integral(0..1000));

        let mut random = Random::new(1, 0, 0);
        let below = |setting| matches!(setting, Setting::Float(value) if value < 0.25);
        let drawn = (0..20_000).filter(|_| below(density.draw(&parameter.domain, &mut random))).count();
        assert!((drawn as f64 / 20_000.0 - integral(0..250)).abs() < 0.015, "{drawn} {}", integral(0..250));
    }

    #[test]
    fn proposals_are_where_the_good_ones_were() {
        let space = unit_space();
        let settings = observed(&[0.05, 0.2, 0.35, 0.5, 0.65, 0.7, 0.75, 0.95]);
        let score = |settings: &Settings| settings.float("x").map(|x| (x - 0.7).abs());
        let observations: Vec<Observation<'_>> = settings.iter().map(|s| (s, score(s))).collect();
        let model = Model::fit(&space, &observations).unwrap();
        let near = |index| {
            let x = model.propose(&mut Random::new(0, 0, index)).float("x").unwrap();
            (0.5..0.9).contains(&x)
        };
        let count = (0..100).filter(|index| near(*index)).count();
        assert!(count > 85, "{count}");
    }

    #[test]
    fn a_choice_that_was_never_tried_stays_possible() {
        let space =
            Space::new([("kind", Domain::Choice { values: vec!["a".into(), "b".into(), "c".into()] })]);
        let of = |value: &str| [("kind", Setting::Choice(value.into()))].into_iter().collect::<Settings>();
        let (a, b) = (of("a"), of("b"));
        let observations = [(&a, Some(1.0)), (&a, Some(2.0)), (&b, Some(3.0)), (&b, None)];
        let parameter = &space.parameters()[0];
        let Density::Choices(good) = Density::of(parameter, &observations[..2]) else { panic!() };
        assert_eq!(good, [0.6, 0.2, 0.2]);
        let mut random = Random::new(0, 0, 0);
        let model = Model::fit(&space, &observations).unwrap();
        let drawn: Vec<Settings> = (0..50).map(|_| model.propose(&mut random)).collect();
        assert!(drawn.iter().filter(|settings| **settings == a).count() > 40);
    }

    #[test]
    fn failures_are_never_good() {
        let space = unit_space();
        let settings = observed(&[0.1, 0.2, 0.3, 0.4]);
        let failed: Vec<Observation<'_>> = settings.iter().map(|settings| (settings, None)).collect();
        assert!(Model::fit(&space, &failed).is_none());
        assert!(Model::fit(&space, &[]).is_none());
        assert!(Model::fit(&space, &[(&settings[0], Some(1.0))]).is_none());
        let mut one = failed.clone();
        one[2].1 = Some(1e9);
        let model = Model::fit(&space, &one).unwrap();
        let Density::Kernels(good) = &model.parameters[0].1 else { panic!() };
        assert_eq!(good.iter().map(|kernel| kernel.centre).collect::<Vec<_>>(), [0.3]);
    }
}
