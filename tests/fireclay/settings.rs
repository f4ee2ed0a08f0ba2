//! Settings in a file, how much work is done, and what else changes a training.

use std::fmt::Write;

use crate::{fail, noise, scratch, succeed};

#[test]
fn a_file_of_settings_says_what_flags_say() {
    let folder = scratch();
    let write = |text: &str| std::fs::write(folder.path().join("fireclay.toml"), text).unwrap();
    let said = succeed(folder.path(), &["init", "flats.csv"]).stdout;
    assert!(said.contains("fireclay.toml is written"), "{said}");
    let written = std::fs::read_to_string(folder.path().join("fireclay.toml")).unwrap();
    for line in [
        "data = \"flats.csv\"",
        "kind = \"table\" # it is a file of text",
        "# epochs = \"N\"",
        "# test = \"PATH\"",
    ] {
        assert!(written.contains(line), "no {line:?} in {written}");
    }
    fail(folder.path(), &["init", "flats.csv"], 2, &["is there already", "--force"]);
    // As it is written it changes nothing.
    let printed =
        succeed(folder.path(), &["train", "flats.csv", "--target", "rent", "--print-config"]).stdout;
    write(&printed);
    let again = succeed(folder.path(), &["train", "--print-config"]);
    assert_eq!(again.stdout, printed);
    assert!(again.stderr.contains("settings of fireclay.toml"), "{}", again.stderr);

    write(
        "data = \"flats.csv\"\ntarget = \"rent\"\nepochs = 2\nignore = [\"note\", \"built\"]\nkeep_best = false\n",
    );
    let of = |flags: &[&str]| succeed(folder.path(), &[&["train", "--print-config"], flags].concat()).stdout;
    assert!(
        of(&[]).contains("epochs = 2\n") && of(&[]).contains("ignore = [\"note\", \"built\"]"),
        "{}",
        of(&[])
    );
    assert!(of(&["--epochs", "7"]).contains("epochs = 7\n"));
    let elsewhere = folder.path().join("below");
    std::fs::create_dir(&elsewhere).unwrap();
    let trained = succeed(&elsewhere, &["train", "../flats.csv"]);
    assert!(trained.stdout.contains("epoch 2/2"), "{}", trained.stdout);

    write("epoch = 2\n");
    fail(
        folder.path(),
        &["train", "flats.csv"],
        2,
        &["fireclay.toml: epoch is no setting; did you mean epochs?"],
    );
    write("epochs = \"many\"\n");
    fail(folder.path(), &["train", "flats.csv"], 2, &["--epochs"]);
    fail(folder.path(), &["train", "flats.csv", "--config", "other.toml"], 2, &["other.toml"]);
}

#[test]
fn how_much_is_done_can_be_said_in_a_word_or_in_minutes() {
    let folder = scratch();
    let epochs = |flags: &[&str]| -> usize {
        let flags = [&["train", "flats.csv", "--target", "rent", "--print-config"], flags].concat();
        let printed = succeed(folder.path(), &flags).stdout;
        let line = printed.lines().find_map(|line| line.strip_prefix("epochs = ")).map(str::to_owned);
        line.unwrap_or(printed).parse().unwrap()
    };
    let good = epochs(&[]);
    assert_eq!(epochs(&["--preset", "quick"]), good.div_ceil(4));
    assert_eq!(epochs(&["--preset", "best"]), 2 * good);
    assert_eq!(epochs(&["--minutes", "60"]), good);
    assert_eq!(epochs(&["--minutes", "0.00001"]), 1);
    fail(folder.path(), &["train", "flats.csv", "--minutes", "0"], 2, &["minutes is 0"]);
}

/// One row in twenty is of the class `bad`, and looks a little like one.
fn rare(rows: std::ops::Range<usize>) -> String {
    let mut table = "size,shade,state\n".to_owned();
    for row in rows {
        let is_bad = row % 20 == 7;
        let size = noise(row, 0) + if is_bad { 0.6 } else { 0.0 };
        writeln!(table, "{size:.4},{:.4},{}", noise(row, 1), if is_bad { "bad" } else { "fine" }).unwrap();
    }
    table
}

