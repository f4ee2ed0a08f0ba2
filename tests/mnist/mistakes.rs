//! Wrong flags, files that are missing or broken, and training that diverges: an exit code and words that help.

use std::process::Stdio;

use crate::support::{fail, mnist, run, scratch, succeed};

#[test]
fn wrong_flags_end_with_two_before_any_work() {
    let folder = scratch();
    let train = |extra: &[&str], words: &[&str]| {
        let arguments: Vec<&str> =
            ["train", "--data-dir", "data", "--model", "softmax"].iter().chain(extra).copied().collect();
        let run = fail(folder.path(), &arguments, 2, words);
        assert_eq!(run.stdout, "", "nothing was done");
    };
    train(&["--epochs", "0"], &["epochs is 0", "expected 1 or more"]);
    train(&["--batch-size", "0"], &["batch_size is 0"]);
    train(&["--learning-rate", "-0.1"], &["learning_rate is -0.1", "more than 0"]);
    train(&["--learning-rate", "fast"], &["--learning-rate", "fast"]);
    train(&["--validation-split", "1.0"], &["validation_split is 1", "less than 1"]);
    train(&["--optimizer", "adamm"], &["'adamm'", "sgd, momentum, nesterov, rmsprop, adam, adamw"]);
    train(&["--threads", "0"], &["0 threads", "expected 1 to 1024"]);
    train(&["--device", "gpu"], &["no device is called 'gpu'", "this build has flex"]);
    train(&["--device", "rocm"], &["build again with `--features rocm`"]);
    train(&["--device", "flex:1"], &["no index"]);
    train(&["--resume", "x.checkpoint", "--epochs", "3"], &["--resume", "--epochs"]);
    train(&["--out", "nowhere/m.fireclay"], &["nowhere", "does not exist"]);
    train(&["--threads", "60000"], &["60000 threads", "expected 1 to 1024"]);
    train(&["--out", "data"], &["it is a folder"]);
    train(&["--synthetic"], &["--synthetic"]);
    train(&["--private", "0"], &["epsilon is 0", "more than 0 and at most 1000, such as 8"]);
    train(&["--private", "8,1.5"], &["delta is 1.5"]);
    train(&["--private", "a lot"], &["private is a lot", "such as 8,1e-6"]);
    train(&["--noise", "seed"], &["--private"]);
    train(&["--private", "8", "--noise", "dice"], &["noise is dice", "system or seed"]);
    train(&["--private", "8", "--class-weights", "balanced"], &["class_weights is balanced", "--private"]);
    train(&["--private", "8", "--accumulate", "2"], &["accumulate is 2", "private training"]);
    train(&["--private", "8", "--schedule", "plateau=0.5,2"], &["schedule is plateau=0.5,2", "cosine"]);
    fail(folder.path(), &["train", "--model", "resnet"], 2, &["resnet", "cnn-small"]);
    fail(folder.path(), &["predict"], 2, &["FILE"]);
    fail(folder.path(), &[], 2, &["Usage"]);
}

#[test]
fn a_description_that_cannot_work_is_refused_with_its_layer() {
    let folder = scratch();
    let path = folder.path().join("bad.toml");
    let train = |text: &str, words: &[&str]| {
        std::fs::write(&path, text).unwrap();
        fail(folder.path(), &["train", "--spec", "bad.toml", "--data-dir", "data"], 2, words);
    };
    train("input = [1, 28, 28]\n[[layers]]\ntype = \"conv9d\"\n", &["bad.toml", "layer 1 'conv9d'"]);
    train(
        "input = [1, 28, 28]\n[[layers]]\ntype = \"dense\"\nout_features = 10\n",
        &["layer 1 'dense_1'", "put flatten"],
    );
    train("not toml", &["bad.toml", "TOML"]);
    fail(folder.path(), &["train", "--spec", "none.toml"], 2, &["none.toml"]);
    // It works, but not with this data.
    std::fs::write(
        &path,
        "input = [1, 28, 28]\nlayers = [{ type = \"flatten\" }, { type = \"dense\", out_features = 7 }]\n",
    )
    .unwrap();
    fail(
        folder.path(),
        &["train", "--spec", "bad.toml", "--data-dir", "data"],
        1,
        &["gives 7 outputs", "10, one for each class"],
    );
    std::fs::write(&path, "input = [784]\nlayers = [{ type = \"dense\", out_features = 10 }]\n").unwrap();
    fail(
        folder.path(),
        &["train", "--spec", "bad.toml", "--data-dir", "data"],
        1,
        &["data is [1, 28, 28]", "takes [784]"],
    );
}

#[test]
fn a_named_folder_that_is_missing_or_broken_is_an_error() {
    let folder = scratch();
    let train = |words: &[&str]| {
        let run = fail(folder.path(), &["train", "--model", "softmax", "--data-dir", "data"], 1, words);
        assert!(!run.stderr.contains("drawn"), "no fall-back: {}", run.stderr);
    };
    fail(folder.path(), &["train", "--data-dir", "nowhere"], 1, &["nowhere"]);
    let images = folder.path().join("data/train-images-idx3-ubyte");
    let whole = std::fs::read(&images).unwrap();
    std::fs::write(&images, &whole[..whole.len() - 1]).unwrap();
    train(&["train-images-idx3-ubyte"]);
    std::fs::write(&images, "").unwrap();
    train(&["train-images-idx3-ubyte"]);
    std::fs::remove_file(&images).unwrap();
    train(&["train-images"]);
}

