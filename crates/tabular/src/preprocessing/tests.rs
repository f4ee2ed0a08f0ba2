use super::*;
use crate::date::DateFormat;

fn frame(names: &[&str], rows: &[&[&str]]) -> Frame {
    let mut frame = Frame::new(names.iter().copied()).unwrap();
    rows.iter().for_each(|row| frame.push(row.iter().copied()).unwrap());
    frame
}

fn encoded(encoding: &Encoding, cell: &str) -> Vec<f32> {
    let mut out = Vec::new();
    encoding.encode(cell, &mut out);
    assert_eq!((out.len(), encoding.names("x").len()), (encoding.width(), encoding.width()));
    out
}

fn numbers(cells: impl IntoIterator<Item = String>) -> NumberEncoding {
    let mut frame = Frame::new(["x"]).unwrap();
    cells.into_iter().for_each(|cell| frame.push([cell.as_str()]).unwrap());
    NumberEncoding::fit(&frame, 0, &Profile::of(&frame, 0))
}

#[test]
fn numbers_are_standardised_and_missing_ones_are_the_median() {
    let fitted = numbers(["1", "3", "", "5"].map(String::from));
    let deviation = (8.0f32 / 3.0).sqrt();
    let encoding = Encoding::Number(fitted);
    assert_eq!(encoded(&encoding, "5"), [2.0 / deviation, 0.0]);
    for missing in ["", "NA", "what"] {
        assert_eq!(encoded(&encoding, missing), [0.0, 1.0], "{missing:?}");
    }
}

#[test]
fn skewed_numbers_become_the_share_of_rows_below_them() {
    let fitted = numbers((0..200).map(|i| format!("{}", 1.1f64.powi(i))));
    assert!(matches!(fitted.scale, NumberScale::Quantiles { .. }));
    let encoding = Encoding::Number(fitted);
    let of = |cell: &str| encoded(&encoding, cell)[0];
    let edge = 3f32.sqrt();
    assert!((of("0") + edge).abs() < 1e-6 && (of("1e30") - edge).abs() < 1e-6);
    assert!(of(&1.1f64.powi(100).to_string()).abs() < 0.05);
    assert!(of("5") < of("6"));
}

#[test]
fn many_rows_are_told_apart_piece_by_piece() {
    let fitted = numbers((0..24_000).map(|i| format!("{}", i % 97)));
    let NumberScale::Pieces { edges, .. } = &fitted.scale else { panic!("{fitted:?}") };
    assert_eq!((edges[0], edges[edges.len() - 1]), (0.0, 96.0));
    let pieces = edges.len() - 1;
    let encoding = Encoding::Number(fitted);
    assert_eq!(encoded(&encoding, "-5")[1..], vec![0.0; pieces]);
    assert_eq!(encoded(&encoding, "200")[1..], vec![1.0; pieces]);
    let half = encoded(&encoding, "48");
    assert!(half[1..].is_sorted_by(|a, b| a >= b), "{half:?}");
    assert!((half[1..].iter().sum::<f32>() - pieces as f32 / 2.0).abs() < 1.0);
}

