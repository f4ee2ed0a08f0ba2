//! `audit` of tables and texts of one's own.

use serde_json::Value;

use super::kinds::write_texts;
use super::{fail, scratch, succeed};

fn record(stdout: &str) -> Value {
    let records = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.into_iter().find(|record| record["type"] == "audit").expect("a record of the audit")
}

#[test]
fn groups_of_a_table_are_compared() {
    let folder = scratch();
    let folder = folder.path();
    succeed(folder, &["train", "flats.csv", "--target", "large", "--preset", "quick", "--seed", "3"]);
    let audit = [
        "audit",
        "model.fireclay",
        "flats.csv",
        "--group",
        "district",
        "--positive",
        "yes",
        "--shadows",
        "2",
    ];
    let found = record(&succeed(folder, &[&audit[..], &["--json"]].concat()).stdout);
    let groups = found["fairness"]["groups"].as_array().unwrap();
    let names: Vec<&str> = groups.iter().map(|group| group["name"].as_str().unwrap()).collect();
    assert!(["north", "south", "centre"].iter().all(|name| names.contains(name)), "{names:?}");
    // Those that were held out of the training.
    let samples: u64 = groups.iter().map(|group| group["samples"].as_u64().unwrap()).sum();
    assert!((60..=180).contains(&samples), "{samples}");
    assert_eq!(samples, found["calibration"]["samples"].as_u64().unwrap());
    assert!(found["fairness"]["differences"][1]["value"].as_f64().unwrap() < 0.5);
    assert!(found["privacy"]["attacks"][0]["area"].as_f64().unwrap() < 0.75);
    let left_out = found["left_out"].to_string();
    assert!(left_out.contains("robustness") && left_out.contains("of pictures and of texts"), "{left_out}");

    let by_size =
        succeed(folder, &["audit", "model.fireclay", "flats.csv", "--group", "size", "--only", "fairness"]);
    assert!(by_size.stdout.contains("demographic parity difference"), "{}", by_size.stdout);
    let wrong = |flags: &[&str], words: &[&str]| {
        fail(folder, &[&["audit", "model.fireclay", "flats.csv"], flags].concat(), 2, words);
    };
    wrong(&["--group", "district", "--positive", "maybe"], &["no class 'maybe'", "no, yes"]);
    wrong(&["--group", "note", "--only", "fairness"], &["group is a column of 1 value"]);
    let none = ["audit", "model.fireclay", "flats.csv", "--group", "street", "--only", "fairness"];
    fail(folder, &none, 1, &["street"]);

    succeed(
        folder,
        &["train", "flats.csv", "--target", "rent", "--preset", "quick", "--out", "rent.fireclay"],
    );
    fail(
        folder,
        &["audit", "rent.fireclay", "flats.csv"],
        2,
        &["rent.fireclay gives samples no classes", "audit"],
    );
}

#[test]
fn texts_are_mistyped() {
    let folder = scratch();
    let folder = folder.path();
    write_texts(&folder.join("notes"), 0..400);
    succeed(folder, &["train", "notes"]);
    let audit = ["audit", "model.fireclay", "notes", "--shadows", "2", "--json"];
    let robustness = record(&succeed(folder, &audit).stdout)["robustness"].clone();
    let evaluated = succeed(folder, &["evaluate", "model.fireclay", "notes", "--json"]).stdout;
    let evaluated: Value = serde_json::from_str(evaluated.lines().last().unwrap()).unwrap();
    assert_eq!(
        robustness["accuracy"], evaluated["report"]["accuracy"],
        "of the very texts that are evaluated"
    );
    for (index, name) in ["typing mistakes", "dropped words"].into_iter().enumerate() {
        let corruption = &robustness["corruptions"][index];
        assert_eq!(corruption["name"], name);
        let accuracy: Vec<f64> =
            corruption["accuracy"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
        assert!(
            accuracy.len() == 5 && accuracy[4] <= robustness["accuracy"].as_f64().unwrap(),
            "{name}: {accuracy:?}"
        );
    }
}