#[test]
fn model_files_that_are_none_are_refused_by_name() {
    let folder = scratch();
    fail(folder.path(), &["evaluate"], 1, &["mnist.fireclay", "No such file"]);
    succeed(folder.path(), &["train", "-q", "--model", "softmax", "--epochs", "1", "--data-dir", "data"]);
    let model = folder.path().join("mnist.fireclay");
    let whole = std::fs::read(&model).unwrap();
    for cut in [0, 4, 8, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&model, &whole[..cut]).unwrap();
        fail(
            folder.path(),
            &["evaluate", "--data-dir", "data"],
            1,
            &["mnist.fireclay", "not a whole safetensors file"],
        );
    }
    std::fs::write(&model, "<html>not found</html>").unwrap();
    fail(folder.path(), &["predict", "x.png"], 1, &["mnist.fireclay"]);
    fail(folder.path(), &["train", "--resume", "mnist.fireclay"], 1, &["mnist.fireclay"]);
    std::fs::write(&model, &whole).unwrap();
    fail(
        folder.path(),
        &["train", "--resume", "mnist.fireclay"],
        2,
        &["mnist.fireclay is a finished model", "train anew"],
    );
}

#[test]
fn one_bad_picture_does_not_keep_the_others_from_being_read() {
    let folder = scratch();
    succeed(folder.path(), &["train", "-q", "--model", "softmax", "--epochs", "1", "--data-dir", "data"]);
    let good = crate::support::write_png(folder.path(), 3).display().to_string();
    std::fs::write(folder.path().join("text.png"), "not a picture").unwrap();
    let run = fail(folder.path(), &["predict", "text.png", &good, "none.png"], 1, &["text.png", "none.png"]);
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.stdout);
    assert!(run.stdout.contains("digit-03.png"), "{}", run.stdout);
}

#[test]
fn a_training_that_diverges_says_where_and_writes_no_model() {
    let folder = scratch();
    let arguments =
        ["train", "--model", "mlp", "--data-dir", "data", "--optimizer", "sgd", "--learning-rate", "1e30"];
    fail(
        folder.path(),
        &arguments,
        1,
        &["loss became", "epoch 1 at step", "learning rate 1", "dense_", "lower learning rate"],
    );
    assert!(!folder.path().join("mnist.fireclay").exists());
}

#[test]
fn a_training_that_diverges_goes_on_from_its_last_good_checkpoint() {
    let folder = scratch();
    // The loss is finite in the first epoch, and the second begins with a learning rate that no weight survives.
    let train = ["train", "--model", "mlp", "--data-dir", "data", "--optimizer", "sgd", "--epochs", "3"];
    let rates = ["--learning-rate", "0.1", "--schedule", "multi-step=1,1e37", "--batch-size", "100"];
    let words = [
        "loss became",
        "go on from the last checkpoint with finite weights, runs/mlp-1/checkpoints/last.checkpoint (written at the end of epoch 1)",
        "train --resume runs/mlp-1 --learning-rate-factor 0.1",
    ];
    fail(folder.path(), &[&train[..], &rates].concat(), 1, &words);
    let listed = succeed(folder.path(), &["runs"]).stdout;
    assert!(listed.contains("failed"), "{listed}");
    let resume = ["train", "--resume", "runs/mlp-1", "--learning-rate-factor", "1e-37"];
    succeed(folder.path(), &resume);
    let page = std::fs::read_to_string(folder.path().join("runs/mlp-1/report.html")).unwrap();
    assert!(page.contains("resumed in epoch 2 with its learning rates multiplied by"), "the page says so");

    // A checkpoint of another training is not this one's.
    std::fs::write(folder.path().join("m.fireclay.checkpoint"), "of another training").unwrap();
    let alone = ["--out", "m.fireclay", "--learning-rate", "1e38"];
    let run = fail(folder.path(), &[&train[..], &alone].concat(), 1, &["loss became"]);
    assert!(!run.stderr.contains("--learning-rate-factor"), "{}", run.stderr);

    for (factor, words) in
        [("0", "learning_rate_factor is 0"), ("-1", "more than 0"), ("x", "--learning-rate-factor")]
    {
        let flags = ["train", "--resume", "runs/mlp-1", "--learning-rate-factor", factor];
        fail(folder.path(), &flags, 2, &[words]);
    }
    fail(folder.path(), &["train", "--learning-rate-factor", "0.1"], 2, &["--resume"]);
}

