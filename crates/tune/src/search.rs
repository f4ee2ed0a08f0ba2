//! The search: brackets of successive halving, one after another.
//!
//! It is a state machine without a clock, threads or files. The trials of a rung must all have an outcome before any of them
//! goes on: halving that does not wait would be faster on many machines, but what it tries would depend on which trial ends
//! first, and no search could be repeated.

use std::collections::{BTreeMap, BTreeSet};

use crate::parzen::Observation;
use crate::proposal::propose;
use crate::{Outcome, SearchOptions, Settings, Space, Trial, TrialResult, TuneError};

/// A search for the settings with the lowest score.
///
/// It has no end of its own: the caller stops when enough brackets are done.
///
/// ```
/// use fireclay_tune::{Domain, Outcome, Search, SearchOptions, Space};
///
/// let space = Space::new([("x", Domain::Float { low: -1.0, high: 1.0, log: false })]);
/// let mut search = Search::new(space, SearchOptions::default())?;
/// while search.brackets_done() < 2 {
///     for trial in search.ready() {
///         let score = trial.settings.float("x").map(|x| x * x);
///         search.report(trial.number, trial.rung, Outcome { score, seconds: 1.0 })?;
///     }
/// }
/// assert_eq!(search.results().len(), 2 * (9 + 3 + 1));
/// assert!(search.best().and_then(|best| best.outcome.score).is_some_and(|score| score < 0.1));
/// # Ok::<(), fireclay_tune::TuneError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Search {
    space: Space,
    options: SearchOptions,
    /// The last one is not done.
    brackets: Vec<Bracket>,
    /// What was proposed so far, as text.
    tried: BTreeSet<String>,
}

/// One bracket.
#[derive(Clone, Debug)]
struct Bracket {
    /// The settings of its trials, by their index in the bracket.
    settings: Vec<Settings>,
    /// For each rung that was begun, the trials that run there, by their index, with the outcomes that are known.
    rungs: Vec<BTreeMap<usize, Option<Outcome>>>,
}

impl Search {
    /// A search of a space, with its first bracket ready to run.
    ///
    /// # Errors
    /// What [`Space::check`] and [`SearchOptions::check`] refuse.
    pub fn new(space: Space, options: SearchOptions) -> Result<Self, TuneError> {
        space.check()?;
        options.check(&space)?;
        let mut search = Self { space, options, brackets: Vec::new(), tried: BTreeSet::new() };
        search.begin_bracket();
        Ok(search)
    }

    /// What is searched.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// How it is searched.
    pub fn options(&self) -> &SearchOptions {
        &self.options
    }

    /// How many brackets are done.
    pub fn brackets_done(&self) -> usize {
        self.brackets.len() - 1
    }

    /// The trials that can be run now, at the same time or in any order: those of the current rung without an outcome. There is
    /// always one at least.
    ///
    /// The search does not know which of them are already running: a caller runs all of them and then asks again.
    pub fn ready(&self) -> Vec<Trial> {
        let bracket = self.brackets.len() - 1;
        let rung = self.brackets[bracket].rungs.len() - 1;
        let waiting = self.brackets[bracket].rungs[rung].iter().filter(|(_, outcome)| outcome.is_none());
        waiting.map(|(index, _)| self.trial(bracket, rung, *index)).collect()
    }

    /// Takes the outcome of a trial at a rung. The last one of a rung decides who goes on; the last one of a bracket begins the
    /// next bracket.
    ///
    /// # Errors
    /// [`TuneError::NotReady`] if the trial is not one of those that [`ready`](Self::ready) gives, for example because it was
    /// reported before; [`TuneError::Seconds`] if the time is not a time.
    pub fn report(&mut self, number: usize, rung: usize, outcome: Outcome) -> Result<(), TuneError> {
        let outcome = outcome.checked()?;
        let trial = self.find_ready(number, rung)?;
        let Bracket { rungs, .. } = &mut self.brackets[trial.bracket];
        rungs[rung].insert(number % self.options.bracket, Some(outcome));
        if rungs[rung].values().all(Option::is_some) {
            self.finish_rung();
        }
        Ok(())
    }

