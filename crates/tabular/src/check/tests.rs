//! Tables with something wrong, and sound ones that look as if something were.

use super::*;

/// So many rows of columns and a target, by their names.
fn frame(names: &[&str], rows: usize, cells: impl Fn(usize) -> Vec<String>) -> Frame {
    let mut frame = Frame::new(names.iter().copied()).unwrap();
    (0..rows).for_each(|row| frame.push(cells(row).iter().map(String::as_str)).unwrap());
    frame
}

fn check(frame: &Frame, target: &TargetColumn) -> ColumnCheck {
    ColumnCheck::of(frame, target, &EncodingOptions::default()).unwrap()
}

/// Numbers that follow no order.
fn noise(row: usize) -> usize {
    (row * 7919 + 31) % 1009
}

/// A column of 200 rows, beside a target of classes.
fn classes(column: impl Fn(usize) -> String, class: impl Fn(usize) -> &'static str) -> Vec<TargetLeak> {
    let frame = frame(&["x", "kind"], 200, |row| vec![column(row), class(row).into()]);
    check(&frame, &TargetColumn::classes(&frame, "kind").unwrap()).leaks
}

/// A column of 200 rows, beside a target of numbers.
fn numbers(column: impl Fn(usize) -> String, number: impl Fn(usize) -> String) -> Vec<TargetLeak> {
    let frame = frame(&["x", "price"], 200, |row| vec![column(row), number(row)]);
    check(&frame, &TargetColumn::numbers(&frame, "price").unwrap()).leaks
}

fn evidence(leaks: Vec<TargetLeak>) -> LeakEvidence {
    let [leak] = &leaks[..] else { panic!("{leaks:?}") };
    assert_eq!(leak.column, "x");
    leak.evidence.clone()
}

fn kind(row: usize) -> &'static str {
    ["tulip", "rose", "lily"][noise(row) % 3]
}

#[test]
fn a_number_that_is_a_linear_function_of_the_target_gives_it_away() {
    let price = |row: usize| format!("{}.5", noise(row));
    assert_eq!(evidence(numbers(price, price)), LeakEvidence::Equal);
    let euros = |row: usize| match row % 7 {
        0 => String::new(),
        _ => format!("{},25", 3000 - 2 * noise(row)),
    };
    let LeakEvidence::Linear { correlation } = evidence(numbers(euros, price)) else { panic!() };
    assert!(correlation < -0.99999, "{correlation}");
    // Near is not equal, few rows show nothing, and a constant is no function.
    assert_eq!(numbers(|row| format!("{}", 2 * noise(row) + row % 40), price), []);
    assert_eq!(numbers(|row| if row < 40 { price(row) } else { String::new() }, price), []);
    assert_eq!(numbers(|row| if row == 3 { String::new() } else { "7".into() }, price), []);
    assert_eq!(numbers(|row| ["red", "blue"][row % 2].into(), price), []);
}

#[test]
fn values_that_go_with_one_class_each_give_it_away() {
    // One to one, many to one, and where it is missing.
    let code = |row: usize| ["T", "R", "L"][noise(row) % 3].to_string();
    assert_eq!(evidence(classes(code, kind)), LeakEvidence::Values { distinct: 3, purity: 1.0 });
    let many = |row: usize| format!("{}{}", code(row), row % 2);
    assert_eq!(evidence(classes(many, kind)), LeakEvidence::Values { distinct: 6, purity: 1.0 });
    let empty = |row: usize| if code(row) == "T" { String::new() } else { code(row) };
    assert_eq!(evidence(classes(empty, kind)), LeakEvidence::Values { distinct: 3, purity: 1.0 });
    let stated = |row: usize| if row.is_multiple_of(3) { String::new() } else { code(row) };
    assert_eq!(evidence(classes(stated, kind)), LeakEvidence::Values { distinct: 3, purity: 1.0 });
    // Numbers that stand for classes in no order.
    let number = |row: usize| (noise(row) % 3 * 2 + noise(row) % 2 * 7).to_string();
    assert!(matches!(evidence(classes(number, kind)), LeakEvidence::Values { distinct: 6, .. }));
}