#[test]
fn rare_and_unseen_values_are_one_and_an_empty_cell_another() {
    let mut cells = vec!["red"; 60];
    cells.extend(vec!["blue"; 30]);
    cells.extend(["green", "pink", ""]);
    let mut table = Frame::new(["x"]).unwrap();
    cells.iter().for_each(|cell| table.push([*cell]).unwrap());
    let fitted = CategoryEncoding::fit(&Profile::of(&table, 0));
    assert_eq!(
        (fitted.values.as_slice(), fitted.other, fitted.missing),
        (&["blue".into(), "red".into()][..], true, true)
    );
    let encoding = Encoding::Category(fitted);
    assert_eq!(encoded(&encoding, " red "), [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(encoded(&encoding, "green"), [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(encoded(&encoding, "never"), [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(encoded(&encoding, ""), [0.0, 0.0, 0.0, 1.0]);
}

#[test]
fn without_rare_values_an_unseen_one_is_nothing() {
    let table = frame(&["x"], &[&["yes"], &["no"], &["yes"]]);
    let encoding = Encoding::Category(CategoryEncoding::fit(&Profile::of(&table, 0)));
    assert_eq!((encoded(&encoding, "perhaps"), encoded(&encoding, "")), (vec![0.0; 2], vec![0.0; 2]));
}

#[test]
fn dates_have_a_day_a_year_and_a_week() {
    let table = frame(&["x"], &[&["1.1.2024"], &["31.12.2024"], &[""]]);
    let fitted = DateEncoding::fit(&table, 0);
    assert_eq!((fitted.format, fitted.has_time, fitted.missing), (DateFormat::DayFirst, false, true));
    let encoding = Encoding::Date(fitted);
    let [first, last] = ["1.1.2024", "31.12.2024"].map(|cell| encoded(&encoding, cell));
    assert!((first[0] + 1.0).abs() < 1e-3 && (last[0] - 1.0).abs() < 1e-3, "{first:?} {last:?}");
    // A year is a circle; the first of January 2024 was a Monday.
    assert!((first[1] - last[1]).abs() < 0.05 && (first[2] - last[2]).abs() < 0.05);
    assert_eq!(first[3..], [0.0, 1.0, 0.0]);
    assert_eq!(encoded(&encoding, "?"), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
}

#[test]
fn ways_to_write_a_date() {
    for cell in
        ["2024-03-31", "2024/3/31", "2024-03-31T12:30:00", "2024-03-31 12:30", "2024-03-31T12:30:00.250Z"]
    {
        assert!(DateFormat::YearFirst.parse(cell).is_some(), "{cell}");
    }
    for cell in ["2024-02-30", "2024-13-01", "2024", "2024-03", "2024-03-31 25:00", "1.2.3.4", "24-03-31", ""]
    {
        assert!(DateFormat::ALL.iter().all(|format| format.parse(cell).is_none()), "{cell}");
    }
    let date = |cell| DateFormat::MonthName.parse(cell).map(|date| date.to_string());
    for cell in ["31 Mar 2024", "31-Mar-24", "March 31, 2024", "mar 31 2024", "31. March 2024", "31/MAR/2024"]
    {
        assert_eq!(date(cell).as_deref(), Some("2024-03-31 00:00:00"), "{cell}");
    }
    assert_eq!(date("5 Sept 1999 12:30").as_deref(), Some("1999-09-05 12:30:00"));
    for cell in [
        "31 Ma 2024",
        "31 Mai 2024",
        "Mar Apr 2024",
        "31 31 2024",
        "Mar 2024",
        "30 Feb 2024",
        "may",
        "Marx 31 2024",
    ] {
        assert_eq!(date(cell), None, "{cell}");
    }
    assert_eq!(DateFormat::of(["3/4/2024", "3/31/2024"].into_iter()), (Some(DateFormat::MonthFirst), 2));
    assert_eq!(DateFormat::of(["3/4/2024", "5/6/2024"].into_iter()), (Some(DateFormat::DayFirst), 2));
}

#[test]
fn sentences_become_their_words() {
    let rows: Vec<String> =
        (0..10).map(|row| format!("The weather is {}", ["fine", "bad"][row % 2])).collect();
    let mut table = Frame::new(["x"]).unwrap();
    rows.iter().for_each(|row| table.push([row.as_str()]).unwrap());
    let encoding = Encoding::Words(WordEncoding::fit(&table, 0));
    assert_eq!(encoding.width(), 5);
    let found = encoded(&encoding, "Fine weather, fine weather!");
    assert_eq!(found.iter().filter(|weight| (**weight - 0.5f32.sqrt()).abs() < 1e-6).count(), 2);
    assert_eq!(encoded(&encoding, "none of them"), [0.0; 5]);
}

#[test]
fn columns_that_say_nothing_are_left_out_with_a_reason() {
    let rows: Vec<[String; 4]> = (0..40)
        .map(|row| [row.to_string(), "7".into(), format!("{}", row * 13 % 17), ["a", "b"][row % 2].into()])
        .collect();
    let mut table = Frame::new(["id", "version", "size", "kind"]).unwrap();
    rows.iter().for_each(|row| table.push(row.iter().map(String::as_str)).unwrap());
    let target = TargetColumn::classes(&table, "kind").unwrap();
    let fitted = TablePreprocessing::fit(&table, &target, &EncodingOptions::default()).unwrap();
    assert_eq!(fitted.features(), ["size"]);
    let ignoring = EncodingOptions { ignore: vec!["size".into()], ..EncodingOptions::default() };
    let message = TablePreprocessing::fit(&table, &target, &ignoring).unwrap_err().to_string();
    assert!(message.contains("\"id\" is identifier: it numbers the rows"), "{message}");
    assert!(message.contains("\"version\" is constant: \"7\" in every row"), "{message}");
    let wrong = EncodingOptions { ignore: vec!["sise".into()], ..EncodingOptions::default() };
    let message = TablePreprocessing::fit(&table, &target, &wrong).unwrap_err().to_string();
    assert!(message.contains("did you mean \"size\""), "{message}");
}

#[test]
fn a_column_is_what_its_user_says() {
    let rows: Vec<[String; 2]> =
        (0..60).map(|row| [(row % 3).to_string(), ["a", "b"][row % 2].to_string()]).collect();
    let mut table = Frame::new(["code", "kind"]).unwrap();
    rows.iter().for_each(|row| table.push(row.iter().map(String::as_str)).unwrap());
    let target = TargetColumn::classes(&table, "kind").unwrap();
    let options = EncodingOptions {
        kinds: [("code".to_string(), ColumnKind::Category)].into(),
        ..EncodingOptions::default()
    };
    let fitted = TablePreprocessing::fit(&table, &target, &options).unwrap();
    assert_eq!(fitted.features(), ["code=0", "code=1", "code=2"]);
}

#[test]
fn encodings_go_through_json_and_damaged_ones_are_refused() {
    let rows: Vec<[String; 4]> = (0..60)
        .map(|row| {
            let [colour, kind] = [["red", "blue"][row % 2], ["a", "b"][row % 3 / 2]].map(String::from);
            [format!("{}.5", row * row), format!("2024-01-{:02}", row % 28 + 1), colour, kind]
        })
        .collect();
    let mut table = Frame::new(["size", "day", "colour", "kind"]).unwrap();
    rows.iter().for_each(|row| table.push(row.iter().map(String::as_str)).unwrap());
    let target = TargetColumn::classes(&table, "kind").unwrap();
    let fitted = TablePreprocessing::fit(&table, &target, &EncodingOptions::default()).unwrap();
    let json = serde_json::to_string(&fitted).unwrap();
    assert_eq!(serde_json::from_str::<TablePreprocessing>(&json).unwrap(), fitted);
    fitted.check().unwrap();
    for (what, damage) in [("\"std\":", "\"std\":-"), ("\"values\":[", "\"values\":[\"zz\",")] {
        assert!(json.contains(what), "{json}");
        let damaged: TablePreprocessing = serde_json::from_str(&json.replacen(what, damage, 1)).unwrap();
        assert!(damaged.check().unwrap_err().to_string().contains("is damaged"), "{what}");
    }
}
