//! TensorBoard itself reads what is written here, and follows while a run is broken off and goes on.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use fireclay_tensorboard::{
    Attribute, EventWriter, Experiment, GraphNode, HParam, HParamDomain, Metric, ResumeAt, SessionStatus,
    Summary,
};

#[test]
#[ignore = "needs a Python with TensorBoard: set FIRECLAY_TENSORBOARD_PYTHON, see CONTRIBUTING.md"]
fn tensorboard_shows_a_run_that_was_broken_off_with_each_step_once() {
    let python = std::env::var("FIRECLAY_TENSORBOARD_PYTHON").expect(
        "FIRECLAY_TENSORBOARD_PYTHON names a Python that has crates/tensorboard/fixtures/requirements.txt",
    );
    // TensorBoard has two readers.
    for load_fast in ["true", "false"] {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = write_until_crash(&folder.path().join("mnist/first"));

        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let mut judge = Command::new(&python)
            .arg(fixtures.join("judge.py"))
            .arg(folder.path())
            .arg(load_fast)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{python}: {error}"));
        let mut line = String::new();
        BufReader::new(judge.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "seen\n", "--load_fast {load_fast}: the judge says above what is wrong");

        go_on(&folder.path().join("mnist/first"), checkpoint);
        judge.stdin.take().unwrap().write_all(b"\n").unwrap();
        assert!(
            judge.wait().unwrap().success(),
            "--load_fast {load_fast}: the judge says above what is wrong"
        );
    }
}

/// All kinds of summaries, a checkpoint after step 6, and then two more steps and half a record.
fn write_until_crash(folder: &Path) -> u64 {
    let mut writer = EventWriter::create(folder).unwrap();
    let optimizers = HParamDomain::Choice(vec!["adam".to_owned(), "sgd".to_owned()]);
    let experiment = Experiment {
        hparams: vec![
            HParam::new("dropout", HParamDomain::Interval { low: 0.0, high: 0.5 }),
            HParam::new("nesterov", HParamDomain::Bool),
            HParam::new("optimizer", optimizers),
        ],
        metrics: vec![Metric::new("loss/train")],
        ..Experiment::default()
    };
    writer.experiment(&experiment).unwrap();
    let hparams = [("dropout", 0.25.into()), ("nesterov", true.into()), ("optimizer", "sgd".into())];
    writer.start_session(hparams).unwrap();
    let dense = GraphNode::new("encoder/dense_1", "Dense")
        .input("image")
        .attribute("activation", Attribute::Text("relu".to_owned()))
        .attribute("weight", Attribute::Shape(vec![10, 784]));
    let of_10 = || Attribute::Shapes(vec![vec![-1, 10]]);
    let inside = GraphNode::new("residual_1/dense_1", "dense").input("encoder/dense_1");
    let sum = GraphNode::new("residual_1/add", "add").input("residual_1/dense_1").input("encoder/dense_1");
    let block = [inside, sum].map(|node| node.attribute("_output_shapes", of_10()));
    let input = GraphNode::new("image", "Input");
    writer.graph(&[vec![input, dense], block.to_vec()].concat()).unwrap();
    let values: Vec<f32> = (0..400).map(|index| (index * 37 % 101) as f32 / 8.0 - 5.0).collect();
    writer.write(1, [Summary::histogram("weights", &values)]).unwrap();
    writer.write(2, [Summary::histogram("weights", &[f32::NAN])]).unwrap();
    let png = include_bytes!("../fixtures/picture.png");
    let constant = Summary::histogram("weights", &[2.5, 2.5, 2.5, 2.5, f32::INFINITY]);
    let pictures = Summary::images("pictures", &[png, png]).unwrap();
    writer.write(3, [constant, pictures, Summary::text("notes", "**bold**, ä")]).unwrap();
    let answers = [1.0, 0.75, 0.5, 0.0];
    writer.write(4, [Summary::scalar("accuracy", 0.5).with_description("of *validation*")]).unwrap();
    writer.write(5, [Summary::scalar("accuracy", 0.75)]).unwrap();
    writer.write(4, [Summary::pr_curve("curve", &[true, false, true, false], &answers).unwrap()]).unwrap();

    steps(&mut writer, 1..=6, 1.0);
    let checkpoint = writer.flush().unwrap();
    steps(&mut writer, 7..=8, 1.0);
    let path = writer.path().to_owned();
    drop(writer);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_within(..30);
    std::fs::write(&path, bytes).unwrap();
    checkpoint
}

fn go_on(folder: &Path, checkpoint: u64) {
    let mut writer = EventWriter::resume(folder, ResumeAt::Position(checkpoint)).unwrap();
    steps(&mut writer, 7..=10, 10.0);
    writer.end_session(10, SessionStatus::Success).unwrap();
}

/// Writes as the loss the step times a factor, by which it is seen who wrote it.
fn steps(writer: &mut EventWriter, steps: std::ops::RangeInclusive<u64>, factor: f32) {
    for step in steps {
        writer.write(step, [Summary::scalar("loss/train", step as f32 * factor)]).unwrap();
    }
}
