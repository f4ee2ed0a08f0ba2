//! Composes a review: what to say, how, and in which order, until all of it together means the label.

use std::ops::RangeInclusive;

use fireclay_data::Random;

use super::matter;
use super::opinions::{Form, fixed};
use super::template::{Filling, expand, polish};
use super::words::{ASPECTS, Aspect, Pair, TITLES, neutral, pair};

/// A review and what its clauses add up to: above 0 for a film that is recommended.
pub(super) struct Review {
    pub(super) text: String,
    pub(super) score: i32,
}

/// How much the clauses must add up to, for or against: no review is a draw.
const MARGIN: i32 = 4;

/// How many sentences a review has.
const SENTENCES: RangeInclusive<usize> = 2..=8;

/// A review of a film that is `good` in the end, or not.
pub(super) fn review(good: bool, r: &mut Random) -> Review {
    let names = Names::new(r);
    loop {
        let review = draft(good, &names, r);
        // Drafts lean towards what they are to mean, so few are thrown away.
        let score = if good { review.score } else { -review.score };
        if score >= MARGIN && SENTENCES.contains(&(review.text.matches(". ").count() + 1)) {
            return review;
        }
    }
}

fn draft(good: bool, names: &Names, r: &mut Random) -> Review {
    let mut clauses = Clauses { names, verdict: good, unused: (0..ASPECTS.len()).collect() };
    r.shuffle(&mut clauses.unused);
    let mut sentences: Vec<String> = Vec::new();
    let mut score = 0;
    let opinions = [1, 2, 2, 2, 3, 3, 4, 4][r.below(8) as usize];
    for _ in 0..opinions {
        let agrees = r.chance(0.94);
        let (sentence, adds) = clauses.opinion(agrees, r);
        sentences.push(sentence);
        score += adds;
    }
    for (template, share) in [(matter::FACTS, 0.3), (matter::VIEWING, 0.45), (matter::PLOT, 0.75)] {
        if r.chance(share) || (template == matter::PLOT && sentences.len() == 1) {
            let sentence = names.write(template, None, good, r);
            // What a film is about comes first more often than last.
            let places = sentences.len() as u32 + 1;
            sentences.insert(r.below(places).min(r.below(places)) as usize, sentence);
        }
    }
    let advice = r.chance(0.25);
    if advice {
        sentences.push(names.write("[|all in all, |in short, ]{advice}", None, good, r));
        score += if good { 4 } else { -4 };
    }
    let text = polish(&format!("{}.", sentences.join(". ")));
    Review { text, score }
}

/// The names that stay the same throughout a review.
struct Names {
    title: String,
    director: String,
    star: String,
}

impl Names {
    fn new(r: &mut Random) -> Self {
        let blank = Names { title: String::new(), director: String::new(), star: String::new() };
        let person = "{first} {last}";
        Names {
            title: blank.write(TITLES, None, true, r),
            director: blank.write(person, None, true, r),
            star: blank.write(person, None, true, r),
        }
    }

    /// One of the sentences that the template stands for, from someone who finds it `good` or not.
    fn write(&self, template: &str, aspect: Option<&Aspect>, good: bool, r: &mut Random) -> String {
        let mut out = String::with_capacity(96);
        expand(template, r, &|name, r| self.slot(name, aspect, good, r), &mut out);
        out
    }

    fn slot<'a>(&'a self, name: &str, aspect: Option<&Aspect>, good: bool, r: &mut Random) -> Filling<'a> {
        let pick = |pair: Pair, good: bool| Filling::from(if good { pair.good } else { pair.bad });
        let verb = |one: &'static str, many: &'static str| {
            Filling::from(if aspect.is_some_and(|aspect| aspect.plural) { many } else { one })
        };
        match (name, aspect) {
            ("title", _) => return self.title.as_str().into(),
            ("director", _) => return self.director.as_str().into(),
            ("star", _) => return self.star.as_str().into(),
            ("is", _) => return verb("is", "are"),
            ("seems", _) => return verb("seems", "seem"),
            ("does", _) => return verb("does", "do"),
            ("aspect", Some(aspect)) => return aspect.name.into(),
            ("word=", Some(aspect)) => return pick(aspect.words, good),
            ("word!", Some(aspect)) => return pick(aspect.words, !good),
            _ => {}
        }
        if let Some(template) = fixed(name, good).or(neutral(name)) {
            return template.into();
        }
        let (list, sentiment) = name.split_at(name.len().saturating_sub(1));
        match (pair(list), sentiment) {
            (Some(pair), "=") => pick(pair, good),
            (Some(pair), "!") => pick(pair, !good),
            (Some(pair), "?") => pick(pair, r.chance(0.5)),
            _ => unreachable!("no slot is named {name:?}"),
        }
    }
}

