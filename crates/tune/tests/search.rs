//! What a search proposes, and who goes on.

use fireclay_tune::{Domain, Outcome, Search, SearchOptions, Setting, Settings, Space, Trial, importance};

/// Three learning rates, of which each has a best value of its own.
fn space() -> Space {
    Space::new(["a", "b", "c"].map(|name| (name, Domain::Float { low: 1e-5, high: 1.0, log: true })))
}

fn loss(settings: &Settings) -> f64 {
    let distance = |name: &str, best: f64| (settings.float(name).unwrap().log10() - best).powi(2);
    distance("a", -2.0) + distance("b", -3.5) + distance("c", -1.0)
}

fn outcome(score: f64) -> Outcome {
    Outcome { score: Some(score), seconds: 1.0 }
}

/// Runs brackets, the trials that are ready in the order that `order` gives them.
fn run(search: &mut Search, brackets: usize, order: impl Fn(&mut Vec<Trial>)) {
    while search.brackets_done() < brackets {
        let mut trials = search.ready();
        order(&mut trials);
        for trial in trials {
            // One of seven fails.
            let score = (trial.number % 7 != 6).then(|| loss(&trial.settings));
            search.report(trial.number, trial.rung, Outcome { score, seconds: 1.0 }).unwrap();
        }
    }
}

#[test]
fn proposals_follow_from_seed_and_results_alone() {
    let search = |seed| Search::new(space(), SearchOptions { seed, ..SearchOptions::default() }).unwrap();
    let [mut forward, mut again, mut backward, mut mixed] = [7; 4].map(search);
    run(&mut forward, 8, |_| ());
    run(&mut again, 8, |_| ());
    run(&mut backward, 8, |trials| trials.reverse());
    run(&mut mixed, 8, |trials| trials.sort_by_key(|trial| (trial.number * 5) % 11));
    assert_eq!(forward.results(), again.results());
    assert_eq!(forward.results(), backward.results());
    assert_eq!(forward.results(), mixed.results());
    assert_eq!(forward.ready(), mixed.ready());
    assert_eq!(forward.best(), backward.best());

    let mut other = search(8);
    run(&mut other, 1, |_| ());
    assert_ne!(other.results()[0].trial.settings, forward.results()[0].trial.settings);
}

#[test]
fn no_settings_are_tried_twice_while_there_are_others() {
    let values =
        |count: usize| Domain::Choice { values: (0..count).map(|value| value.to_string()).collect() };
    let space = Space::new([("kind", values(6)), ("other", values(6))]);
    let mut search =
        Search::new(space, SearchOptions { rungs: vec![1], bracket: 8, ..SearchOptions::default() }).unwrap();
    let score = |settings: &Settings| settings.choice("kind").unwrap().parse::<f64>().unwrap();
    let mut tried = Vec::new();
    while search.brackets_done() < 3 {
        for trial in search.ready() {
            assert!(!tried.contains(&trial.settings), "{}", trial.settings);
            search.report(trial.number, trial.rung, outcome(score(&trial.settings))).unwrap();
            tried.push(trial.settings);
        }
    }
    // Nor does a space without others stop the search.
    let space = Space::new([("only", values(1))]);
    let mut search = Search::new(space, SearchOptions::default()).unwrap();
    while search.brackets_done() < 3 {
        for trial in search.ready() {
            search.report(trial.number, trial.rung, outcome(1.0)).unwrap();
        }
    }
}

#[test]
fn models_find_lower_scores_than_random_numbers() {
    let median = |random_brackets, rungs: &[usize]| {
        let best = |seed| {
            let rungs = rungs.to_vec();
            let options = SearchOptions { seed, random_brackets, rungs, ..SearchOptions::default() };
            let mut search = Search::new(space(), options).unwrap();
            run(&mut search, 8, |_| ());
            search.best().unwrap().outcome.score.unwrap()
        };
        let mut best: Vec<f64> = (0..20).map(best).collect();
        best.sort_by(f64::total_cmp);
        best[10]
    };
    for rungs in [&[1][..], &[1, 3, 9]] {
        let (random, modelled) = (median(usize::MAX, rungs), median(1, rungs));
        assert!(modelled < random / 2.0, "{rungs:?}: {modelled} {random}");
    }
}