#[test]
fn what_only_predicts_well_gives_nothing_away() {
    // Two rows in a hundred are of another class.
    let nearly = |row: usize| if row % 50 == 7 { "T".to_string() } else { kind(row).to_uppercase() };
    assert_eq!(classes(nearly, kind), []);
    // A value in every row tells rows apart, and so do values of two rows each.
    assert_eq!(classes(|row| format!("customer {row}"), kind), []);
    assert_eq!(classes(|row| format!("house {} {}", row / 2, kind(row)), kind), []);
    // The most frequent class alone is right in nearly all rows.
    let rare = |row: usize| if row == 100 { "ill" } else { "well" };
    assert_eq!(classes(|row| ["a", "b"][row % 2].into(), rare), []);
    assert_eq!(classes(|row| if row == 100 { "9" } else { "1" }.into(), rare), []);
}

#[test]
fn numbers_that_lie_apart_give_classes_away() {
    // Lily, rose, tulip.
    let place = |row: usize| ["tulip", "rose", "lily"].iter().position(|name| *name == kind(row)).unwrap();
    let size = |row: usize| format!("{}", 1000 * place(row) + row * 13 % 997);
    let LeakEvidence::Thresholds { thresholds } = evidence(classes(size, kind)) else { panic!() };
    let [first, second] = thresholds[..] else { panic!("{thresholds:?}") };
    assert!((980.0..1020.0).contains(&first) && (1980.0..2020.0).contains(&second), "{thresholds:?}");
    // One of them is on the other side.
    let mixed = |row: usize| if row == 1 { "1500".to_string() } else { size(row) };
    assert_ne!(place(1), 1);
    assert_eq!(classes(mixed, kind), []);
    // Where it is mostly missing it says little.
    assert_eq!(classes(|row| if row % 3 == 0 { size(row) } else { String::new() }, kind), []);
}

#[test]
fn a_value_that_is_there_for_one_class_only_gives_it_away() {
    let left = |row: usize| if noise(row).is_multiple_of(4) { "yes" } else { "no" };
    let date = |row: usize| match left(row) {
        "yes" => format!("2024-{:02}-{:02}", row % 12 + 1, row % 28 + 1),
        _ => String::new(),
    };
    let found = evidence(classes(date, left));
    assert_eq!(found, LeakEvidence::Presence { purity: 1.0 });
    assert_eq!(found.to_string(), "whether it has a value tells the class in 100.00 % of the rows");
}

#[test]
fn what_is_ignored_or_no_feature_gives_nothing_away() {
    let frame =
        frame(&["id", "x", "y"], 100, |row| vec![row.to_string(), row.to_string(), (row * 2).to_string()]);
    let target = TargetColumn::numbers(&frame, "y").unwrap();
    assert_eq!(check(&frame, &target).leaks, [], "columns that number the rows are left out anyway");
    let mut options = EncodingOptions::default();
    options.kinds.insert("x".into(), ColumnKind::Number);
    let found = ColumnCheck::of(&frame, &target, &options).unwrap();
    assert_eq!(found.leaks.iter().map(|leak| leak.column.as_str()).collect::<Vec<_>>(), ["x"]);
    assert!(found.warnings()[0].contains("ignore it unless it is known before \"y\" is"), "{found:?}");
    options.ignore = vec!["x".into()];
    assert_eq!(ColumnCheck::of(&frame, &target, &options).unwrap().warnings(), Vec::<String>::new());
    options.ignore = vec!["z".into()];
    let message = ColumnCheck::of(&frame, &target, &options).unwrap_err().to_string();
    assert!(message.contains("\"z\""), "{message}");
}

#[test]
fn columns_that_are_mostly_missing_are_listed_with_their_share() {
    let names = ["age", "pool", "deck", "size", "kind"];
    let frame = frame(&names, 100, |row| {
        let some =
            |limit: usize, value: String, missing: &str| if row < limit { value } else { missing.into() };
        vec![
            some(40, noise(row).to_string(), "?"),
            // No pool is a value, an unknown deck is none.
            some(40, ["yes", "large"][row % 2].into(), "none"),
            some(30, ["A", "B"][row % 2].into(), "NA"),
            some(50, noise(row).to_string(), ""),
            kind(row).into(),
        ]
    });
    let found = check(&frame, &TargetColumn::classes(&frame, "kind").unwrap());
    let missing: Vec<(&str, usize, f64)> =
        found.mostly_missing.iter().map(|m| (m.column.as_str(), m.rows, m.share)).collect();
    assert_eq!(missing, [("age", 60, 0.6), ("deck", 70, 0.7)]);
    assert_eq!(
        found.warnings()[0],
        "2 columns without a value in most rows: \"age\" (60.0 %), \"deck\" (70.0 %)"
    );
}

