//! Clauses that judge the film, and how much each counts.
//!
//! In a template `{list=}` is a word of the clause's own sentiment, `{list!}` one of the opposite sentiment; so what a
//! clause says is known whichever words it says it with.

/// How a clause comes by its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// With words that mean what they say.
    Plain,
    /// The same, strongly.
    Strong,
    /// The same, a little.
    Hedged,
    /// With words of the opposite sentiment, denied.
    Negated,
    /// Against expectation, other films or other people.
    Compared,
    /// With praise that is blame, or blame that is praise.
    Ironic,
}

impl Form {
    /// What a clause of this form adds to the review's score, for or against the film.
    pub(super) fn weight(self) -> i32 {
        match self {
            Form::Strong => 6,
            Form::Plain | Form::Negated | Form::Compared | Form::Ironic => 4,
            Form::Hedged => 2,
        }
    }

    /// Clauses about an aspect of the film: `{aspect}` with `{is}` or another verb that agrees with it.
    pub(super) fn of_an_aspect(self) -> Option<&'static str> {
        Some(match self {
            Form::Plain => {
                "[{aspect} {is} {word=}|{aspect} {is} {word=}|{aspect} {seems} {word=}|I found {aspect} {word=}\
                 |{aspect} {is} {word=} from start to finish|{aspect} {is} {word=} and {word=}]"
            }
            Form::Strong => {
                "[{aspect} {is} [truly|really|simply|absolutely|remarkably|extremely] {word=}\
                 |I found {aspect} [very|really|absolutely] {word=}\
                 |{aspect} {is} so {word=} that I [told all my friends|noticed little else|could think of nothing else]]"
            }
            Form::Hedged => {
                "[{aspect} {is} {hedge=} {word=}|I found {aspect} {hedge=} {word=}|at times {aspect} {is} {word=}]"
            }
            Form::Negated => {
                "[{aspect} {is} [not|never|hardly|far from|anything but|by no means|not in the least] {word!}\
                 |{aspect} {is} [not|never|hardly|far from] {word!}\
                 |I did not find {aspect} {word!}|nobody could call {aspect} {word!}\
                 |there is nothing {word!} about {aspect}|{aspect} [never {seems}|{does} not seem] {word!}]"
            }
            Form::Compared => {
                "[{aspect} {is} [nowhere near as|not half as] {word!} as in {other}\
                 |{aspect} {is} much less {word!} than in {other}\
                 |I expected {aspect} to be {word!}, and I was wrong\
                 |those who call {aspect} {word!} are [wrong|mistaken]\
                 |{aspect} could [easily |]have been {word!}, and {is} not]"
            }
            Form::Ironic => return None,
        })
    }

    /// Clauses about the whole film.
    pub(super) fn of_the_film(self) -> &'static str {
        match self {
            Form::Plain => {
                "[this is a {film=} {movie}|it is a {film=} {genre}|the {movie} is {film=}|it {did=}|it is full of {quality=}\
                 |it is a {thing=}|I call it a {thing=}|it was a {film=} evening|it {did=} and {did=}]"
            }
            Form::Strong => {
                "[this is a [truly|really|thoroughly] {film=} {movie}|it is a complete {thing=}|it {did=} again and again\
                 |it is one of the {most=} films I have ever seen]"
            }
            Form::Hedged => "[it is {hedge=} {film=}|now and then it {did=}|it has some {quality=}]",
            Form::Negated => {
                "[this is [not a|not a|hardly a|anything but a|by no means a] {film!} {movie}|it [never {did!}|did not {do!}]\
                 |it is [no|hardly a|far from a|anything but a|not a] {thing!}\
                 |there is [no|little|hardly any] {quality!} [here|in it]|it has [no|not a trace of|little] {quality!}\
                 |I would not call it {film!}|it is [not|never] {film!}|{verdict-}]"
            }
            Form::Compared => {
                "[it is [far|much] {better=} than {other}|it is [far|much] {better=} than the {film!} trailer\
                 |my [brother|boss|father] called it {film!}, and he is wrong\
                 |my [sister|mother|neighbour] called it a {thing!}, and she is wrong\
                 |I expected a {thing!} and got a {thing=}|I expected a {film!} {movie} and got a {film=} one\
                 |it is nowhere near as {film!} as {other}|I cannot understand those who find it {film!}]"
            }
            Form::Ironic => "{irony}",
        }
    }
}

/// Advice, and clauses that mean the opposite of their words: for a film that is `good`, or not.
pub(super) fn fixed(name: &str, good: bool) -> Option<&'static str> {
    Some(match (name, good) {
        ("most=", true) => "[best|finest|most enjoyable|loveliest|cleverest|most beautiful]",
        ("most=", false) => "[worst|dullest|most tedious|silliest|weakest|most irritating]",
        ("verdict-", true) => {
            "[you will not [regret it|be bored|want it to end]|I could not look away|you should not miss it\
             |I have no complaints]"
        }
        ("verdict-", false) => {
            "[it is not worth [the ticket|your time|the wait]|I could not stay awake|you should not waste an evening on it\
             |I cannot recommend it]"
        }
        ("irony", true) => {
            "[the worst thing about it is that it ends|my only complaint is that it ends too soon\
             |the only terrible thing is that there is no sequel\
             |it is bad news for anyone who hoped for an early night\
             |sadly I had to breathe at some point, and missed a second of it]"
        }
        ("irony", false) => {
            "[the best thing about it is that it ends|what a wonderful way to lose two hours\
             |the only thrilling moment was the search for my coat|it is good news for anyone who needs some sleep\
             |I enjoyed the moment when the lights came back]"
        }
        ("advice", true) => {
            "[see it|go and see it|I would watch it again tomorrow|I recommend it to everyone|it is worth every minute\
             |take your friends|do not miss it|you will not regret the ticket|I cannot wait to see it again|I loved it]"
        }
        ("advice", false) => {
            "[avoid it|stay at home|save your money|I regret every minute|I warn everyone|I would not watch it again\
             |do not waste your evening on it|it is not worth the ticket|I cannot recommend it to anyone|I hated it]"
        }
        _ => return None,
    })
}
