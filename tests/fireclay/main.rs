//! The program `fireclay` from outside: data of any kind in, models and answers out, and what is said where data is not what it
//! seems. Here are tables; other kinds are in `kinds`.

mod audit;
mod exchange;
mod explain;
mod int8_exports;
mod kinds;
mod measures;
#[path = "../shared/numpy.rs"]
mod numpy;
mod round_trips;
mod serve;
mod settings;
#[path = "../shared/mod.rs"]
mod shared;
mod sign;
mod tune;

use std::fmt::Write;
use std::path::Path;

use shared::{Run, accuracy, commands};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_fireclay");

#[track_caller]
fn succeed(folder: &Path, arguments: &[&str]) -> Run {
    shared::succeed(PROGRAM, folder, arguments)
}

#[track_caller]
fn fail(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) -> Run {
    shared::fail(PROGRAM, folder, arguments, code, words)
}

/// Pseudo-random, from 0 to 1.
fn noise(row: usize, column: usize) -> f64 {
    let mixed = (row as u64 * 1_000_003 + column as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 40) as f64 / (1u64 << 24) as f64
}

/// 600 flats: rent follows from size, district and age, and whether a flat is large from its size.
fn flats(rows: std::ops::Range<usize>) -> String {
    let mut table = "id,size,district,built,note,rent,large\n".to_string();
    for row in rows {
        let size = 20.0 + 100.0 * noise(row, 0);
        let district = ["north", "south", "centre"][row % 3];
        let built =
            if row % 11 == 0 { String::new() } else { format!("{}-05-{:02}", 1950 + row % 70, row % 28 + 1) };
        let factor = [8.0, 10.0, 15.0][row % 3];
        let rent = factor * size + 30.0 * noise(row, 1);
        let large = if size > 70.0 { "yes" } else { "no" };
        writeln!(table, "{},{size:.1},{district},{built},same,{rent:.2},{large}", row + 1).unwrap();
    }
    table
}

fn scratch() -> TempDir {
    let folder = TempDir::with_prefix("fireclay-test-").unwrap();
    std::fs::write(folder.path().join("flats.csv"), flats(0..600)).unwrap();
    std::fs::write(folder.path().join("new.csv"), flats(600..700)).unwrap();
    folder
}

/// A value of the comparison's row.
#[track_caller]
fn measure(run: &Run, name: &str) -> f64 {
    let line = run.stdout.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{run:?}"));
    let words: Vec<&str> = line[name.len()..].split_whitespace().collect();
    words[0].parse().unwrap_or_else(|_| panic!("{line}"))
}

