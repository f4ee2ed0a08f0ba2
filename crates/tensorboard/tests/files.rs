//! What event files hold, and that they do so after a crash.

use std::path::{Path, PathBuf};

use fireclay_tensorboard::{
    Attribute, EventWriter, Experiment, GraphNode, HParam, HParamDomain, Metric, ResumeAt, SessionStatus,
    Summary,
};

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run make.py beside it", path.display()))
}

/// The same as in `fixtures/make.py`.
#[test]
fn as_tensorboard_writes_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::create_with_clock(folder.path(), || 1_700_000_000.25).unwrap();
    let interval = HParam {
        description: "*after* each layer".to_owned(),
        ..HParam::new("dropout", HParamDomain::Interval { low: 0.0, high: 0.5 })
    };
    let optimizers = HParamDomain::Choice(vec!["adam".to_owned(), "sgd".to_owned()]);
    let metric = Metric { display_name: "loss".to_owned(), ..Metric::new("loss/train") };
    let experiment = Experiment {
        hparams: vec![
            interval,
            HParam::new("nesterov", HParamDomain::Bool),
            HParam::new("optimizer", optimizers),
        ],
        metrics: vec![metric],
        ..Experiment::default()
    };
    writer.experiment(&experiment).unwrap();
    let hparams = [("optimizer", "sgd".into()), ("nesterov", true.into()), ("dropout", 0.25.into())];
    writer.start_session(hparams).unwrap();
    let image =
        GraphNode::new("image", "Input").attribute("_output_shapes", Attribute::Shapes(vec![vec![-1, 784]]));
    let dense = GraphNode::new("encoder/dense_1", "Dense")
        .input("image")
        .attribute("activation", Attribute::Text("relu".to_owned()))
        .attribute("bias", Attribute::Bool(true))
        .attribute("dropout", Attribute::Float(0.25))
        .attribute("out_features", Attribute::Integer(10))
        .attribute("weight", Attribute::Shape(vec![10, 784]));
    writer.graph(&[image, dense]).unwrap();

    let scalars = [Summary::scalar("loss/train", 0.5), Summary::scalar("loss/validation", 0.75)];
    writer.write(1, scalars).unwrap();
    let accuracy = Summary::scalar("accuracy", 0.25).with_description("of *validation*");
    writer.write(1, [accuracy]).unwrap();
    let values: Vec<f32> = (0..400).map(|index| (index * 37 % 101) as f32 / 8.0 - 5.0).collect();
    let weights = Summary::histogram("weights", &values).with_description("of the *first* layer");
    writer.write(1, [weights]).unwrap();
    writer.write(2, [Summary::histogram("weights", &[])]).unwrap();
    writer.write(3, [Summary::histogram("weights", &[2.5; 4])]).unwrap();
    let png = fixture("picture.png");
    writer.write(3, [Summary::images("pictures", &[&png, &png]).unwrap()]).unwrap();
    writer.write(3, [Summary::text("notes", "**bold**, ä")]).unwrap();
    let probabilities: Vec<f32> = (0..300).map(|index| (index * 37 % 129) as f32 / 128.0).collect();
    let labels: Vec<bool> = (0..300).map(|index| index * 37 % 129 + index * 11 % 60 > 90).collect();
    writer.write(4, [Summary::pr_curve("curve", &labels, &probabilities).unwrap()]).unwrap();
    writer.end_session(300, SessionStatus::Success).unwrap();
    writer.flush().unwrap();

    let (found, expected) = (std::fs::read(writer.path()).unwrap(), fixture("reference.tfevents"));
    let first = found.iter().zip(&expected).position(|(found, expected)| found != expected);
    assert_eq!((first, found.len()), (None, expected.len()), "the first byte that differs, and the length");
}

/// Writes one scalar at each step.
fn steps(writer: &mut EventWriter, steps: std::ops::RangeInclusive<u64>) {
    for step in steps {
        writer.write(step, [Summary::scalar("loss", step as f32)]).unwrap();
    }
}

fn create(folder: &Path) -> EventWriter {
    EventWriter::create_with_clock(folder, || 1.0).unwrap()
}

fn resume(folder: &Path, at: ResumeAt) -> EventWriter {
    EventWriter::resume_with_clock(folder, at, || 1.0).unwrap()
}

fn refused(folder: &Path, at: ResumeAt) -> String {
    EventWriter::resume(folder, at).unwrap_err().to_string()
}

/// What the one file in a folder holds that is not empty, and its path.
fn content(folder: &Path) -> (Vec<u8>, PathBuf) {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<(Vec<u8>, PathBuf)> =
        files.map(|path| (std::fs::read(&path).unwrap(), path)).collect();
    assert!(files.len() <= 2, "no more than one empty file: {files:?}");
    files.retain(|(bytes, _)| !bytes.is_empty());
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

/// What is in the file of a run of ten steps that nothing befell.
fn undisturbed() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    steps(&mut create(folder.path()), 1..=10);
    content(folder.path()).0
}

#[test]
fn a_run_that_goes_on_has_each_step_once() {
    let expected = undisturbed();
    for (name, is_renamed) in [("position", true), ("step", true), ("end", false)] {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = create(folder.path());
        steps(&mut writer, 1..=6);
        let checkpoint = writer.flush().unwrap();
        assert_eq!(writer.position(), checkpoint);
        if is_renamed {
            steps(&mut writer, 7..=8);
        }
        drop(writer);
        let before = content(folder.path()).1;
        let at = match name {
            "position" => ResumeAt::Position(checkpoint),
            "step" => ResumeAt::Step(6),
            _ => ResumeAt::End,
        };
        let mut writer = resume(folder.path(), at);
        assert_eq!(writer.position(), checkpoint, "{name}");
        steps(&mut writer, 7..=10);
        drop(writer);
        let (found, after) = content(folder.path());
        assert!(found == expected, "{name}");
        assert_eq!(after != before, is_renamed, "{name}: {after:?}");
    }
}

