//! Journals that are cut, damaged, locked or of another search.

use std::error::Error;
use std::fs;
use std::path::Path;

use fireclay_tune::{Domain, Header, Journal, Outcome, Search, SearchOptions, Space, TrialResult, TuneError};
use serde_json::json;

const BUDGET_SECONDS: f64 = 14.0;

fn header() -> Header {
    let space = Space::new([
        ("rate", Domain::Float { low: 1e-5, high: 1.0, log: true }),
        ("width", Domain::Integer { low: 1, high: 64, log: true }),
        ("kind", Domain::Choice { values: vec!["x".into(), "y".into()] }),
    ]);
    let options =
        SearchOptions { seed: 5, rungs: vec![1, 2], keep: 2, bracket: 4, ..SearchOptions::default() };
    Header { space, options, context: json!({ "data": { "sha256": "abc" }, "epochs": 3 }) }
}

/// Goes on with a search to its end, which its plan says, or to the outcome after which it is `killed`.
fn go_on(path: &Path, killed: Option<usize>) -> Result<(Search, Option<TrialResult>), TuneError> {
    let (mut journal, mut search) = Journal::open_or_create(path, header())?;
    let mut left = killed.unwrap_or(usize::MAX);
    loop {
        if search.brackets_done() > 0
            && search.brackets_done() >= journal.plan_brackets(&search, BUDGET_SECONDS)?
        {
            let best = search.best();
            return Ok((search, best));
        }
        for trial in search.ready() {
            if left == 0 {
                return Ok((search, None));
            }
            left -= 1;
            let rate = trial.settings.float("rate").unwrap();
            let score = (trial.number % 5 != 1).then(|| (rate.log10() + 2.0).abs() / trial.resource as f64);
            journal.report(&mut search, trial.number, trial.rung, Outcome { score, seconds: 0.7 })?;
        }
    }
}

/// A finished search, as text.
fn finished(folder: &Path) -> (String, TrialResult) {
    let path = folder.join("whole.jsonl");
    let (search, best) = go_on(&path, None).unwrap();
    // A bracket has 4 + 2 trials of 0.7 s, and three of them fit into 14 s.
    assert_eq!((search.brackets_done(), search.results().len()), (3, 18));
    (fs::read_to_string(path).unwrap(), best.unwrap())
}

#[test]
fn a_search_that_is_cut_anywhere_ends_as_the_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, best) = finished(folder.path());
    assert_eq!(whole.lines().count(), 1 + 18 + 1);
    let path = folder.path().join("cut.jsonl");
    let mut end = 0;
    for line in whole.split_inclusive('\n') {
        // Before the line and in its middle.
        for cut in [end, end + line.len() / 2] {
            fs::write(&path, &whole[..cut]).unwrap();
            let (_, resumed) = go_on(&path, None).unwrap();
            assert_eq!(resumed.as_ref(), Some(&best));
            assert!(fs::read_to_string(&path).unwrap() == whole, "cut at byte {cut}");
        }
        end += line.len();
    }
}

#[test]
fn a_torn_line_is_dropped_when_the_file_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("search.jsonl");
    go_on(&path, Some(2)).unwrap();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], b"{\"trial\":{\"num\xff\0\0"].concat()).unwrap();
    let (journal, search) = Journal::open_or_create(&path, header()).unwrap();
    assert_eq!((search.results().len(), journal.plan(), journal.path()), (2, None, path.as_path()));
    assert!(fs::read(&path).unwrap() == whole);
}

#[test]
fn the_header_is_what_the_format_says() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, _) = finished(folder.path());
    let lines: Vec<serde_json::Value> =
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["header"]["version"], 1);
    assert_eq!(lines[0]["header"]["context"], header().context);
    let keys: Vec<&String> = lines[1]["trial"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["number", "rung", "settings", "score", "seconds"]);
    assert_eq!(lines[7], json!({ "plan": { "budget_seconds": 14.0, "brackets": 3 } }));
}

