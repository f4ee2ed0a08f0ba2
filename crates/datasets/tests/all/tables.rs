//! CSV and TSV files: what is read, and what is refused at which line.

use std::fs;
use std::io::Write;

use fireclay_data::{BatchFeatures, BatchTargets, Dataset, Normalization, Targets};
use fireclay_datasets::{
    Column, DatasetsError, MissingNumbers, Table, TableHeader, TableOptions, TableRows, TableTarget,
    TextTable,
};

fn table_with(content: impl AsRef<[u8]>, options: &TableOptions) -> Result<Table, DatasetsError> {
    Table::from_bytes("table.csv", content.as_ref(), options)
}

fn table(content: impl AsRef<[u8]>) -> Result<Table, DatasetsError> {
    table_with(content, &TableOptions::default())
}

fn refusal<T: std::fmt::Debug>(outcome: Result<T, DatasetsError>) -> String {
    let message = outcome.unwrap_err().to_string();
    assert!(message.starts_with("table.csv: "), "{message}");
    message
}

fn values(table: &Table) -> Vec<f32> {
    values_of(&table.dataset)
}

fn values_of(dataset: &Dataset) -> Vec<f32> {
    let mut batch = fireclay_data::Batch::default();
    dataset.gather(&(0..dataset.len() as u32).collect::<Vec<_>>(), &mut batch);
    match batch.features {
        BatchFeatures::Values(values) => values,
        BatchFeatures::Tokens(_) => panic!("tables hold numbers"),
    }
}

#[test]
fn header_classes_and_columns_are_found() {
    let iris = table("length,width,kind\n5.1,3.5,setosa\n6.2,2.9,virginica\n5.0,3.6,setosa\n").unwrap();
    assert_eq!(iris.feature_names, ["length", "width"]);
    assert_eq!(iris.dataset.class_names(), ["setosa", "virginica"]);
    assert_eq!(iris.dataset.class_counts(), [2, 1]);
    assert_eq!(values(&iris), [5.1, 3.5, 6.2, 2.9, 5.0, 3.6]);
    assert_eq!(iris.dataset.provenance().name, "table.csv");
}

#[test]
fn byte_order_marks_line_ends_and_quotes_do_not_matter() {
    let expected = values(&table("a,b\n1,2\n3,4\n").unwrap());
    for same in [
        "\u{feff}a,b\n1,2\n3,4\n",
        "a,b\r\n1,2\r\n3,4\r\n",
        "a,b\r1,2\r3,4",
        "\n\na,b\n\n1,2\n\n\n3,4\n\n",
        "\"a\",\"b\"\n\"1\",2\n 3 ,\"4\"",
    ] {
        let read = table(same).unwrap();
        assert_eq!((values(&read), read.feature_names), (expected.clone(), vec!["a".to_owned()]), "{same:?}");
    }
    let tabs = Table::from_bytes("t.tsv", b"a\tb\n1\t2\n3\t4\n", &TableOptions::default()).unwrap();
    assert_eq!(values(&tabs), expected);
    let options = TableOptions { delimiter: Some(b';'), ..TableOptions::default() };
    assert_eq!(values(&table_with("a;b\n1;2\n3;4\n", &options).unwrap()), expected);
}

#[test]
fn classes_are_sorted_as_numbers_where_they_are_numbers() {
    assert_eq!(table("1,10\n2,9\n3,10\n").unwrap().dataset.class_names(), ["9", "10"]);
    assert_eq!(table("a,b\n1,10\n2,9\n3,x\n").unwrap().dataset.class_names(), ["10", "9", "x"]);
}

#[test]
fn a_header_is_guessed_only_where_it_is_clear() {
    assert_eq!(table("1,a\n2,b\n").unwrap().dataset.len(), 2);
    assert_eq!(table("x,y\n2,b\n").unwrap().dataset.len(), 1);
    let message = refusal(table("x,y\na,b\n"));
    assert!(message.contains("cannot tell whether the first row (\"x\", \"y\") is a header"), "{message}");
    let options = TableOptions { header: TableHeader::No, ..TableOptions::default() };
    let message = refusal(table_with("x,y\n2,b\n", &options));
    assert!(message.contains("line 1, column \"0\": expected a number, found \"x\""), "{message}");
}