#[test]
fn rare_classes_can_count_as_much_as_frequent_ones() {
    let folder = scratch();
    std::fs::write(folder.path().join("parts.csv"), rare(0..1000)).unwrap();
    std::fs::write(folder.path().join("more.csv"), rare(1000..1600)).unwrap();
    let plain = ["train", "parts.csv", "--test", "more.csv", "--out", "plain.fireclay"];
    let said = succeed(folder.path(), &plain).stderr;
    assert!(said.contains("data: 95.0 % of the training samples are \"fine\""), "{said}");
    let balanced = ["train", "parts.csv", "--test", "more.csv", "--class-weights", "balanced"];
    let trained = succeed(folder.path(), &balanced);
    assert!(trained.stdout.contains("balanced class weights"), "{}", trained.stdout);
    assert!(trained.stdout.contains("is predicted above a probability of"), "{}", trained.stdout);
    let inspected = succeed(folder.path(), &["inspect", "model.fireclay"]).stdout;
    assert!(inspected.contains("threshold  \"fine\" above a probability of 0."), "{inspected}");
    // `predict` and `evaluate` decide as the training's own measure did.
    let right = |stdout: &str| {
        stdout.lines().find_map(|line| {
            line.split_once('(')?.1.split_once(" of 600 right").map(|(n, _)| n.parse::<usize>().unwrap())
        })
    };
    let expected = right(&trained.stdout).unwrap();
    let evaluated = succeed(folder.path(), &["evaluate", "model.fireclay", "more.csv"]);
    assert_eq!(right(&evaluated.stdout), Some(expected));
    let answers = succeed(folder.path(), &["predict", "more.csv"]).stdout;
    let same = answers.lines().skip(1).filter(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        cells[2] == cells[3]
    });
    assert_eq!(same.count(), expected);
    // And so do those that look at groups.
    let by =
        succeed(folder.path(), &["evaluate", "model.fireclay", "more.csv", "--by", "size", "--json"]).stdout;
    let of_all: serde_json::Value = serde_json::from_str(by.lines().last().unwrap()).unwrap();
    assert_eq!((of_all["measures"]["accuracy"].as_f64().unwrap() * 600.0).round() as usize, expected);
    let audit = ["audit", "model.fireclay", "more.csv", "--only", "fairness", "--group", "size", "--json"];
    let audit: serde_json::Value = serde_json::from_str(&succeed(folder.path(), &audit).stdout).unwrap();
    let groups = audit["fairness"]["groups"].as_array().unwrap();
    let right: f64 = groups
        .iter()
        .map(|group| group["samples"].as_f64().unwrap() * group["measures"][0][1].as_f64().unwrap())
        .sum();
    assert_eq!(right.round() as usize, expected);
    fail(
        folder.path(),
        &["train", "flats.csv", "--target", "rent", "--class-weights", "balanced"],
        2,
        &["--class-weights balanced is for classes"],
    );
}

#[test]
fn validation_samples_can_be_named() {
    let folder = scratch();
    let flags = [
        "train",
        "flats.csv",
        "--target",
        "rent",
        "--validation",
        "new.csv",
        "--epochs",
        "3",
        "--patience",
        "2",
    ];
    let trained = succeed(folder.path(), &flags);
    assert!(trained.stdout.contains("val_loss"), "{}", trained.stdout);
    assert!(trained.stdout.contains("measured on validation samples of their own"), "{}", trained.stdout);
    let both = [&flags[..], &["--validation-split", "0.2"]].concat();
    fail(folder.path(), &both, 2, &["validation_split", "validation samples are named"]);
    fail(
        folder.path(),
        &["evaluate", "model.fireclay", "new.csv", "--validation", "flats.csv"],
        2,
        &["--validation is for train"],
    );
    let overlapping = succeed(
        folder.path(),
        &[
            "train",
            "flats.csv",
            "--target",
            "rent",
            "--test",
            "new.csv",
            "--validation",
            "new.csv",
            "--epochs",
            "1",
        ],
    );
    let said = "data: 100 of 100 test samples occur in validation too";
    assert!(overlapping.stderr.contains(said), "{}", overlapping.stderr);
}