#[test]
fn the_best_go_on_and_failures_come_last() {
    let options = SearchOptions { rungs: vec![2, 6], keep: 3, bracket: 6, ..SearchOptions::default() };
    let mut search = Search::new(space(), options).unwrap();
    let scores = [Some(5.0), None, Some(f64::NAN), Some(3.0), Some(f64::INFINITY), Some(3.0)];
    let first = search.ready();
    assert!(first.iter().all(|trial| (trial.bracket, trial.rung, trial.resource) == (0, 0, 2)));
    for (trial, score) in first.iter().zip(scores) {
        search.report(trial.number, 0, Outcome { score, seconds: 2.0 }).unwrap();
    }
    let second = search.ready();
    assert_eq!(second.iter().map(|trial| trial.number).collect::<Vec<_>>(), [3, 5]);
    assert!(second.iter().all(|trial| (trial.rung, trial.resource) == (1, 6)));
    assert_eq!(second[0].settings, first[3].settings);
    // While no score of the higher rung is known, the best is that of the lower one, of equal ones the first.
    assert_eq!(search.best().map(|best| (best.trial.number, best.trial.rung)), Some((3, 0)));
    search.report(5, 1, outcome(4.0)).unwrap();
    search.report(3, 1, outcome(4.5)).unwrap();
    assert_eq!(search.best().map(|best| (best.trial.number, best.trial.rung)), Some((5, 1)));
    assert_eq!((search.brackets_done(), search.bracket_seconds(0)), (1, 14.0));
    // A failure is kept without a score, whatever the score was.
    let kept: Vec<Option<f64>> = search.results().iter().map(|result| result.outcome.score).collect();
    assert_eq!(kept[..6], [Some(5.0), None, None, Some(3.0), None, Some(3.0)]);

    // Fewer go on where fewer have a score, and a bracket in which all fail ends.
    let ready = search.ready();
    assert_eq!(ready[0].number, 6);
    for trial in &ready {
        let score = (trial.number == 8).then_some(1.0);
        search.report(trial.number, 0, Outcome { score, seconds: 0.0 }).unwrap();
    }
    assert_eq!(search.ready().iter().map(|trial| trial.number).collect::<Vec<_>>(), [8]);
    search.report(8, 1, Outcome { score: None, seconds: 0.0 }).unwrap();
    assert_eq!(search.brackets_done(), 2);
    for trial in search.ready() {
        search.report(trial.number, 0, Outcome { score: None, seconds: 0.0 }).unwrap();
    }
    assert_eq!((search.brackets_done(), search.ready()[0].number), (3, 18));
}

#[test]
fn the_first_bracket_begins_with_given_settings() {
    let usual: Settings = ["a", "b", "c"].map(|name| (name, Setting::Float(0.001))).into_iter().collect();
    let options = SearchOptions { first: vec![usual.clone()], ..SearchOptions::default() };
    let mut search = Search::new(space(), options).unwrap();
    assert_eq!(search.ready()[0].settings, usual);
    // The others are what they would have been without.
    let without = Search::new(space(), SearchOptions::default()).unwrap();
    assert_eq!(search.ready()[1..], without.ready()[1..]);
    run(&mut search, 1, |_| ());
    assert!(search.ready().iter().all(|trial| trial.settings != usual));
}

#[test]
fn each_outcome_is_taken_once() {
    let mut search = Search::new(space(), SearchOptions::default()).unwrap();
    search.report(4, 0, outcome(1.0)).unwrap();
    for (number, rung) in [(4, 0), (3, 1), (9, 0), (usize::MAX, 0), (3, usize::MAX)] {
        let text = search.report(number, rung, outcome(1.0)).unwrap_err().to_string();
        let expected = format!(
            "trial {number} does not wait for an outcome at rung {rung}, both counted from 0; report each trial once"
        );
        assert_eq!(text, expected);
    }
    for seconds in [f64::NAN, -1.0, f64::INFINITY] {
        let text = search.report(3, 0, Outcome { score: None, seconds }).unwrap_err().to_string();
        assert_eq!(text, format!("a trial took {seconds} s; expected a finite number that is not below 0"));
    }
    assert_eq!(search.results().len(), 1);
}

#[test]
fn importance_finds_the_parameter_that_matters() {
    let space = Space::new([
        ("noise", Domain::Float { low: 0.0, high: 1.0, log: false }),
        ("kind", Domain::Choice { values: ["x", "y", "z"].map(String::from).to_vec() }),
        ("rate", Domain::Float { low: 1e-4, high: 1.0, log: true }),
        ("layers", Domain::Integer { low: 1, high: 3, log: false }),
    ]);
    let score_of = |by: &'static str| {
        move |trial: &Trial| {
            // Something that has nothing to do with the settings, and a few trials that diverge.
            let chance = (trial.number * 37 % 101) as f64 / 101.0;
            let part = match trial.settings.get(by) {
                Some(Setting::Float(rate)) => (rate.log10() + 2.0).abs(),
                Some(Setting::Integer(layers)) => *layers as f64,
                Some(Setting::Choice(kind)) if kind == "y" => 3.0,
                _ => 0.0,
            };
            let score = if trial.number % 9 == 3 { 1e30 } else { 2.0 * part + chance };
            (trial.number % 11 != 5).then_some(score)
        }
    };
    for by in ["rate", "layers", "kind"] {
        let options = SearchOptions { rungs: vec![1], bracket: 80, seed: 3, ..SearchOptions::default() };
        let mut search = Search::new(space.clone(), options).unwrap();
        assert_eq!(importance(&search), []);
        for trial in search.ready() {
            let score = score_of(by)(&trial);
            search.report(trial.number, 0, Outcome { score, seconds: 1.0 }).unwrap();
        }
        let shares = importance(&search);
        assert_eq!((shares[0].0.as_str(), shares.len()), (by, 4));
        assert!(shares[0].1 > 0.3, "{shares:?}");
        assert!(shares[1..].iter().all(|(_, share)| (0.0..0.15).contains(share)), "{shares:?}");
    }

    // Equal scores are explained by nothing.
    let mut search =
        Search::new(space, SearchOptions { rungs: vec![1], ..SearchOptions::default() }).unwrap();
    for trial in search.ready() {
        search.report(trial.number, 0, outcome(1.0)).unwrap();
    }
    assert!(importance(&search).iter().all(|(_, share)| *share == 0.0));
}