#[test]
fn columns_are_chosen_by_name_or_number() {
    let content = "id,b,target,a\n7,1,0.5,2\n8,3,1.5,4\n";
    let options = TableOptions {
        features: Some(vec!["a".into(), Column::Index(1)]),
        target: Some("target".into()),
        target_kind: TableTarget::Values,
        ..TableOptions::default()
    };
    let chosen = table_with(content, &options).unwrap();
    assert_eq!(
        (values(&chosen), &chosen.feature_names[..]),
        (vec![2.0, 1.0, 4.0, 3.0], &["a", "b"].map(String::from)[..])
    );
    let mut batch = fireclay_data::Batch::default();
    chosen.dataset.gather(&[1], &mut batch);
    assert_eq!(batch.targets, BatchTargets::Values { width: 1, values: vec![1.5] });
}

#[test]
fn columns_that_do_not_exist_are_refused_with_near_names() {
    let ask = |target: &str| TableOptions { target: Some(target.into()), ..TableOptions::default() };
    let message = refusal(table_with("text,label\n1,2\n", &ask("lable")));
    assert!(
        message.contains(
            "there is no column \"lable\"; the table has \"text\", \"label\"; did you mean \"label\"?"
        ),
        "{message}"
    );
    let by_number = TableOptions { target: Some(5.into()), ..TableOptions::default() };
    let message = refusal(table_with("1,2\n", &by_number));
    assert!(message.contains("there is no column \"5\""), "{message}");
    let no_header = TableOptions { header: TableHeader::No, ..ask("label") };
    let message = refusal(table_with("1,2\n", &no_header));
    assert!(message.contains("read without a header; give its number"), "{message}");
    let twice = TableOptions { features: Some(vec![0.into(), 1.into()]), ..TableOptions::default() };
    let message = refusal(table_with("1,2\n", &twice));
    assert!(message.contains("\"1\" was asked for as a feature and as the target"), "{message}");
}

#[test]
fn odd_headers_are_refused() {
    let message = refusal(table("a,b,a\n1,2,3\n"));
    assert!(message.contains("names column 0 and column 2 (from 0) both \"a\""), "{message}");
    let commas = TableOptions { delimiter: Some(b','), ..TableOptions::default() };
    let message = refusal(table_with("a;b\n1;2\n", &commas));
    assert!(message.contains("perhaps a semicolon"), "{message}");
    let unnamed = table(",a,b\n0,1,2\n").unwrap();
    assert_eq!(unnamed.feature_names, ["0", "a"]);
}

#[test]
fn a_line_that_states_the_delimiter_is_no_row() {
    let stated = table("sep=;\na;b\n1,5;2\n").unwrap_err().to_string();
    assert!(stated.contains("line 3, column \"a\": expected a number, found \"1,5\""), "{stated}");
    let stated = table("sep=|\r\na|b\r\n1|2\r\n").unwrap();
    assert_eq!((stated.feature_names.as_slice(), values(&stated)), (&["a".to_string()][..], vec![1.0]));
}

#[test]
fn empty_files_are_refused() {
    for content in ["", "\n\n", "\u{feff}"] {
        let message = refusal(table(content));
        assert!(message.contains("found an empty file"), "{content:?}: {message}");
    }
    let options = TableOptions { header: TableHeader::Yes, ..TableOptions::default() };
    let message = refusal(table_with("a,b\n", &options));
    assert!(message.contains("found only a header"), "{message}");
}

#[test]
fn ragged_rows_are_refused_with_their_line() {
    for (content, line) in [
        ("a,b\n1,2\n3\n", 3),
        ("a,b\r\n1,2\r\n3\r\n", 3),
        ("a,b\n\n\n1,2\n\n3", 6),
        ("a,b\n1,\"2\n\n\"\n3\n", 5),
        ("a,b\r\n1,\"2\r\n\r\n\"\r\n3,4,5\r\n", 5),
    ] {
        let message = refusal(table(content));
        assert!(message.contains(&format!("line {line}: expected 2 fields")), "{content:?}: {message}");
    }
}

#[test]
fn a_late_line_is_still_counted_right() {
    // More than the parser's buffers hold.
    for end in ["\n", "\r\n"] {
        let mut content = format!("a,b{end}");
        for row in 0..30_000 {
            content += &format!("{row},{row}{end}");
        }
        content += "oops,1";
        let message = refusal(table(content));
        assert!(message.contains("line 30002, column \"a\": expected a number, found \"oops\""), "{message}");
    }
}