#[test]
fn numbers_are_learnt_from_a_table_and_predicted_for_another() {
    let folder = scratch();
    let trained = succeed(folder.path(), &["train", "flats.csv", "--target", "rent", "--test", "new.csv"]);
    for said in [
        "flats.csv: 600 rows of 7 columns; the first row names the columns",
        "target: \"rent\", since you say so",
        "task: regression, since \"rent\" holds numbers",
        "number: size\n",
        "category: district, large\n",
        "date: built\n",
        "left out: id (it numbers the rows)",
        "left out: note (\"same\" in every row)",
    ] {
        assert!(trained.stderr.contains(said), "no {said:?} in {}", trained.stderr);
    }
    assert!(measure(&trained, "R²") > 0.98, "{}", trained.stdout);
    let evaluated = succeed(folder.path(), &["evaluate", "model.fireclay", "new.csv"]);
    let mae = |run: &Run| {
        let line = run.stdout.lines().find(|line| line.to_lowercase().starts_with("mae")).map(String::from);
        line.unwrap_or_else(|| panic!("{run:?}"))
    };
    assert_eq!(mae(&evaluated), mae(&trained), "the same rows, the same measure");

    let page = std::fs::read_to_string(folder.path().join("runs/mlp-1/report.html")).unwrap();
    for part in [
        "Which columns matter",
        "How far R² falls from 0.9",
        "5 times for each column, on 100 test rows.",
        "were dealt out to 5 parts, and the intervals of each part were made from the others.",
        "for a linear model",
        "for the mean",
        "the test samples are a part of their own; ",
        ", in batches of ",
        "to lessen its loss: the mean squared error.",
    ] {
        assert!(page.contains(part), "no {part:?} in the page");
    }
    let record = std::fs::read_to_string(folder.path().join("runs/mlp-1/run.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let importance = record["report"]["importance"].as_array().unwrap();
    let columns: Vec<&str> = importance.iter().map(|column| column["column"].as_str().unwrap()).collect();
    assert_eq!(columns.len(), 4, "{columns:?}");
    assert_eq!(columns[0], "size", "the rent is a multiple of it");
    let [size, built] = ["size", "built"].map(|name| {
        importance.iter().find(|column| column["column"] == name).unwrap()["value"].as_f64().unwrap()
    });
    assert!(
        size > 0.5 && built.abs() < 0.05 && importance[0]["spread"].as_f64().unwrap() < 0.3,
        "{importance:?}"
    );

    succeed(folder.path(), &["predict", "new.csv", "--out", "answers.csv"]);
    let answers = std::fs::read_to_string(folder.path().join("answers.csv")).unwrap();
    let mut lines = answers.lines();
    assert_eq!(
        lines.next(),
        Some(
            "id,size,district,built,note,rent,large,predicted rent,lower end of 95 % interval,upper end of 95 % interval"
        )
    );
    assert_eq!(answers.lines().count(), 101);
    let mut within = 0;
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let numbers = [cells[5], cells[7], cells[8], cells[9]].map(|cell| cell.parse::<f64>().unwrap());
        let [rent, predicted, lower, upper] = numbers;
        assert!((rent - predicted).abs() < 250.0, "{line}");
        within += usize::from((lower..=upper).contains(&rent));
    }
    // The intervals were measured on these rows, one part of all.
    assert!((92..=98).contains(&within), "{within} of 100");

    // Answers to a table with answers have columns of their own.
    succeed(folder.path(), &["predict", "answers.csv", "--out", "again.csv"]);
    let again = std::fs::read_to_string(folder.path().join("again.csv")).unwrap();
    let mut names: Vec<&str> = again.lines().next().unwrap().split(',').collect();
    assert!(names.contains(&"predicted rent (2)"), "{names:?}");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 13);
}

#[test]
fn classes_are_learnt_and_come_with_probabilities() {
    let folder = scratch();
    let trained = succeed(
        folder.path(),
        &["train", "flats.csv", "--ignore", "rent", "--out", "large.fireclay", "--seed", "1"],
    );
    assert!(trained.stderr.contains("target: \"large\", since it is the last column"), "{}", trained.stderr);
    assert!(trained.stderr.contains("a fifth of the rows is held out"), "{}", trained.stderr);
    assert!(trained.stdout.contains("baselines, accuracy: always no"), "{}", trained.stdout);
    assert!(accuracy(&trained) > 95.0, "{}", trained.stdout);
    assert!(trained.stdout.contains("95 % interval"), "{}", trained.stdout);

    // Without the target, in another order, and with a column that the model does not know.
    std::fs::write(
        folder.path().join("two.csv"),
        "district,size,colour,built\nsouth,110,red,\nnorth,25.5,blue,1980-05-03\n",
    )
    .unwrap();
    let answers = succeed(folder.path(), &["predict", "two.csv", "--from", "large.fireclay"]);
    let lines: Vec<&str> = answers.stdout.lines().collect();
    assert_eq!(lines[0], "district,size,colour,built,predicted large,probability of no,probability of yes");
    for (line, start, likely) in
        [(lines[1], "south,110,red,,yes,", 1), (lines[2], "north,25.5,blue,1980-05-03,no,", 0)]
    {
        let rest = line.strip_prefix(start).unwrap_or_else(|| panic!("{line}"));
        let probabilities: Vec<f64> = rest.split(',').map(|cell| cell.parse().unwrap()).collect();
        assert!(probabilities[likely] > 0.9, "{line}");
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{line}");
    }
    let json = succeed(folder.path(), &["predict", "two.csv", "--from", "large.fireclay", "--json"]);
    assert!(json.stdout.lines().next().unwrap().contains("\"class\":\"yes\""), "{}", json.stdout);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let folder = scratch();
    for out in ["a.fireclay", "b.fireclay"] {
        succeed(folder.path(), &["train", "flats.csv", "--epochs", "3", "--out", out, "-q"]);
    }
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert!(read("a.fireclay") == read("b.fireclay"), "the bytes differ");
}