#[test]
fn what_cannot_be_private_is_refused() {
    let folder = scratch();
    let private = |flags: &[&str], words: &[&str]| {
        let all = [&["train", "--data-dir", "data", "--private", "8"], flags].concat();
        fail(folder.path(), &all, 1, words);
    };
    private(&["--model", "best"], &["cannot be private", "batch norm", "layer_norm"]);
    // There are 600 training images.
    let loose = ["train", "--data-dir", "data", "--model", "mlp", "--private", "8,0.01"];
    fail(
        folder.path(),
        &loose,
        1,
        &["delta is 0.01", "less than one in as many as there are training samples"],
    );
    assert!(!folder.path().join("mnist.fireclay").exists());
    fail(folder.path(), &["find-lr", "--private", "8"], 2, &["private is 8", "without being counted"]);
    let prune = ["compress", "m.fireclay", "--prune", "0.5", "--out", "s.fireclay", "--private", "8"];
    fail(folder.path(), &prune, 2, &["private is 8", "nothing with compress"]);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let folder = scratch();
    let mut child =
        mnist(folder.path()).args(["summary"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn help_shows_every_command_and_default() {
    let folder = scratch();
    let help = run(folder.path(), &["--help"]).stdout;
    for word in ["train", "evaluate", "predict", "summary", "data", "--json", "--quiet", "130"] {
        assert!(help.contains(word), "no '{word}' in: {help}");
    }
    let help = run(folder.path(), &["train", "--help"]).stdout;
    for word in [
        "[default: cnn]",
        "[default: mnist.fireclay]",
        "[default: flex]",
        "[default: all cores]",
        "[default: 0]",
    ] {
        assert!(help.contains(word), "no '{word}' in: {help}");
    }
}

#[test]
fn every_command_is_in_the_table_and_documented() {
    use crate::support::shared::commands;

    let folder = scratch();
    let (program, readme) = (env!("CARGO_BIN_EXE_mnist"), include_str!("../../apps/mnist/README.md"));
    let expected = [
        "train", "launch", "federate", "evaluate", "summary", "runs", "find-lr", "compress", "audit",
        "predict", "data",
    ];
    commands::are_documented(program, folder.path(), readme, &expected);
    let files = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/cli/src/commands");
    commands::files_are_listed(&commands::listed(program, folder.path()), &files);
}

#[test]
fn without_a_network_a_model_is_not_measured_on_other_data() {
    let folder = scratch();
    succeed(folder.path(), &["train", "-q", "--model", "softmax", "--epochs", "1", "--data-dir", "data"]);
    let run = fail(folder.path(), &["evaluate"], 1, &["train-images"]);
    assert_eq!(run.stdout, "");
}

#[test]
fn a_checkpoint_that_lies_is_refused() {
    use fireclay::store::{load_checkpoint, save_checkpoint};
    use fireclay::train::Progress;

    let folder = scratch();
    let path = folder.path().join("whole.checkpoint");
    let data = fireclay::data::DataDir::named(folder.path().join("data"));
    let (train, _) = fireclay::data::Mnist::load(&data).unwrap();
    let device = fireclay::prelude::DeviceName::default().open().unwrap();
    let spec = fireclay::prelude::ModelSpec::new([1, 28, 28]).flatten().dense(10);
    let program = serde_json::json!({
        "program": "mnist", "model": "softmax", "spec": spec, "out": folder.path().join("m.fireclay"),
        "data": {"folder": folder.path().join("data")}, "preparation": {"standardize": false, "augment": {}},
    });
    let options = fireclay::prelude::FitOptions { epochs: 2, ..Default::default() };
    fireclay::prelude::Trainer::classification(spec.build(&device).unwrap())
        .callback(fireclay::prelude::CheckpointWriter::new(&path).program(program))
        .fit(&train, &options)
        .unwrap();
    let whole = load_checkpoint::<Progress>(&path).unwrap();
    type Lie<'a> = (&'a str, Box<dyn Fn(&mut fireclay::train::Checkpoint)>);
    let lies: [Lie; 8] = [
        ("its epoch", Box::new(|checkpoint| checkpoint.progress.state.epoch = 0)),
        ("its step", Box::new(|checkpoint| checkpoint.progress.state.step = usize::MAX)),
        ("its history", Box::new(|checkpoint| checkpoint.progress.state.history.clear())),
        ("its parameter_ids", Box::new(|checkpoint| checkpoint.progress.parameter_ids.clear())),
        ("batch_size is 0", Box::new(|checkpoint| checkpoint.progress.settings.options.batch_size = 0)),
        ("optimiser's state", Box::new(|checkpoint| checkpoint.optimizer.truncate(9))),
        (
            "missing     dense_1.bias",
            Box::new(|checkpoint| {
                checkpoint.tensors.retain(|tensor| tensor.name != "dense_1.bias");
            }),
        ),
        (
            "600 samples of 10 classes",
            Box::new(|checkpoint| {
                if let Some(dataset) = &mut checkpoint.progress.settings.dataset {
                    dataset.sha256 = Some("0".repeat(64));
                }
            }),
        ),
    ];
    for (words, lie) in lies {
        let mut checkpoint = whole.clone();
        lie(&mut checkpoint);
        save_checkpoint(&path, &checkpoint).unwrap();
        fail(folder.path(), &["train", "--resume", "whole.checkpoint"], 1, &[words]);
    }
}