/// Makes clauses, none about an aspect that has been judged before.
struct Clauses<'a> {
    names: &'a Names,
    /// What the whole film is to be: good or not.
    verdict: bool,
    unused: Vec<usize>,
}

impl Clauses<'_> {
    /// A sentence or two, without the last full stop, and what it adds to the score.
    fn opinion(&mut self, agrees: bool, r: &mut Random) -> (String, i32) {
        if !r.chance(0.17) {
            return self.clause(agrees, form(r), r);
        }
        // Of two clauses that disagree, the one that "but" leads to counts more.
        let (minor, minor_adds) = self.clause(!agrees, plain_or_negated(r), r);
        let (major, major_adds) = self.clause(agrees, plain_or_negated(r), r);
        let text = match r.below(8) {
            0..4 => format!("{minor}, but {major}"),
            4 => format!("{minor}. However, {major}"),
            5 => format!("although {minor}, {major}"),
            6 => format!("{major}, even if {minor}"),
            _ => format!("{minor}. Still, {major}"),
        };
        (text, 2 * major_adds + minor_adds / 2)
    }

    /// A clause that agrees with the verdict, or one about some aspect that does not.
    fn clause(&mut self, agrees: bool, form: Form, r: &mut Random) -> (String, i32) {
        let good = agrees == self.verdict;
        // An aspect may be better or worse than the film, but the film is not both good and bad.
        let form = if !agrees && form == Form::Ironic { Form::Plain } else { form };
        let aspect = if !agrees || r.chance(0.5) { self.unused.pop() } else { None };
        let (aspect, template) = match (aspect, form.of_an_aspect()) {
            (Some(index), Some(template)) => (Some(&ASPECTS[index]), template),
            _ => (None, form.of_the_film()),
        };
        let mut text = self.names.write(template, aspect, good, r);
        while says_twice(&text) {
            text = self.names.write(template, aspect, good, r);
        }
        (text, if good { form.weight() } else { -form.weight() })
    }
}

/// Whether it reads like "clever and clever".
fn says_twice(text: &str) -> bool {
    match text.split_once(" and ") {
        Some((before, after)) => {
            before.split(' ').next_back() == after.split(' ').next() || before.ends_with(after)
        }
        None => false,
    }
}

fn form(r: &mut Random) -> Form {
    match r.below(100) {
        0..40 => Form::Plain,
        40..52 => Form::Strong,
        52..60 => Form::Hedged,
        60..82 => Form::Negated,
        82..96 => Form::Compared,
        _ => Form::Ironic,
    }
}

fn plain_or_negated(r: &mut Random) -> Form {
    [Form::Plain, Form::Plain, Form::Strong, Form::Hedged, Form::Negated][r.below(5) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_is_decided_by_the_score() {
        for index in 0..2_000 {
            let good = index % 2 == 0;
            let review = review(good, &mut Random::new(0, 0, index));
            assert_eq!(review.score > 0, good, "{}", review.text);
            assert!(review.score.abs() >= MARGIN, "{}: {}", review.score, review.text);
        }
    }

    /// What "but" leads to decides, however strong the other clause is.
    #[test]
    fn an_opinion_counts_for_its_side() {
        let names = Names::new(&mut Random::new(0, 0, 0));
        for index in 0..2_000 {
            let mut random = Random::new(1, 0, index);
            let mut clauses = Clauses { names: &names, verdict: true, unused: vec![0, 1, 2] };
            let agrees = index % 2 == 0;
            let (sentence, adds) = clauses.opinion(agrees, &mut random);
            assert_eq!(adds > 0, agrees, "{adds}: {sentence}");
        }
    }

    /// A slot without words, or a bracket too many, would be found here.
    #[test]
    fn every_template_can_be_written() {
        let names = Names::new(&mut Random::new(0, 0, 0));
        let forms = [Form::Plain, Form::Strong, Form::Hedged, Form::Negated, Form::Compared, Form::Ironic];
        let film = forms.iter().map(|form| (None, form.of_the_film()));
        let aspects = forms.iter().filter_map(|form| form.of_an_aspect());
        let aspects = aspects.flat_map(|template| ASPECTS.iter().map(move |aspect| (Some(aspect), template)));
        let other = [matter::PLOT, matter::VIEWING, matter::FACTS, "{advice}", TITLES];
        for (aspect, template) in film.chain(aspects).chain(other.map(|template| (None, template))) {
            for index in 0..200 {
                let text = names.write(template, aspect, index % 2 == 0, &mut Random::new(2, 0, index));
                assert!(!text.is_empty() && !text.contains(['[', ']', '{', '}', '|', '=', '!']), "{text}");
                assert!(!text.contains("  ") && text.trim() == text, "{text:?}");
            }
        }
    }

    #[test]
    fn saying_twice() {
        assert!(says_twice("the plot is thin and thin"));
        assert!(says_twice("it bored me and bored me"));
        assert!(!says_twice("the plot is thin and silly"));
    }
}
