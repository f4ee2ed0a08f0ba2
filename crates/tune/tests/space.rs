//! Spaces and options that are refused, and what is said of them.

use std::error::Error;

use fireclay_tune::{Domain, Search, SearchOptions, Setting, Settings, Space, TuneError};

fn refused(text: &str) -> String {
    Space::from_toml(text).unwrap_err().to_string()
}

#[test]
fn a_space_is_read_in_its_order_and_written_back() {
    let text = "[z]\nlow = 1\nhigh = 1e3\nlog = true\n[a]\nlow = 16\nhigh = 64\ninteger = true\nlog = true\n[m]\nvalues = ['x']";
    let space = Space::from_toml(text).unwrap();
    let expected = Space::new([
        ("z", Domain::Float { low: 1.0, high: 1000.0, log: true }),
        ("a", Domain::Integer { low: 16, high: 64, log: true }),
        ("m", Domain::Choice { values: vec!["x".into()] }),
    ]);
    assert_eq!(space, expected);
    assert_eq!(Space::from_toml(&toml::to_string(&space).unwrap()).unwrap(), space);
    let json = serde_json::to_string(&space).unwrap();
    assert_eq!(
        json,
        r#"{"z":{"low":1.0,"high":1000.0,"log":true},"a":{"low":16,"high":64,"log":true,"integer":true},"m":{"values":["x"]}}"#
    );
    assert_eq!(serde_json::from_str::<Space>(&json).unwrap(), space);
    let shown: Vec<String> =
        space.parameters().iter().map(|parameter| parameter.domain.to_string()).collect();
    assert_eq!(
        shown,
        [
            "a number from 1 to 1000 on a log scale",
            "a whole number from 16 to 64 on a log scale",
            "one of \"x\""
        ]
    );
}

#[test]
fn a_space_that_cannot_be_searched_is_refused_by_name() {
    let cases = [
        ("", "the search space has no parameters; write a table for each one, such as [learning_rate]"),
        ("[a]\nlow = 2\nhigh = 1", "parameter \"a\": low is 2, which is not below high, 1; exchange them"),
        (
            "[a]\nlow = 2\nhigh = 2\ninteger = true",
            "parameter \"a\": low is 2, which is not below high, 2; exchange them",
        ),
        (
            "[a]\nlow = 0\nhigh = 1\nlog = true",
            "parameter \"a\": a log scale needs low above 0, found 0; raise low or leave out log",
        ),
        (
            "[a]\nlow = -1\nhigh = 1\nlog = true\ninteger = true",
            "parameter \"a\": a log scale needs low above 0, found -1; raise low or leave out log",
        ),
        (
            "[a]\nlow = 0\nhigh = inf",
            "parameter \"a\": low, high and their difference must be finite, found inf",
        ),
        (
            "[a]\nlow = nan\nhigh = 1",
            "parameter \"a\": low, high and their difference must be finite, found NaN",
        ),
        (
            "[a]\nlow = -1e308\nhigh = 1e308",
            "parameter \"a\": low, high and their difference must be finite, found inf",
        ),
        (
            "[a]\nlow = 0\nhigh = 9007199254740993\ninteger = true",
            "parameter \"a\": whole numbers go from -9007199254740992 to 9007199254740992, found 9007199254740993",
        ),
        ("[a]\nvalues = []", "parameter \"a\" has no values to choose from; list one at least"),
        ("[a]\nvalues = ['x', 'y', 'x']", "parameter \"a\" has the value \"x\" twice; leave one of them out"),
        ("[a]\nlow = 1", "parameter \"a\" has `low` but no `high`; write both"),
        ("[a]\nhigh = 1", "parameter \"a\" has `high` but no `low`; write both"),
        ("[a]", "parameter \"a\" has neither `low` and `high` nor `values`; write one of them"),
        (
            "[a]\nlow = 1\nvalues = ['x']",
            "parameter \"a\" has `values` and also bounds; leave one of them out",
        ),
        (
            "[a]\nlog = true\nvalues = ['x']",
            "parameter \"a\" has `values`, for which there is no `log` and no `integer`; leave them out",
        ),
        (
            "[a]\nlow = 1.5\nhigh = 2\ninteger = true",
            "parameter \"a\" is an integer, but `low` or `high` has a decimal point; write whole numbers",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(text), expected, "{text}");
    }
    let twice = Space::new(["a", "a"].map(|name| (name, Domain::Integer { low: 0, high: 1, log: false })));
    assert_eq!(twice.check().unwrap_err().to_string(), "two parameters are called \"a\"; rename one of them");
    assert!(matches!(Search::new(twice, SearchOptions::default()), Err(TuneError::SameName { .. })));
}