#[test]
fn numbers_that_are_none_are_refused_or_dropped() {
    for (field, found) in
        [("", "an empty field"), ("NaN", "\"NaN\""), ("inf", "\"inf\""), ("1e99", "\"1e99\""), ("?", "\"?\"")]
    {
        let content = format!("a,b\n1,x\n{field},y\n3,z\n");
        let message = refusal(table(&content));
        let expected = format!("line 3, column \"a\": expected a finite number, found {found}");
        assert!(message.contains(&expected), "{message}");
        let options = TableOptions { missing: MissingNumbers::DropRow, ..TableOptions::default() };
        let rest = table_with(&content, &options).unwrap();
        assert_eq!((values(&rest), rest.dropped), (vec![1.0, 3.0], 1));
        assert_eq!(rest.dataset.class_names(), ["x", "z"], "a dropped row leaves no class behind");
    }
    let message = refusal(table("a,b\n1,x\n2,\n"));
    assert!(message.contains("line 3, column \"b\": the label is empty"), "{message}");
    let target =
        TableOptions { target: Some(0.into()), target_kind: TableTarget::Values, ..TableOptions::default() };
    let message = refusal(table_with("1,2\n,2\n", &target));
    assert!(message.contains("line 2, column \"0\": expected a finite number"), "{message}");
    let message = refusal(table_with("1,2\nx,2\n", &target));
    assert!(message.contains("line 2, column \"0\": expected a number as target"), "{message}");
    let all_gone = TableOptions {
        header: TableHeader::Yes,
        missing: MissingNumbers::DropRow,
        ..TableOptions::default()
    };
    let message = refusal(table_with("a,b\n,x\n", &all_gone));
    assert!(message.contains("all 1 rows were dropped"), "{message}");
}

#[test]
fn categories_are_refused_unless_one_hot_encoding_is_asked_for() {
    let content = "size,colour,kind\n1,red,a\n2,blue,b\n3,red,a\n";
    let message = refusal(table(content));
    assert!(message.contains("line 2, column \"colour\": expected a number, found \"red\""), "{message}");
    assert!(message.contains("one-hot"), "{message}");
    let options = TableOptions { one_hot: vec!["colour".into()], ..TableOptions::default() };
    let encoded = table_with(content, &options).unwrap();
    assert_eq!(encoded.feature_names, ["size", "colour=blue", "colour=red"]);
    assert_eq!(values(&encoded), [1.0, 0.0, 1.0, 2.0, 1.0, 0.0, 3.0, 0.0, 1.0]);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.csv");
    fs::write(&path, "kind,colour,size\na,blue,5\n").unwrap();
    assert_eq!(values(&encoded.load_like(&path).unwrap()), [5.0, 1.0, 0.0]);
    fs::write(&path, "kind,colour,size\na,blue,5\na,bluee,5\n").unwrap();
    let message = encoded.load_like(&path).unwrap_err().to_string();
    assert!(
        message.contains("line 3, column \"colour\": \"bluee\" is not in the training table"),
        "{message}"
    );
    assert!(message.contains("did you mean \"blue\"?"), "{message}");
}