    /// All outcomes so far, by bracket, then rung, then number, whatever the order in which they were reported.
    pub fn results(&self) -> Vec<TrialResult> {
        let mut results = Vec::new();
        for (bracket, Bracket { rungs, .. }) in self.brackets.iter().enumerate() {
            for (rung, trials) in rungs.iter().enumerate() {
                let known =
                    trials.iter().filter_map(|(index, outcome)| outcome.map(|outcome| (index, outcome)));
                results.extend(known.map(|(index, outcome)| TrialResult {
                    trial: self.trial(bracket, rung, *index),
                    outcome,
                }));
            }
        }
        results
    }

    /// The result with the lowest score at the highest rung at which any trial has one; of equal ones that with the lowest
    /// number. None while no trial has a score.
    pub fn best(&self) -> Option<TrialResult> {
        let rank = |result: &TrialResult| result.outcome.score.map(|score| (result.trial.rung, score));
        let better = |best: TrialResult, next: TrialResult| match (rank(&best), rank(&next)) {
            (Some((rung, score)), Some((next_rung, next_score)))
                if next_rung > rung || (next_rung == rung && next_score < score) =>
            {
                next
            }
            _ => best,
        };
        self.results().into_iter().filter(|result| result.outcome.score.is_some()).reduce(better)
    }

    /// How long the trials of a bracket took together, in seconds.
    pub fn bracket_seconds(&self, bracket: usize) -> f64 {
        let rungs = self.brackets.get(bracket).map_or(&[][..], |bracket| &bracket.rungs);
        rungs.iter().flat_map(BTreeMap::values).flatten().map(|outcome| outcome.seconds).sum()
    }

    /// A trial that is ready to run.
    pub(crate) fn find_ready(&self, number: usize, rung: usize) -> Result<Trial, TuneError> {
        let bracket = self.brackets.len() - 1;
        let current = &self.brackets[bracket].rungs;
        let index = number % self.options.bracket;
        let is_ready = number / self.options.bracket == bracket
            && rung == current.len() - 1
            && matches!(current[rung].get(&index), Some(None));
        if !is_ready {
            return Err(TuneError::NotReady { trial: number, rung });
        }
        Ok(self.trial(bracket, rung, index))
    }

    fn trial(&self, bracket: usize, rung: usize, index: usize) -> Trial {
        let number = bracket * self.options.bracket + index;
        let settings = self.brackets[bracket].settings[index].clone();
        Trial { number, bracket, rung, resource: self.options.rungs[rung], settings }
    }

    fn finish_rung(&mut self) {
        let sizes = self.options.rung_sizes();
        let Some(Bracket { rungs, .. }) = self.brackets.last_mut() else { return };
        let mut ranked: Vec<(usize, f64)> = rungs[rungs.len() - 1]
            .iter()
            .filter_map(|(index, outcome)| Some((*index, outcome.as_ref()?.score?)))
            .collect();
        // A stable sort: of equal scores the lower number is the better one. Who failed does not go on.
        ranked.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        match sizes.get(rungs.len()) {
            Some(size) if !ranked.is_empty() => {
                rungs.push(ranked.into_iter().take(*size).map(|(index, _)| (index, None)).collect());
            }
            _ => self.begin_bracket(),
        }
    }

    fn begin_bracket(&mut self) {
        let mut rungs: Vec<Vec<Observation<'_>>> = vec![Vec::new(); self.options.rungs.len()];
        for bracket in &self.brackets {
            for (observations, trials) in rungs.iter_mut().zip(&bracket.rungs) {
                let known =
                    trials.iter().filter_map(|(index, outcome)| outcome.map(|outcome| (index, outcome)));
                observations.extend(known.map(|(index, outcome)| (&bracket.settings[*index], outcome.score)));
            }
        }
        let (bracket, tried) = (self.brackets.len(), &mut self.tried);
        let settings = propose(&self.space, &self.options, bracket, &rungs, tried);
        let first_rung = (0..settings.len()).map(|index| (index, None)).collect();
        self.brackets.push(Bracket { settings, rungs: vec![first_rung] });
    }
}