#[test]
fn tables_that_cannot_be_learnt_from_say_why() {
    let folder = scratch();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    fail(folder.path(), &["train"], 2, &["train DATA"]);
    fail(folder.path(), &["train", "none.csv"], 1, &["none.csv"]);
    fail(folder.path(), &["train", "flats.csv", "--target", "rents"], 1, &["did you mean \"rent\""]);
    fail(folder.path(), &["train", "flats.csv", "--ignore", "sizes"], 1, &["did you mean \"size\""]);
    fail(folder.path(), &["train", "flats.csv", "--target", "note"], 1, &["one class cannot be learnt"]);
    fail(
        folder.path(),
        &["train", "flats.csv", "--target", "district", "--task", "regression"],
        1,
        &["a number is expected"],
    );
    let rows: String = (1..60).map(|row| format!("{row},same,{}\n", row % 2)).collect();
    write("nothing.csv", &format!("id,word,y\n{rows}"));
    fail(folder.path(), &["train", "nothing.csv"], 1, &["no column is left", "it numbers the rows"]);
    write("empty.csv", "");
    fail(folder.path(), &["train", "empty.csv"], 1, &["empty.csv", "the file is empty"]);
    fail(folder.path(), &["train", "flats.csv", "--delimiter", "ab"], 2, &["semicolon"]);

    succeed(folder.path(), &["train", "flats.csv", "--epochs", "1"]);
    write("short.csv", "size,district\n10,north\n");
    fail(
        folder.path(),
        &["predict", "short.csv"],
        1,
        &["short.csv has no column \"built\"", "size, district"],
    );
    fail(folder.path(), &["predict"], 2, &["INPUT"]);
    fail(folder.path(), &["predict", "new.csv", "flats.csv"], 2, &["one table at a time"]);
    fail(folder.path(), &["evaluate", "model.fireclay"], 2, &["data of your own"]);
}

#[test]
fn semicolons_commas_in_numbers_and_lone_quotes_are_read() {
    let folder = scratch();
    let rows: String = (0..200)
        .map(|row| {
            format!("{},{};\"the {} one;{}\n", row * 7 % 40, row % 10, ["small", "big"][row % 2], row % 2)
        })
        .collect();
    std::fs::write(folder.path().join("odd.csv"), format!("weight;remark;y\n{rows}")).unwrap();
    let trained = succeed(folder.path(), &["train", "odd.csv"]);
    let said = "odd.csv: fields are separated by semicolons, and quotes are read as letters";
    assert!(trained.stderr.contains(said), "{}", trained.stderr);
    assert!(trained.stderr.contains("odd.csv: 200 rows of 3 columns"), "{}", trained.stderr);
    assert!(trained.stderr.contains("number: weight"), "{}", trained.stderr);
    assert_eq!(accuracy(&trained), 100.0);
}

