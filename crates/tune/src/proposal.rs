//! The settings that a bracket begins with.
//!
//! All of them are proposed when the bracket before is done, from what was known then: no result of the bracket itself has a
//! part in it, so that its trials can run at the same time and end in any order.

use std::collections::BTreeSet;

use crate::parzen::{Model, Observation};
use crate::random::Random;
use crate::{Parameter, SearchOptions, Settings, Space};

/// One of so many trials is drawn at random even where there is a model, in case it is wrong.
const RANDOM_EVERY: usize = 4;

/// How often settings that were tried before are drawn again before they are accepted: a small space has no others. The second
/// half of the attempts is at random, as a model that is sure proposes the same again and again.
const MOST_REDRAWS: usize = 32;

/// The settings of the trials of a bracket.
///
/// `rungs` holds the observations of the brackets before, one list for each rung, in the order of the trials' numbers. `tried`
/// holds what was proposed before, as text; the new settings are added to it.
pub(crate) fn propose(
    space: &Space,
    options: &SearchOptions,
    bracket: usize,
    rungs: &[Vec<Observation<'_>>],
    tried: &mut BTreeSet<String>,
) -> Vec<Settings> {
    let model = if bracket < options.random_brackets { None } else { model(space, rungs) };
    let first = options.first.iter().filter(|_| bracket == 0).cloned();
    let mut proposed: Vec<Settings> = first.collect();
    tried.extend(proposed.iter().map(Settings::to_string));
    for index in proposed.len()..options.bracket {
        let mut random = Random::new(options.seed, bracket, index);
        let at_random = (bracket * options.bracket + index) % RANDOM_EVERY == RANDOM_EVERY - 1;
        let model = model.as_ref().filter(|_| !at_random);
        let mut draw = |model: Option<&Model<'_>>| match model {
            Some(model) => model.propose(&mut random),
            None => drawn(space, &mut random),
        };
        let mut settings = draw(model);
        for redraw in 0..MOST_REDRAWS {
            if !tried.contains(&settings.to_string()) {
                break;
            }
            settings = draw(model.filter(|_| redraw < MOST_REDRAWS / 2));
        }
        tried.insert(settings.to_string());
        proposed.push(settings);
    }
    proposed
}

/// The model of the highest rung that has enough observations, as Falkner et al. 2018 have it: low rungs have many, high ones
/// are nearer to what is sought.
///
/// A rung above the first needs three times as many. What runs there was already selected, and a model of a few good settings
/// that are told from other good ones is worse than one of many settings at the first rung.
fn model<'a>(space: &'a Space, rungs: &[Vec<Observation<'_>>]) -> Option<Model<'a>> {
    let fewest = space.parameters().len() + 3;
    let enough = |rung: usize| if rung == 0 { fewest } else { 3 * fewest };
    let highest = (0..rungs.len()).rev().find(|rung| rungs[*rung].len() >= enough(*rung));
    highest.and_then(|rung| Model::fit(space, &rungs[rung]))
}

fn drawn(space: &Space, random: &mut Random) -> Settings {
    let draw = |Parameter { name, domain }: &Parameter| (name.clone(), domain.at_unit(random.unit()));
    space.parameters().iter().map(draw).collect()
}