#[test]
fn a_text_of_another_form_is_refused_with_its_line() {
    for (text, line, problem) in [
        ("[a]\nlow = 1\nhihg = 2", "line 3", "unknown field `hihg`"),
        ("[a]\nlow = 'x'\nhigh = 2", "line 2", "expected a number"),
        ("[a]\nvalues = [1]", "line 2", "expected a string"),
        ("a = 3", "line 1", "invalid type: integer"),
        ("[a]\n[a]", "line 2", "duplicate key"),
    ] {
        let error = Space::from_toml(text).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the search space cannot be read; each parameter is a table with low and high, or with values"
        );
        let source = error.source().unwrap().to_string();
        assert!(source.contains(line) && source.contains(problem), "{text}: {source}");
    }
    let error = serde_json::from_str::<Space>(r#"{"a":{"low":1}}"#).unwrap_err().to_string();
    assert!(error.starts_with("parameter \"a\" has `low` but no `high`; write both"), "{error}");
}

#[test]
fn options_that_make_no_search_are_refused() {
    let space = Space::from_toml("[a]\nlow = 0\nhigh = 1\n[b]\nvalues = ['x', 'y']").unwrap();
    let usual = SearchOptions::default;
    let settings = |list: &[(&str, Setting)]| list.iter().cloned().collect::<Settings>();
    let (a, b) = (("a", Setting::Float(0.5)), ("b", Setting::Choice("y".into())));
    let first = |list: &[(&str, Setting)]| SearchOptions { first: vec![settings(list)], ..usual() };
    let cases = [
        (
            SearchOptions { rungs: vec![], ..usual() },
            "search option rungs: expected one or more ascending numbers above 0, found []",
        ),
        (
            SearchOptions { rungs: vec![0, 1], ..usual() },
            "search option rungs: expected one or more ascending numbers above 0, found [0, 1]",
        ),
        (
            SearchOptions { rungs: vec![3, 3], ..usual() },
            "search option rungs: expected one or more ascending numbers above 0, found [3, 3]",
        ),
        (SearchOptions { keep: 1, ..usual() }, "search option keep: expected 2 or more, found 1"),
        (SearchOptions { bracket: 0, ..usual() }, "search option bracket: expected 1 to 100000, found 0"),
        (
            SearchOptions { bracket: usize::MAX, ..usual() },
            "search option bracket: expected 1 to 100000, found 18446744073709551615",
        ),
        (
            SearchOptions { bracket: 1, first: vec![settings(&[a.clone(), b.clone()]); 2], ..usual() },
            "search option first: expected 1 settings at most, as many as a bracket has trials, found 2",
        ),
        (first(std::slice::from_ref(&a)), "the settings have no value for parameter \"b\""),
        (
            first(&[a.clone(), b.clone(), ("c", Setting::Integer(1))]),
            "the settings have a value for \"c\", which is not a parameter; there are a, b",
        ),
        (
            first(&[("a", Setting::Float(1.5)), b.clone()]),
            "parameter \"a\": expected a number from 0 to 1, found 1.5",
        ),
        (
            first(&[a.clone(), ("b", Setting::Choice("z".into()))]),
            "parameter \"b\": expected one of \"x\", \"y\", found z",
        ),
    ];
    for (options, expected) in cases {
        assert_eq!(Search::new(space.clone(), options).unwrap_err().to_string(), expected);
    }
    assert!(Search::new(space, first(&[a, b])).is_ok());
}