#[test]
fn a_label_never_seen_in_training_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (train, test) = (folder.path().join("train.csv"), folder.path().join("test.csv"));
    fs::write(&train, "1,cat\n2,dog\n").unwrap();
    fs::write(&test, "1,dog\n2,bird\n").unwrap();
    let train = Table::load(&train, &TableOptions::default()).unwrap();
    let message = train.load_like(&test).unwrap_err().to_string();
    assert!(message.contains("test.csv: line 2, column \"1\": \"bird\" is not in"), "{message}");
    fs::write(&test, "1,dog\n").unwrap();
    let test = train.load_like(&test).unwrap();
    assert_eq!((test.dataset.class_names(), test.dataset.label(0)), (train.dataset.class_names(), Some(1)));
    assert_eq!(test.dataset.provenance().split, "test");
}

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_table_in_another_encoding_is_the_same_table() {
    let text = "größe;land\n1,5;\"Côte\nd'Ivoire\"\n2;Österreich\n";
    let windows: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
    let rows = |bytes: &[u8], encoding: Option<&str>| {
        let encoding = encoding.map(|label| label.parse().unwrap());
        let mut rows =
            TableRows::from_bytes("t.csv", bytes, &TableOptions { encoding, ..TableOptions::default() })
                .unwrap();
        (rows.dialect().to_string(), rows.read_all().unwrap())
    };
    let (_, expected) = rows(text.as_bytes(), None);
    assert_eq!(
        (expected.names(), expected.cell(0, 1)),
        (&["größe".into(), "land".into()][..], "Côte\nd'Ivoire")
    );
    let marked = utf_16(&format!("\u{feff}{text}"));
    for (bytes, encoding, name) in [
        (&windows, Some("windows-1252"), "windows-1252"),
        (&utf_16(text), Some("utf-16le"), "UTF-16LE"),
        (&marked, None, "UTF-16LE"),
        (&marked, Some("latin1"), "UTF-16LE"),
    ] {
        let (dialect, found) = rows(bytes, encoding);
        assert_eq!(dialect, format!("fields are separated by semicolons, and the text is {name}"));
        assert_eq!(found, expected, "{name}");
    }
    // The line by which spreadsheets are told the delimiter, in the encoding in which they write it.
    let stated = utf_16("\u{feff}sep=|\r\na|b\r\n1|2\r\n");
    assert_eq!(rows(&stated, None).1.names(), ["a", "b"]);
}

#[test]
fn tables_and_texts_are_read_in_the_encoding_of_the_options() {
    let options = TableOptions { encoding: Some("latin1".parse().unwrap()), ..TableOptions::default() };
    let folder = tempfile::tempdir().unwrap();
    let (train, test) = (folder.path().join("train.csv"), folder.path().join("test.csv"));
    fs::write(&train, b"x,land\n1,Gr\xe8ce\n2,\xc5land\n").unwrap();
    fs::write(&test, b"land,x\n\xc5land,3\n").unwrap();
    let train = Table::load(&train, &options).unwrap();
    assert_eq!(train.dataset.class_names(), ["Grèce", "Åland"]);
    assert_eq!(train.load_like(&test).unwrap().dataset.label(0), Some(1));
    let options = TableOptions { text: Some("text".into()), ..options };
    let texts = TextTable::from_bytes("t.csv", b"text,label\ntr\xe8s,1\n", &options).unwrap();
    assert_eq!(texts.texts.texts(), ["très"]);
}