#[test]
fn a_last_record_that_was_cut_short_anywhere_is_dropped() {
    let expected = undisturbed();
    let folder = tempfile::tempdir().unwrap();
    let mut writer = create(folder.path());
    steps(&mut writer, 1..=9);
    let border = writer.flush().unwrap() as usize;
    let path = writer.path().to_owned();
    drop(writer);
    for length in border..expected.len() {
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        std::fs::write(&path, &expected[..length]).unwrap();
        let mut writer = resume(folder.path(), ResumeAt::End);
        assert_eq!(writer.position(), border as u64, "{length} bytes");
        steps(&mut writer, 10..=10);
        drop(writer);
        assert!(content(folder.path()).0 == expected, "{length} bytes");
    }
}

/// As a process that was killed leaves it, wherever it was in writing.
#[test]
fn a_run_goes_on_from_its_checkpoint_whatever_was_written_after_it() {
    let expected = undisturbed();
    let folder = tempfile::tempdir().unwrap();
    let mut writer = create(folder.path());
    steps(&mut writer, 1..=6);
    let checkpoint = writer.flush().unwrap();
    drop(writer);
    for length in (checkpoint as usize..=expected.len()).step_by(7) {
        std::fs::write(content(folder.path()).1, &expected[..length]).unwrap();
        let mut writer = resume(folder.path(), ResumeAt::Position(checkpoint));
        steps(&mut writer, 7..=10);
        drop(writer);
        assert!(content(folder.path()).0 == expected, "{length} bytes");
    }
}

#[test]
fn later_steps_are_dropped_wherever_they_are_and_what_a_run_began_with_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = create(folder.path());
    writer.start_session([("seed", 1.into())]).unwrap();
    let begun = writer.position();
    steps(&mut writer, 3..=4);
    steps(&mut writer, 1..=2);
    let each = (writer.position() - begun) / 4;
    drop(writer);
    assert_eq!(resume(folder.path(), ResumeAt::Step(u64::MAX)).position(), begun + 4 * each);
    assert_eq!(resume(folder.path(), ResumeAt::Step(3)).position(), begun + 3 * each);
    assert_eq!(resume(folder.path(), ResumeAt::Step(2)).position(), begun + 2 * each);
    assert_eq!(resume(folder.path(), ResumeAt::Step(0)).position(), begun);
}

/// A process that is killed while it shortens a file leaves one that is not whole, or both.
#[test]
fn shortening_a_file_may_itself_be_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = create(folder.path());
    let position = writer.position();
    steps(&mut writer, 1..=5);
    let (old, whole) = (writer.path().to_owned(), writer.flush().unwrap());
    drop(writer);
    let bytes = std::fs::read(&old).unwrap();
    std::fs::write(folder.path().join(".fireclay-events-1.0.partial"), &bytes[..20]).unwrap();
    let writer = resume(folder.path(), ResumeAt::Position(position));
    let new = writer.path().to_owned();
    drop(writer);
    std::fs::write(&old, &bytes).unwrap();
    assert!(whole > position && old != new);
    let writer = resume(folder.path(), ResumeAt::End);
    assert_eq!((writer.position(), writer.path()), (position, &*new));
    drop(writer);
    assert!(!old.exists());
}

#[test]
fn a_position_that_is_not_one_of_the_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = create(folder.path());
    let border = writer.position();
    steps(&mut writer, 1..=1);
    let end = writer.flush().unwrap();
    drop(writer);
    for position in [0, 1, border + 1, end - 1] {
        let message = refused(folder.path(), ResumeAt::Position(position));
        assert!(message.contains(&format!("byte {position} is not the end of a record")), "{message}");
    }
    let message = refused(folder.path(), ResumeAt::Position(end + 1));
    assert!(message.contains(&format!("the whole records take {end}")), "{message}");
    assert_eq!(resume(folder.path(), ResumeAt::Position(end)).position(), end);
}

#[test]
fn what_cannot_be_continued_is_refused_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let message = refused(&folder.path().join("none"), ResumeAt::End);
    assert!(message.starts_with("cannot read ") && message.ends_with("none"), "{message}");
    std::fs::write(folder.path().join("events.out.tfevents.1.host.1.0"), "of another program").unwrap();
    let message = refused(folder.path(), ResumeAt::End);
    assert!(message.contains("no event file"), "{message}");
    let path = folder.path().join("events.out.tfevents.0000000001.fireclay.000.000");
    for text in ["", "no event file at all, whatever its name may say"] {
        std::fs::write(&path, text).unwrap();
        let message = refused(folder.path(), ResumeAt::End);
        assert!(message.contains("does not begin with the version"), "{message}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
#[cfg(unix)]
fn a_file_has_one_writer_and_a_folder_may_have_several_files() {
    let folder = tempfile::tempdir().unwrap();
    let first = create(folder.path());
    let second = create(folder.path());
    assert_ne!(first.path(), second.path());
    let message = refused(folder.path(), ResumeAt::End);
    assert!(message.contains("being written by another run"), "{message}");
    let path = second.path().to_owned();
    drop(second);
    assert_eq!(resume(folder.path(), ResumeAt::End).path(), path);
    assert!(first.path().exists());
}