#[test]
fn a_file_that_was_changed_is_refused_with_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, _) = finished(folder.path());
    let lines: Vec<&str> = whole.lines().collect();
    let path = folder.path().join("changed.jsonl");
    let with = |index: usize, line: &str| {
        let mut lines = lines.clone();
        lines[index] = line;
        fs::write(&path, format!("{}\n", lines.join("\n"))).unwrap();
        let error = Journal::open_or_create(&path, header()).unwrap_err();
        (error.to_string(), error.source().map(|source| source.to_string()).unwrap_or_default())
    };
    let shown = path.display();

    for (line, problem) in [
        ("", "EOF while parsing"),
        ("{}", "expected value"),
        ("\0\0\0", "expected value"),
        (&lines[3][..20], "EOF while parsing"),
        (&lines[3].replace("\"rung\"", "\"rang\""), "unknown field `rang`"),
        (&lines[3].replace(",\"seconds\":0.7", ""), "missing field `seconds`"),
        (&lines[3].replace("\"score\"", "\"scores\""), "unknown field `scores`"),
        (r#"{"trial":{"number":2,"rung":0,"settings":{},"seconds":1.0}}"#, "missing field `score`"),
        (r#"{"other":{}}"#, "unknown variant `other`"),
    ] {
        let (text, source) = with(3, line);
        assert_eq!(
            text,
            format!("{shown}, line 4: the journal is damaged; mend the line, or name another file")
        );
        assert!(source.contains(problem), "{line}: {source}");
    }

    let again = "does not wait for an outcome at rung 0, both counted from 0; report each trial once";
    let plan = r#"{"plan":{"budget_seconds":14.0,"brackets":4}}"#;
    for (index, line, problem) in [
        (3, lines[2].to_owned(), format!("trial 1 {again}")),
        (3, lines[3].replace("\"number\":2", "\"number\":77"), format!("trial 77 {again}")),
        (3, lines[0].to_owned(), "a header belongs into line 1 alone".to_owned()),
        (
            3,
            lines[7].to_owned(),
            "the number of brackets is planned by the time that the first one takes, and that is not done yet"
                .to_owned(),
        ),
        (
            3,
            lines[3].replace("\"seconds\":0.7", "\"seconds\":-0.7"),
            "a trial took -0.7 s; expected a finite number that is not below 0".to_owned(),
        ),
        (7, plan.to_owned(), "a plan of 3 brackets follows from the first bracket, found 4".to_owned()),
        (8, lines[7].to_owned(), "there is a plan before".to_owned()),
    ] {
        let (text, source) = with(index, &line);
        let expected = format!(
            "{shown}, line {}: the journal is damaged, because this line does not follow from those before; name another file",
            index + 1
        );
        assert_eq!((text, source), (expected, problem));
    }

    let kind = if lines[3].contains("\"x\"") { ("\"x\"", "\"y\"") } else { ("\"y\"", "\"x\"") };
    let (_, source) = with(3, &lines[3].replace(kind.0, kind.1));
    assert!(source.starts_with("trial 2 ran with kind="), "{source}");
    assert!(
        source.ends_with("is proposed; an older version of this program may have written it"),
        "{source}"
    );

    let (text, _) = with(0, &lines[0].replace("\"version\":1", "\"version\":2"));
    assert_eq!(
        text,
        format!("{shown}, line 1: the journal has format version 2, this program reads 1; name another file")
    );
    let (text, _) = with(0, &lines[0].replace("\"seed\"", "\"sead\""));
    assert_eq!(text, format!("{shown}, line 1: the journal is damaged; mend the line, or name another file"));
}

#[test]
fn another_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    for text in ["a note without an end", "a note\n", "{\"header\":{}}\n", "{\"other\":1}\n"] {
        fs::write(&path, text).unwrap();
        let error = Journal::open_or_create(&path, header()).unwrap_err();
        let expected =
            format!("{}, line 1: this is not a journal of a search; name another file", path.display());
        assert_eq!(error.to_string(), expected);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::File::create(&path).unwrap().set_len(1 << 30).unwrap();
    assert_eq!(
        Journal::open_or_create(&path, header()).unwrap_err().to_string(),
        format!(
            "{} has 1073741824 bytes, and a journal 268435456 at most; is it the right file?",
            path.display()
        )
    );
    let path = folder.path().join("no such folder/search.jsonl");
    let error = Journal::open_or_create(&path, header()).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot open {}", path.display()));
    assert!(error.source().is_some());
}

#[test]
fn a_journal_of_another_search_is_refused_with_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("search.jsonl");
    go_on(&path, Some(1)).unwrap();
    let before = fs::read(&path).unwrap();
    let refused = |change: &dyn Fn(&mut Header)| {
        let mut header = header();
        change(&mut header);
        let text = Journal::open_or_create(&path, header).unwrap_err().to_string();
        assert!(fs::read(&path).unwrap() == before);
        let text = text.strip_prefix(&format!("{} belongs to another search: ", path.display())).unwrap();
        text.strip_suffix("; name another file").unwrap().to_owned()
    };
    assert_eq!(refused(&|header| header.options.seed = 6), "options.seed is 5 in the file and now 6");
    assert_eq!(
        refused(&|header| header.context["data"]["sha256"] = json!("abd")),
        "context.data.sha256 is \"abc\" in the file and now \"abd\""
    );
    assert_eq!(
        refused(&|header| header.context = json!({ "data": { "sha256": "abc" }, "width": 4 })),
        "context.epochs is 3 in the file and now missing; context.width is missing in the file and now 4"
    );
    let other = |parameters: &[(&str, i64)]| {
        Space::new(
            parameters.iter().map(|(name, low)| (*name, Domain::Integer { low: *low, high: 99, log: false })),
        )
    };
    assert_eq!(
        refused(&|header| header.space = other(&[("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1)])),
        "space.rate is {\"low\":0.00001,\"high\":1.0,\"log\":true} in the file and now missing; space.width is \
         {\"low\":1,\"high\":64,\"log\":true,\"integer\":true} in the file and now missing; space.kind is \
         {\"values\":[\"x\",\"y\"]} in the file and now missing; space.a is missing in the file and now \
         {\"low\":1,\"high\":99,\"integer\":true}; space.b is missing in the file and now \
         {\"low\":1,\"high\":99,\"integer\":true}; and 3 more"
    );
    let reversed = |header: &mut Header| {
        let parameters = header.space.parameters().iter().rev().cloned();
        header.space = Space::new(parameters.map(|parameter| (parameter.name, parameter.domain)));
    };
    assert_eq!(refused(&reversed), "the parameters of the space are in another order");
}

#[test]
fn a_second_search_cannot_write_into_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("search.jsonl");
    let (journal, _) = Journal::open_or_create(&path, header()).unwrap();
    assert_eq!(
        Journal::open_or_create(&path, header()).unwrap_err().to_string(),
        format!(
            "{} is being written by another search; wait until it ends, or name another file",
            path.display()
        )
    );
    drop(journal);
    assert!(Journal::open_or_create(&path, header()).is_ok());
}

#[test]
fn a_plan_is_made_once_and_after_the_first_bracket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("search.jsonl");
    let (mut journal, search) = Journal::open_or_create(&path, header()).unwrap();
    assert_eq!(
        journal.plan_brackets(&search, 1.0).unwrap_err().to_string(),
        "the number of brackets is planned by the time that the first one takes, and that is not done yet"
    );
    drop(journal);
    go_on(&path, None).unwrap();
    let (mut journal, search) = Journal::open_or_create(&path, header()).unwrap();
    assert_eq!(journal.plan_brackets(&search, BUDGET_SECONDS).unwrap(), 3);
    assert_eq!(
        journal.plan_brackets(&search, 60.0).unwrap_err().to_string(),
        "the search was planned for 14 s, not for 60 s; give the same time budget"
    );
}

#[test]
fn an_outcome_that_is_refused_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("search.jsonl");
    let (mut journal, mut search) = Journal::open_or_create(&path, header()).unwrap();
    let before = fs::read(&path).unwrap();
    let outcome = Outcome { score: Some(1.0), seconds: 1.0 };
    assert!(journal.report(&mut search, 99, 0, outcome).is_err());
    assert!(journal.report(&mut search, 0, 0, Outcome { seconds: -1.0, ..outcome }).is_err());
    assert!(fs::read(&path).unwrap() == before);
    // A score that is not finite is written as none.
    journal.report(&mut search, 0, 0, Outcome { score: Some(f64::NAN), ..outcome }).unwrap();
    assert!(fs::read_to_string(&path).unwrap().ends_with("\"score\":null,\"seconds\":1.0}}\n"));
}