#[test]
fn bytes_that_are_none_in_an_encoding_are_refused_with_their_line() {
    let rows = 40_000;
    let mut content = String::from("a,b\n");
    (0..rows).for_each(|row| content += &format!("{row},日本\n"));
    let mut bytes = utf_16(&content);
    // Half of a pair, in a line far behind the beginning that is looked at, with more behind it than is read at a time.
    bytes.extend([0x31, 0, 0x2c, 0, 0x00, 0xd8, 0x0a, 0]);
    bytes.extend(utf_16(&content[4..]));
    let options = TableOptions { encoding: Some("utf-16le".parse().unwrap()), ..TableOptions::default() };
    let mut rows_of = TableRows::from_bytes("table.csv", &bytes, &options).unwrap();
    let message = refusal(rows_of.read_all());
    let expected = "line 40002: expected UTF-16LE, found bytes that are none of its characters";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn what_is_not_utf_8_is_refused_with_its_line() {
    for (content, expected) in [
        (&b"a,b\n1,caf\xe9\n"[..], "line 2: expected UTF-8, found a byte that is not UTF-8"),
        (b"a,b\n1,x\n2,\0\n", "line 3: expected UTF-8, found a NUL byte"),
        (b"a\0,\0b\0\n\0", "line 1: expected UTF-8, found a NUL byte"),
        (b"a\0,\0b\0\n\0", "as in --encoding utf-16le, or save it as UTF-8"),
        (
            b"a,b\n1,caf\xe9\n",
            "name the table's encoding, as in --encoding windows-1252, or save it as UTF-8",
        ),
    ] {
        let message = refusal(table(content));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_quote_that_never_closes_is_refused() {
    let options = TableOptions { text: Some(0.into()), header: TableHeader::No, ..TableOptions::default() };
    let content = "one,a\n\"two,b\nthree,c\nfour,d\n";
    let with = TableOptions { quotes: Some(true), ..options.clone() };
    let message = refusal(TextTable::from_bytes("table.csv", content.as_bytes(), &with));
    assert!(message.contains("line 2: a quote opens in this row and never closes"), "{message}");
    // Unless it is said, all rows are alike without quotes, so the quote is a letter.
    for options in [TableOptions { quotes: Some(false), ..options.clone() }, options] {
        let table = TextTable::from_bytes("table.csv", content.as_bytes(), &options).unwrap();
        assert_eq!(table.texts.texts()[1], "\"two");
        assert!(!table.dialect.quotes);
    }
}

/// A field of 1 GB that takes no disk: what is read of it is bounded.
#[test]
fn a_field_of_a_gigabyte_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.csv");
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(b"a,b\n1,x\n2,\"").unwrap();
    file.set_len(1 << 30).unwrap();
    let options = TableOptions { most_row_bytes: 1 << 20, ..TableOptions::default() };
    let message = Table::load(&path, &options).unwrap_err().to_string();
    assert!(message.contains("line 3: the row is longer than the 1048576 bytes allowed"), "{message}");
    // Nor do blank lines count for nothing.
    let blank = [b"a,b\n1,x\n", &vec![b'\n'; 4 << 20][..]].concat();
    let message = refusal(table_with(blank, &options));
    assert!(message.contains("the row is longer"), "{message}");
}

#[test]
fn limits_are_kept() {
    let few = TableOptions { most_bytes: 16, ..TableOptions::default() };
    let message = refusal(table_with("1,2\n".repeat(10), &few));
    assert!(message.contains("line 5: the values take more than the 16 bytes allowed"), "{message}");
    let wide = refusal(table(",".repeat(70_000)));
    assert!(wide.contains("the first row has 70001 fields, more than the 65536"), "{wide}");
    let many: String = (0..70_000).map(|row| format!("1,{row}\n")).collect();
    let message = refusal(table(many));
    assert!(message.contains("line 65537, column \"1\": more than 65536 different values"), "{message}");
    let odd = TableOptions { delimiter: Some(b'"'), ..TableOptions::default() };
    let message = refusal(table_with("1,2", &odd));
    assert!(message.contains("the byte 34 cannot delimit"), "{message}");
}

#[test]
fn texts_are_kept_as_they_are() {
    let content =
        "label,review,stars\nneg,\" a\r\nbore, \"\"really\"\"\",1\npos,,5\nneg,שלום e\u{301} !!!,2\n";
    let options =
        TableOptions { text: Some("review".into()), target: Some("label".into()), ..TableOptions::default() };
    let table = TextTable::from_bytes("table.csv", content.as_bytes(), &options).unwrap();
    assert_eq!(table.texts.texts(), [" a\r\nbore, \"really\"", "", "שלום e\u{301} !!!"]);
    assert_eq!(table.empty, 1);
    let Targets::Classes { labels, names } = table.texts.targets() else { panic!("labels are classes") };
    assert_eq!((&labels[..], &names[..]), (&[0, 1, 0][..], &["neg", "pos"].map(String::from)[..]));

    let unclear = TableOptions { target: Some("label".into()), ..TableOptions::default() };
    let message = refusal(TextTable::from_bytes("table.csv", content.as_bytes(), &unclear));
    assert!(
        message.contains("cannot tell which column is the text; name one of \"review\", \"stars\""),
        "{message}"
    );
}

#[test]
fn of_two_columns_the_other_one_is_the_label() {
    let options = TableOptions { text: Some("review".into()), ..TableOptions::default() };
    for content in ["review,label\ngood,1\n", "label,review\n1,good\n"] {
        let table = TextTable::from_bytes("table.csv", content.as_bytes(), &options).unwrap();
        assert_eq!(table.texts.texts(), ["good"]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.csv");
        fs::write(&path, "label,id,review\n1,7,fine\n").unwrap();
        assert_eq!(table.load_like(&path).unwrap().texts.texts(), ["fine"]);
    }
}

#[test]
fn standardised_columns_have_mean_0() {
    let train = table("1,100,a\n3,500,b\n").unwrap();
    let normalization = Normalization::of(&train.dataset).unwrap();
    let dataset = train.dataset.with_normalization(normalization).unwrap();
    assert_eq!(values_of(&dataset), [-1.0, -1.0, 1.0, 1.0]);
}

#[test]
fn what_is_not_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let message = Table::load(folder.path(), &TableOptions::default()).unwrap_err().to_string();
    assert!(message.contains("not a regular file; expected a CSV or TSV file"), "{message}");
}