#[test]
fn groups_of_rows_are_measured_apart() {
    let folder = scratch();
    succeed(folder.path(), &["train", "flats.csv", "--target", "rent", "--epochs", "5"]);
    let by = succeed(folder.path(), &["evaluate", "model.fireclay", "new.csv", "--by", "district"]).stdout;
    let rows: Vec<&str> = by.lines().collect();
    assert!(rows[1].contains("MAE") && rows[1].contains("95 % interval"), "{by}");
    let first = |row: &str| row.split_whitespace().next().unwrap().to_owned();
    let names: Vec<String> = rows[2..].iter().map(|row| first(row)).collect();
    assert_eq!(names, ["centre", "north", "south", "all"]);
    // Of the table that it was trained on only what was held out is measured.
    let own = succeed(folder.path(), &["evaluate", "model.fireclay", "flats.csv", "--by", "district"]);
    assert!(
        own.stderr.contains("480 of these 600 samples were trained on and are left out"),
        "{}",
        own.stderr
    );
    assert!(
        own.stdout.lines().any(|line| line.starts_with("all") && line.contains(" 120 ")),
        "{}",
        own.stdout
    );
    let by = succeed(folder.path(), &["evaluate", "model.fireclay", "new.csv", "--by", "size"]).stdout;
    assert_eq!(by.lines().filter(|line| line.contains(" to ")).count(), 4, "{by}");
    let json =
        succeed(folder.path(), &["evaluate", "model.fireclay", "new.csv", "--by", "large", "--json"]).stdout;
    assert!(json.lines().count() == 3 && json.contains("\"type\":\"group\""), "{json}");
    fail(
        folder.path(),
        &["evaluate", "model.fireclay", "new.csv", "--by", "districts"],
        1,
        &["did you mean \"district\""],
    );
    fail(folder.path(), &["evaluate", "model.fireclay", "--by", "district"], 2, &["TABLE.csv --by"]);
}

#[test]
fn data_and_files_are_looked_at() {
    let folder = scratch();
    let mut table = "size,code,left,grade\n".to_owned();
    for row in 0..200 {
        let grade = if noise(row, 3) > 0.5 { "high" } else { "low" };
        let left = if grade == "high" { "moved" } else { "stayed" };
        writeln!(table, "{:.3},{},{left},{grade}", noise(row, 1), row % 3).unwrap();
    }
    table.push_str("0.5,1,moved,high\n0.5,1,moved,high\n");
    std::fs::write(folder.path().join("leak.csv"), table).unwrap();
    let shown = succeed(folder.path(), &["data", "leak.csv", "--target", "grade"]).stdout;
    for said in ["column", "number", "target", "gives the target away", "what weakens a result"] {
        assert!(shown.contains(said), "no {said:?} in {shown}");
    }
    let json = succeed(folder.path(), &["data", "leak.csv", "--target", "grade", "--json"]).stdout;
    for record in ["\"type\":\"column\"", "\"type\":\"column_check\"", "\"type\":\"check\""] {
        assert!(json.contains(record), "no {record} in {json}");
    }
    let trained = succeed(folder.path(), &["train", "leak.csv", "--target", "grade", "--epochs", "2"]);
    assert!(trained.stderr.contains("data: column \"left\" gives the target away"), "{}", trained.stderr);

    let inspected = succeed(folder.path(), &["inspect", "model.fireclay"]).stdout;
    for said in [
        "a model of Fireclay",
        "classes    2: high, low",
        "predicts   \"grade\"",
        "size (number)",
        "leak.csv",
        "seed 0",
    ] {
        assert!(inspected.contains(said), "no {said:?} in {inspected}");
    }
    let same = ["train", "leak.csv", "--target", "grade", "--test", "leak.csv"];
    fail(folder.path(), &same, 1, &["test samples is a training sample too"]);
}

#[test]
fn cells_that_a_model_cannot_read_are_counted() {
    let folder = scratch();
    succeed(folder.path(), &["train", "flats.csv", "--target", "rent", "--epochs", "1"]);
    let other = "size,district,built,large\n\"40,5\",north,1.5.1980,no\n\"50,5\",moon,,no\n";
    std::fs::write(folder.path().join("other.csv"), other).unwrap();
    let run = succeed(folder.path(), &["predict", "other.csv"]);
    for said in
        ["column \"size\": 2 of 2 cells are no numbers", "column \"built\": 1 of 2 cells are no dates"]
    {
        assert!(run.stderr.contains(said), "no {said:?} in {}", run.stderr);
    }
    fail(folder.path(), &["predict", "other.csv", "--out", "other.csv"], 2, &["--out would replace"]);
}