#[test]
fn rows_that_are_empty_repeated_or_conflicting_are_counted() {
    let rows = [
        ["1", "red", "a"],
        ["", "NA", "a"],
        ["2", "blue", "a"],
        ["1", "red", "a"],
        ["", "", ""],
        ["1", "red", "b"],
        ["2", "blue", "b"],
        ["1", "re", "d"],
        ["1", "red", "a"],
    ];
    let mut frame = Frame::new(["x", "colour", "kind"]).unwrap();
    rows.iter().for_each(|row| frame.push(*row).unwrap());
    let target = TargetColumn {
        column: "kind".into(),
        classes: vec!["a".into(), "b".into()],
        format: Default::default(),
        labels: None,
    };
    let found = check(&frame, &target);
    assert_eq!(found.empty_rows, RowCount { rows: 2, examples: vec![1, 4] });
    assert_eq!(found.repeated_rows, RowPairs { rows: 2, examples: vec![(0, 3), (0, 8)] });
    assert_eq!(found.conflicting_rows, RowPairs { rows: 4 + 2, examples: vec![(0, 5), (2, 6)] });
    assert_eq!(
        found.warnings(),
        [
            "2 of 9 rows hold no value but the target; the first is 1, counted from 0",
            "2 of 9 rows repeat an earlier one; for example 0 and 3, 0 and 8, counted from 0",
            "6 of 9 rows equal others of another class, and no model gets all right; for example 0 and 5, 2 and 6, counted from 0",
        ]
    );
    // Numbers may well differ.
    let numbers = TargetColumn { classes: Vec::new(), ..target.clone() };
    let found = check(&frame, &numbers);
    assert_eq!((found.conflicting_rows.rows, found.warnings().len()), (6, 2));
    // One value, in different columns.
    let mut sparse = Frame::new(["x", "y", "kind"]).unwrap();
    [["1", "", "a"], ["", "1", "b"], ["11", "2", "a"], ["1", "12", "b"]]
        .iter()
        .for_each(|row| sparse.push(*row).unwrap());
    assert_eq!(check(&sparse, &target).warnings(), Vec::<String>::new());
    // A column that is ignored tells no rows apart.
    let options = EncodingOptions { ignore: vec!["x".into(), "colour".into()], ..EncodingOptions::default() };
    assert_eq!(ColumnCheck::of(&frame, &target, &options).unwrap().warnings(), Vec::<String>::new());
}

#[test]
fn texts_without_spaces_are_found() {
    let text = |row: usize| "机器学习".repeat(30 + row % 5);
    let mut options = vec![(text(0), true)];
    options.push((format!("{} end", text(0)), false));
    options.push(("x".repeat(100), false));
    options.push(("é".repeat(60), false));
    for (cell, expected) in options {
        let frame = frame(&["text", "kind"], 60, |row| {
            vec![if row % 3 == 0 { "short".into() } else { cell.clone() }, kind(row).into()]
        });
        let found = check(&frame, &TargetColumn::classes(&frame, "kind").unwrap());
        assert_eq!(!found.unseparated_texts.is_empty(), expected, "{cell}");
    }
    let frame = frame(&["text", "kind"], 60, |row| vec![text(row), kind(row).into()]);
    let found = check(&frame, &TargetColumn::classes(&frame, "kind").unwrap());
    let expected = UnseparatedText { column: "text".into(), rows: 60, longest: 136 };
    assert_eq!(found.unseparated_texts, [expected]);
    assert_eq!(
        found.warnings()[0],
        "column \"text\" holds texts that are not separated into words; the longest is one of 136 characters"
    );
}

#[test]
fn many_findings_are_a_few_lines_and_serialise() {
    let names: Vec<String> = (0..20).map(|column| format!("x{column}")).chain(["kind".into()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let frame = frame(&names, 100, |row| {
        vec![kind(row).to_uppercase(); 20].into_iter().chain([kind(row).into()]).collect()
    });
    let found = check(&frame, &TargetColumn::classes(&frame, "kind").unwrap());
    assert_eq!(found.leaks.len(), 20);
    let warnings = found.warnings();
    assert_eq!(
        warnings[5],
        "15 columns more give the target away: \"x5\", \"x6\", \"x7\", \"x8\", \"x9\" and 10 more"
    );
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(
        (&json["task"], &json["leaks"][0]["evidence"]["kind"]),
        (&"classification".into(), &"values".into())
    );
    assert_eq!(
        (&json["repeated_rows"]["rows"], &json["mostly_missing"]),
        (&97.into(), &serde_json::json!([]))
    );
}