#[test]
fn sums_of_money_percentages_and_named_months_are_read() {
    let folder = scratch();
    let rows: String = (0..300)
        .map(|row| {
            let (size, share, day) = (1_000 + row * 37 % 4_000, row * 7 % 100, row % 28 + 1);
            let price = 3 * size + 20 * share;
            let money = |sum: usize| format!("\"${},{:03}\"", sum / 1_000, sum % 1_000);
            format!("{},{share}%,{day} Mar 2024,{}\n", money(size), money(price))
        })
        .collect();
    std::fs::write(folder.path().join("sums.csv"), format!("size,\u{1b}[2Jshare,sold,price\n{rows}"))
        .unwrap();
    let trained = succeed(folder.path(), &["train", "sums.csv", "--epochs", "60"]);
    for said in ["number: size, \\u{1b}[2Jshare", "date: sold", "task: regression"] {
        assert!(trained.stderr.contains(said), "no {said:?} in {}", trained.stderr);
    }
    assert!(measure(&trained, "R²") > 0.9, "{}", trained.stdout);
    assert!(!format!("{}{}", trained.stdout, trained.stderr).contains('\u{1b}'), "a terminal would obey it");
}

#[test]
fn commands_are_documented() {
    let folder = scratch();
    let readme = include_str!("../../apps/fireclay/README.md");
    let expected = [
        "train",
        "launch",
        "federate",
        "evaluate",
        "predict",
        "explain",
        "summary",
        "tune",
        "find-lr",
        "runs",
        "data",
        "compress",
        "audit",
        "inspect",
        "export",
        "import",
        "sign",
        "verify",
        "card",
        "serve",
        "models",
        "init",
        "completions",
    ];
    commands::are_documented(PROGRAM, folder.path(), readme, &expected);
    for (shell, word) in
        [("bash", "complete -F"), ("zsh", "#compdef fireclay"), ("fish", "complete -c fireclay")]
    {
        let script = succeed(folder.path(), &["completions", shell]).stdout;
        assert!(script.contains(word) && script.contains("target"), "{shell}: {script}");
    }
}

/// Peak memory of a process in bytes, as Linux counts it; `None` elsewhere, or when it has ended.
fn peak_memory(process: u32) -> Option<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(1024 * line.split_whitespace().next()?.parse::<usize>().ok()?)
}

#[test]
fn a_table_is_answered_in_less_memory_than_it_takes() {
    const BYTES: usize = 160 << 20;
    let folder = scratch();
    succeed(
        folder.path(),
        &["train", "flats.csv", "--ignore", "large", "--target", "rent", "--epochs", "1", "-q"],
    );
    // Sparse columns, again and again.
    let table = flats(0..1000);
    let mut lines = table.lines();
    let sparse = |line: &str, at: usize| {
        let cells = (0..40).map(|column| if column == at % 40 { ",7" } else { "," });
        format!("{line}{}\n", cells.collect::<String>())
    };
    let names: String = (0..40).map(|column| format!(",sparse{column}")).collect();
    let header = format!("{}{names}\n", lines.next().unwrap());
    let block: String = lines.enumerate().map(|(at, line)| sparse(line, at)).collect();
    let times = BYTES / block.len();
    let mut file = std::fs::File::create(folder.path().join("big.csv")).unwrap();
    std::io::Write::write_all(&mut file, header.as_bytes()).unwrap();
    (0..times).for_each(|_| std::io::Write::write_all(&mut file, block.as_bytes()).unwrap());
    drop(file);

    let mut predict = shared::command(PROGRAM, folder.path())
        .args(["predict", "big.csv", "--out", "answers.csv", "-q"])
        .spawn()
        .unwrap();
    let mut peak = 0;
    while predict.try_wait().unwrap().is_none() {
        peak = peak.max(peak_memory(predict.id()).unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(predict.wait().unwrap().success());
    assert!(peak < BYTES * 5 / 8, "{peak} bytes of memory for a table of {BYTES}");
    let answers = std::fs::File::open(folder.path().join("answers.csv")).unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(answers)).count();
    assert_eq!(lines, 1 + 1000 * times);
}