#[test]
fn columns_that_pandas_numbers_have_a_header() {
    let folder = scratch();
    let rows: String = (0..60).map(|row| format!("{row},{:.3},{}\n", noise(row, 0), row % 2)).collect();
    std::fs::write(folder.path().join("frame.csv"), format!(",0,1\n{rows}")).unwrap();
    let said = succeed(folder.path(), &["train", "frame.csv", "--epochs", "1"]).stderr;
    assert!(said.contains("60 rows of 3 columns; the first row names the columns"), "{said}");
    assert!(
        said.contains("left out: unnamed 0 (it numbers the rows)") && said.contains("target: \"1\""),
        "{said}"
    );
}

#[test]
fn tables_in_other_encodings_are_read() {
    let folder = scratch();
    let rows: String =
        (0..80).map(|row| format!("{},{}\n", ["K\u{f6}ln", "Bonn"][row % 2], row % 2)).collect();
    let latin: Vec<u8> = format!("city,y\n{rows}").chars().map(|letter| letter as u8).collect();
    std::fs::write(folder.path().join("latin.csv"), latin).unwrap();
    fail(folder.path(), &["train", "latin.csv"], 1, &["--encoding windows-1252"]);
    let trained = succeed(folder.path(), &["train", "latin.csv", "--encoding", "latin1", "--epochs", "5"]);
    assert!(trained.stderr.contains("category: city"), "{}", trained.stderr);
    let predicted = succeed(folder.path(), &["predict", "latin.csv", "--encoding", "latin1"]).stdout;
    assert!(predicted.contains("K\u{f6}ln,0,"), "{predicted}");
    fail(folder.path(), &["train", "latin.csv", "--encoding", "latin-eins"], 2, &["latin1"]);
}

#[test]
fn several_target_columns_are_labels() {
    let folder = scratch();
    let (mut each, mut tags) = ("warm,damp,rain,wind\n".to_owned(), "warm,damp,sky\n".to_owned());
    for row in 0..400 {
        let [warm, damp] = [noise(row, 0), noise(row, 1)];
        // Some rows are wrong, so that there are mistakes to show.
        let [rain, wind] = [(damp > 0.6) ^ (row % 31 == 7), warm + damp < 0.8];
        let yes = |holds| if holds { "yes" } else { "no" };
        writeln!(each, "{warm:.3},{damp:.3},{},{}", yes(rain), yes(wind)).unwrap();
        let names: Vec<&str> =
            [(rain, "rain"), (wind, "wind")].into_iter().filter(|n| n.0).map(|n| n.1).collect();
        writeln!(tags, "{warm:.3},{damp:.3},{}", names.join(";")).unwrap();
    }
    std::fs::write(folder.path().join("each.csv"), each).unwrap();
    std::fs::write(folder.path().join("tags.csv"), tags).unwrap();
    for flags in [
        &["train", "each.csv", "--target", "rain", "--target", "wind"][..],
        &["train", "tags.csv", "--target", "sky", "--task", "multi-label"],
    ] {
        let trained = succeed(folder.path(), flags);
        assert!(trained.stderr.contains("task: multi-label, since"), "{}", trained.stderr);
        let f1 = trained.stdout.lines().find_map(|line| line.strip_prefix("micro F1")).unwrap();
        let [model, usual] = [0, 5].map(|at| f1.split_whitespace().nth(at).unwrap().parse::<f64>().unwrap());
        assert!(model > 0.9 && usual < 0.7, "{}", trained.stdout);
        let answers = succeed(folder.path(), &["predict", flags[1]]).stdout;
        let header = answers.lines().next().unwrap();
        assert!(header.ends_with("predicted labels,probability of rain,probability of wind"), "{header}");
        assert!(answers.lines().any(|line| line.contains(",rain;wind,")), "{answers}");
        let page = std::fs::read_to_string(folder.path().join("runs/mlp-1/report.html")).unwrap();
        assert!(page.contains("a fifth of the samples was held out for the test"));
        assert!(page.contains("<dt>damp</dt>"), "mistakes are shown with their columns");
        for target in ["rain", "wind", "sky"] {
            assert!(!page.contains(&format!("<dt>{target}</dt>")), "{target} is no column to predict from");
        }
        succeed(folder.path(), &["evaluate", "model.fireclay", flags[1]]);
    }
    let both = ["train", "each.csv", "--target", "rain", "--target", "wind", "--task", "regression"];
    fail(folder.path(), &both, 1, &["one target column is expected", "--task multi-label"]);
    fail(folder.path(), &["train", "each.csv", "--target", "rain", "--target", "warm"], 1, &["yes or no"]);
}
