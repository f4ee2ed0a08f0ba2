//! `compress`: a smaller model file that every other command takes, and what is said of it.

use crate::support::{fail, mnist, scratch, succeed, write_png};

/// Trains a small model, in `mnist.fireclay`.
fn train(folder: &std::path::Path) {
    let train =
        ["train", "--model", "cnn-small", "--epochs", "1", "--data-dir", "data", "--batch-size", "16"];
    succeed(folder, &train);
}

const COMPRESS: [&str; 7] =
    ["compress", "mnist.fireclay", "--int8", "--out", "small.fireclay", "--data-dir", "data"];

#[test]
fn a_model_of_whole_numbers_is_smaller_and_other_commands_take_it() {
    let folder = scratch();
    train(folder.path());
    let run = succeed(folder.path(), &COMPRESS);
    for words in [
        "mnist.fireclay in 8-bit whole numbers, by the ranges of 512 training images; on 600 training images it costs ",
        "conv2d_2  computes in 8-bit whole numbers",
        "dense_1   computes in 8-bit whole numbers",
        ", test split, 200 images",
        "before",
        "95 % interval ",
        "latency of one",
        "images a second",
        "saved small.fireclay (",
    ] {
        assert!(run.stdout.contains(words), "no {words:?} in {}", run.stdout);
    }
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().len() as f64;
    assert!(size("small.fireclay") < 0.27 * size("mnist.fireclay"));

    // What was printed as the accuracy after is what `evaluate` measures.
    let accuracy = |text: &str| -> String {
        let line = text.lines().find(|line| line.starts_with("accuracy ")).unwrap();
        line.split_whitespace().nth(3).unwrap().to_string()
    };
    let evaluated = succeed(
        folder.path(),
        &["evaluate", "small.fireclay", "--data-dir", "data", "--metrics", "accuracy"],
    );
    assert!(evaluated.stdout.contains(&accuracy(&run.stdout)), "{} {}", run.stdout, evaluated.stdout);
    let picture = write_png(folder.path(), 0).display().to_string();
    succeed(folder.path(), &["predict", &picture, "--from", "small.fireclay"]);
    let summary = |name: &str| succeed(folder.path(), &["summary", "--from", name]).stdout;
    assert_eq!(summary("small.fireclay"), summary("mnist.fireclay"));
    let toml = succeed(folder.path(), &["summary", "--from", "small.fireclay", "--toml"]).stdout;
    assert!(toml.contains("[int8.ranges.relu_1]"), "{toml}");

    // With the CPU's instructions for bytes and without any: the same answers, to the last digit.
    let outputs = |simd: &str| {
        let mut command = mnist(folder.path());
        command.args(["predict", &picture, "--from", "small.fireclay", "--json"]);
        String::from_utf8(command.env("FIRECLAY_SIMD", simd).output().unwrap().stdout).unwrap()
    };
    assert!(outputs("").contains("prediction"));
    assert_eq!(outputs("plain"), outputs(""));
}

#[test]
fn a_model_in_bf16_is_half_as_large_and_answers_alike() {
    let folder = scratch();
    train(folder.path());
    let compress = ["compress", "mnist.fireclay", "--bf16", "--out", "half.fireclay", "--data-dir", "data"];
    let stdout = succeed(folder.path(), &compress).stdout;
    for words in
        ["mnist.fireclay with weights in bf16; it computes in f32 as before", "test split", "accuracy"]
    {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().len() as f64;
    assert!(size("half.fireclay") < 0.53 * size("mnist.fireclay"));
    let accuracy = |name: &str| {
        let evaluate = ["evaluate", name, "--data-dir", "data", "--metrics", "accuracy", "--json"];
        let line: serde_json::Value =
            serde_json::from_str(succeed(folder.path(), &evaluate).stdout.lines().last().unwrap()).unwrap();
        line["report"]["accuracy"].as_f64().unwrap()
    };
    assert!((accuracy("half.fireclay") - accuracy("mnist.fireclay")).abs() < 0.02);
    let stdout = succeed(folder.path(), &[&compress[..], &["--json"]].concat()).stdout;
    let record: serde_json::Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&record["type"], &record["method"]), (&"compression".into(), &"bf16".into()));
    assert_eq!(record["after"]["bytes"].as_f64(), Some(size("half.fireclay")));
    succeed(folder.path(), &COMPRESS);
    fail(
        folder.path(),
        &["compress", "small.fireclay", "--bf16", "--out", "no.fireclay", "--data-dir", "data"],
        2,
        &["already; begin with the one that it was made of"],
    );
    fail(folder.path(), &[&compress[..], &["--samples", "3"]].concat(), 2, &["cannot be used with"]);
}

#[test]
fn a_model_most_of_whose_weights_are_zeros_is_smaller_and_says_that_it_is_no_faster() {
    let folder = scratch();
    train(folder.path());
    let of = |method: [&str; 2], from: &str, out: &str, extra: &[&str]| {
        let usual = ["compress", from, "--out", out, "--data-dir", "data", "--json"];
        let method: Vec<&str> = method.into_iter().filter(|word| !word.is_empty()).collect();
        let stdout = succeed(folder.path(), &[&usual[..], &method, extra].concat()).stdout;
        serde_json::from_str::<serde_json::Value>(stdout.lines().last().unwrap()).unwrap()
    };
    let sparsity = ["--sparsity", "0.8"];
    let record = of(sparsity, "mnist.fireclay", "sparse.fireclay", &["--epochs", "1"]);
    assert_eq!((&record["method"], &record["epochs"]), (&"sparsity".into(), &1.into()));
    let count = |of: &str| -> u64 {
        record["tensors"].as_array().unwrap().iter().map(|tensor| tensor[of].as_u64().unwrap()).sum()
    };
    assert!((count("zeros") as f64 / count("weights") as f64 - 0.8).abs() < 1e-3);
    let size = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().len() as f64;
    assert!(size("sparse.fireclay") < 0.35 * size("mnist.fireclay"), "after the training too");
    // And smaller still in other numbers.
    of(["--bf16", ""], "sparse.fireclay", "half.fireclay", &[]);
    assert!(size("half.fireclay") < 0.75 * size("sparse.fireclay"));
    of(["--int8", ""], "sparse.fireclay", "small.fireclay", &[]);
    assert!(size("small.fireclay") < 0.6 * size("sparse.fireclay"));

    let by_layer = ["compress", "mnist.fireclay", "--sparsity", "0.6", "--by-layer", "--epochs", "0"];
    let stdout = succeed(
        folder.path(),
        &[&by_layer[..], &["--out", "layers.fireclay", "--data-dir", "data"]].concat(),
    )
    .stdout;
    for words in ["with 60", "for the size of the file alone: it computes as before", " weights\n"] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    let refused = |from: &str, share: &str, extra: &[&str], words: &str| {
        let usual = ["compress", from, "--sparsity", share, "--out", "no.fireclay", "--data-dir", "data"];
        fail(folder.path(), &[&usual[..], extra].concat(), 2, &[words]);
    };
    refused("mnist.fireclay", "1", &[], "sparsity is 1; expected above 0 and below 1");
    refused("mnist.fireclay", "-0.1", &[], "sparsity is -0.1; expected above 0");
    refused("mnist.fireclay", "0.5", &["--samples", "9"], "cannot be used with");
    refused("small.fireclay", "0.5", &["--epochs", "0"], "already; begin with the one that it was made of");
    assert!(!folder.path().join("no.fireclay").exists());
}

#[test]
fn what_cannot_be_compressed_is_refused() {
    let folder = scratch();
    fail(folder.path(), &COMPRESS, 1, &["mnist.fireclay"]);
    train(folder.path());
    let same = ["compress", "--int8", "--out", "mnist.fireclay", "--data-dir", "data"];
    fail(folder.path(), &same, 2, &["stays as it is; name another file with --out"]);
    let refused = |extra: &[&str], words: &str| {
        fail(folder.path(), &[&COMPRESS[..], extra].concat(), 2, &[words]);
    };
    refused(&["--samples", "0"], "samples is 0; expected 1 or more");
    refused(&["--percentile", "40"], "percentile is 40; expected more than 50");
    refused(&["--most-lost", "2"], "most-lost is 2; expected 0 to 1");
    succeed(folder.path(), &COMPRESS);
    let twice = ["compress", "small.fireclay", "--int8", "--out", "smaller.fireclay", "--data-dir", "data"];
    fail(folder.path(), &twice, 2, &["already; begin with the one that it was made of"]);
    assert!(!folder.path().join("smaller.fireclay").exists());
}

#[test]
fn a_model_without_channels_is_smaller_and_was_trained_again() {
    let folder = scratch();
    train(folder.path());
    let prune = |extra: &[&str]| {
        let usual =
            ["compress", "mnist.fireclay", "--prune", "0.4", "--multiple-of", "2", "--data-dir", "data"];
        succeed(folder.path(), &[&usual[..], extra].concat()).stdout
    };
    let stdout = prune(&["--out", "pruned.fireclay", "--epochs", "1", "--augment", "shift=0.1"]);
    for words in [
        "mnist.fireclay without 4",
        "% of its FLOPs, channels chosen by first-order on 600 training images\n  conv2d_1",
        " channels\n",
        "training: adam 0.001, batch 16, 1 epoch\n",
        "epoch 1/1",
        "before",
        "parameters",
        "FLOPs",
        "saved pruned.fireclay (",
    ] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    // Without training it is the network with columns and rows taken out.
    let stdout = prune(&["--out", "cut.fireclay", "--epochs", "0", "--score", "magnitude", "--by-layer"]);
    assert!(stdout.contains("chosen by magnitude\n") && !stdout.contains("epoch 1"), "{stdout}");
    for name in ["pruned.fireclay", "cut.fireclay"] {
        succeed(folder.path(), &["evaluate", name, "--data-dir", "data"]);
        // And smaller still.
        let small = format!("{name}.int8");
        succeed(folder.path(), &["compress", name, "--int8", "--out", &small, "--data-dir", "data"]);
    }
    let refused = |extra: &[&str], code: i32, words: &str| {
        let usual = ["compress", "mnist.fireclay", "--out", "no.fireclay", "--data-dir", "data"];
        fail(folder.path(), &[&usual[..], extra].concat(), code, &[words]);
        assert!(!folder.path().join("no.fireclay").exists());
    };
    refused(&[], 2, "--int8|--bf16|--prune <SHARE>|--sparsity <SHARE>|--distill <TEACHER>");
    refused(&["--prune", "0.5", "--int8"], 2, "cannot be used with");
    refused(&["--int8", "--epochs", "3"], 2, "cannot be used with");
    refused(&["--prune", "1.5"], 2, "prune is 1.5; expected more than 0 and less than 1");
    refused(&["--prune", "-1"], 2, "prune is -1; expected more than 0");
    refused(&["--prune", "0.5", "--score", "size"], 2, "it is one of first-order, magnitude, batch-norm");
    refused(&["--prune", "0.5", "--score", "batch-norm"], 2, "has batch norm with scales to choose them by");
    refused(&["--prune", "0.99"], 2, "at most");
    refused(&["--prune", "0.5", "--learning-rate", "0"], 2, "learning_rate is 0");
    refused(&["--prune", "0.5", "--temperature", "2"], 2, "cannot be used with");
}

#[test]
fn a_student_is_taught_by_a_larger_network() {
    let folder = scratch();
    train(folder.path());
    let toml = "input = [1, 28, 28]\n[[layers]]\ntype = \"flatten\"\n[[layers]]\ntype = \"dense\"\nout_features = 8\n\
                [[layers]]\ntype = \"relu\"\n[[layers]]\ntype = \"dense\"\nout_features = 10\n";
    std::fs::write(folder.path().join("mlp.toml"), toml).unwrap();
    let distill = |student: &str, extra: &[&str]| {
        let usual =
            ["compress", student, "--distill", "mnist.fireclay", "--epochs", "2", "--data-dir", "data"];
        succeed(folder.path(), &[&usual[..], extra].concat()).stdout
    };
    let stdout =
        distill("mlp.toml", &["--out", "student.fireclay", "--temperature", "2", "--teacher-share", "0.5"]);
    for words in [
        "training: adam 0.001, batch 16, 2 epochs",
        "epoch 2/2",
        "teacher",
        "student",
        "6,370",
        "saved student.fireclay (",
    ] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    // A student that is a model learns on, and one may be a narrow copy of its teacher.
    distill(
        "student.fireclay",
        &["--out", "further.fireclay", "--validation-split", "0.2", "--patience", "1"],
    );
    let narrow = ["--out", "narrow.fireclay", "--narrow", "0.5", "--multiple-of", "2"];
    distill("mnist.fireclay", &narrow);
    let parameters = |name: &str| {
        let summary = succeed(folder.path(), &["summary", "--from", name, "--json"]).stdout;
        let record: serde_json::Value = serde_json::from_str(summary.lines().next().unwrap()).unwrap();
        record["parameters"].as_u64().unwrap()
    };
    assert!(parameters("narrow.fireclay") < parameters("mnist.fireclay"));
    let evaluated = succeed(folder.path(), &["evaluate", "student.fireclay", "--data-dir", "data"]);
    assert!(evaluated.stdout.contains("accuracy"));

    let refused = |student: &str, extra: &[&str], code: i32, words: &str| {
        let usual = [
            "compress",
            student,
            "--distill",
            "mnist.fireclay",
            "--out",
            "no.fireclay",
            "--data-dir",
            "data",
        ];
        fail(folder.path(), &[&usual[..], extra].concat(), code, &[words]);
        assert!(!folder.path().join("no.fireclay").exists());
    };
    refused("mlp.toml", &["--temperature", "0"], 2, "temperature 0; expected more than 0");
    refused("mlp.toml", &["--teacher-share", "2"], 2, "teacher_share 2; expected 0 to 1");
    refused("mlp.toml", &["--narrow", "1"], 2, "narrow is 1; expected more than 0 and less than 1");
    refused("mlp.toml", &["--multiple-of", "2"], 2, "give --narrow SHARE as well");
    refused("none.toml", &[], 2, "none.toml");
    refused("none.fireclay", &[], 1, "none.fireclay");
    std::fs::write(folder.path().join("wide.toml"), toml.replace("= 10", "= 11")).unwrap();
    refused("wide.toml", &[], 2, "have not the same number of outputs");
    std::fs::write(folder.path().join("other.toml"), toml.replace("28, 28", "28, 20")).unwrap();
    refused("other.toml", &[], 2, "have not the same input");
    let same = [
        "compress",
        "mlp.toml",
        "--distill",
        "mnist.fireclay",
        "--out",
        "mnist.fireclay",
        "--data-dir",
        "data",
    ];
    fail(folder.path(), &same, 2, &["stays as it is"]);
}
