//! The way everybody goes: train, evaluate, predict, look at the model.

use crate::support::{digits, measures, mnist, run, scratch, succeed, write_png};

#[test]
fn a_pipe_gets_plain_lines_and_a_saved_model() {
    let folder = scratch();
    let run = succeed(folder.path(), &["train", "--model", "mlp", "--epochs", "2", "--data-dir", "data"]);
    assert_eq!(run.stderr, "", "no bar and no notes in a pipe");
    let epochs: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("epoch ")).collect();
    assert_eq!(epochs.len(), 2, "{}", run.stdout);
    assert!(epochs[1].starts_with("epoch 2/2  loss ") && epochs[1].contains(" samples/s "), "{}", epochs[1]);
    assert!(run.stdout.contains("mlp: 118,282 parameters, seed 0"));
    assert!(run.stdout.contains("600 training and 200 test images"), "{}", run.stdout);
    assert!(run.stdout.contains("saved mnist.fireclay (47"), "{}", run.stdout);
    assert!(!run.stdout.contains('\u{1b}') && !run.stdout.contains('\r'), "plain text");
    let mut files: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["data", "mnist.fireclay", "runs"], "no checkpoint and no temporary file is left");
}

#[test]
fn a_private_training_says_what_it_spent_and_its_file_says_it_too() {
    let folder = scratch();
    let flags = ["train", "--model", "cnn-tanh", "--private", "8", "--noise", "seed", "--epochs", "3"];
    let flags = [&flags[..], &["--batch-size", "100", "--data-dir", "data", "--out", "a.fireclay"]].concat();
    let run = succeed(folder.path(), &flags);
    assert!(run.stdout.contains(
        "private: epsilon 8, delta 0.00001, each sample's gradient clipped to 1, noise from the seed"
    ));
    assert!(run.stdout.contains("private: single training samples, as far as the weights tell of them"));
    let epochs: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("epoch ")).collect();
    assert!(epochs.iter().all(|line| line.contains("  epsilon ")), "{epochs:?}");
    let spent = run.stdout.lines().find(|line| line.contains("spent in 18 steps")).unwrap();
    assert!(spent.starts_with("private: epsilon 7.9") || spent.starts_with("private: epsilon 8 "), "{spent}");
    let summary = succeed(folder.path(), &["summary", "--from", "a.fireclay"]);
    assert!(summary.stdout.contains(spent), "{}", summary.stdout);

    // By the seed the same file, and by the system another.
    let again = |out: &str, noise: &str| {
        let mut flags = flags.clone();
        (flags[6], *flags.last_mut().unwrap()) = (noise, out);
        succeed(folder.path(), &flags);
        std::fs::read(folder.path().join(out)).unwrap()
    };
    let first = std::fs::read(folder.path().join("a.fireclay")).unwrap();
    assert!(again("b.fireclay", "seed") == first);
    assert!(again("c.fireclay", "system") != first);
}

/// What sees training samples again makes no private model of a private one.
#[test]
fn compressed_by_samples_a_private_model_is_private_no_more() {
    let folder = scratch();
    let private = ["train", "--model", "mlp", "--private", "8", "--epochs", "1", "--data-dir", "data"];
    succeed(folder.path(), &private);
    let compress = |method: &str| {
        let compressed =
            run(folder.path(), &["compress", method, "--out", "small.fireclay", "--data-dir", "data"]);
        let summary = succeed(folder.path(), &["summary", "--from", "small.fireclay"]);
        (compressed.stderr, summary.stdout.contains("spent in"))
    };
    let (notes, is_private) = compress("--int8");
    assert!(notes.contains("trained with privacy") && notes.contains("--bf16"), "{notes}");
    assert!(!is_private);
    let (notes, is_private) = compress("--bf16");
    assert!(!notes.contains("privacy") && is_private, "{notes}");
}

#[test]
fn quiet_prints_the_results_alone() {
    let folder = scratch();
    let run =
        succeed(folder.path(), &["train", "-q", "--model", "softmax", "--epochs", "1", "--data-dir", "data"]);
    assert!(!run.stdout.contains("epoch") && run.stdout.contains("accuracy"), "{}", run.stdout);
    assert_eq!(run.stderr, "");
}

#[test]
fn evaluate_gives_the_numbers_that_train_printed() {
    let folder = scratch();
    let train = succeed(folder.path(), &["train", "--model", "cnn", "--epochs", "1", "--data-dir", "data"]);
    let evaluate = succeed(folder.path(), &["evaluate", "--data-dir", "data"]);
    let expected = measures(&train.stdout);
    assert!(expected.len() > 20, "{expected:?}");
    assert_eq!(measures(&evaluate.stdout), expected);
}

#[test]
fn predict_agrees_with_evaluate_on_fifty_pictures() {
    let folder = scratch();
    succeed(folder.path(), &["train", "--model", "cnn-small", "--epochs", "3", "--data-dir", "data"]);
    let pictures: Vec<String> =
        (0..50).map(|index| write_png(folder.path(), index).display().to_string()).collect();
    let arguments: Vec<&str> = ["predict"].into_iter().chain(pictures.iter().map(String::as_str)).collect();
    let predicted = succeed(folder.path(), &arguments);
    assert_eq!(predicted.stderr, "", "a picture in MNIST's own form is taken as it is");

    let device = fireclay::prelude::DeviceName::default().open().unwrap();
    let trainer = fireclay::train::Trainer::load(folder.path().join("mnist.fireclay"), &device).unwrap();
    let test = digits().1.take(50);
    let rows = trainer.predict(&test).unwrap();
    let lines: Vec<&str> = predicted.stdout.lines().collect();
    assert_eq!(lines.len(), 50);
    let mut right = 0;
    for (index, (line, mut row)) in lines.into_iter().zip(rows).enumerate() {
        fireclay::train::softmax(&mut row);
        let best = (0..10).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        assert!(words[0].ends_with(&format!("digit-{index:02}.png")), "{line}");
        assert_eq!(words[1], best.to_string(), "{line}");
        // One picture at a time or fifty at once: the sums may differ in their last bit.
        let percent: f32 = words[2].parse().unwrap();
        assert!((percent - 100.0 * row[best]).abs() < 0.011, "{line}");
        assert_eq!(words.len(), 10, "three guesses: {line}");
        right += usize::from(best as u32 == test.label(index).unwrap());
    }
    let accuracy = trainer.evaluate(&test).unwrap().accuracy().unwrap();
    assert_eq!(right as f64 / 50.0, accuracy);
    assert!(accuracy > 0.3, "the model has learnt something: {accuracy}");
}

#[test]
fn photographs_are_converted_and_the_program_says_how() {
    let folder = scratch();
    succeed(folder.path(), &["train", "-q", "--model", "softmax", "--epochs", "1", "--data-dir", "data"]);
    // A dark stroke on light paper, in colour, larger than the model's images.
    let photo =
        image::RgbImage::from_fn(120, 90, |x, y| match (50..60).contains(&x) && (15..75).contains(&y) {
            true => image::Rgb([30, 20, 90]),
            false => image::Rgb([235, 230, 220]),
        });
    photo.save(folder.path().join("one.jpg")).unwrap();
    let run = succeed(folder.path(), &["predict", "one.jpg"]);
    assert!(run.stdout.starts_with("one.jpg  "), "{}", run.stdout);
    assert!(run.stderr.contains("inverted"), "{}", run.stderr);
    let quiet = succeed(folder.path(), &["predict", "-q", "one.jpg"]);
    assert_eq!((quiet.stdout, quiet.stderr.as_str()), (run.stdout, ""));
}

#[test]
fn a_seed_decides_every_byte_of_the_file() {
    let folder = scratch();
    let train = |seed: &str, threads: &str, out: &str| {
        let arguments = [
            "train",
            "-q",
            "--model",
            "cnn",
            "--epochs",
            "1",
            "--data-dir",
            "data",
            "--seed",
            seed,
            "--threads",
            threads,
            "--out",
            out,
        ];
        succeed(folder.path(), &arguments);
        std::fs::read(folder.path().join(out)).unwrap()
    };
    assert_eq!(train("1", "2", "a.fireclay"), train("1", "2", "b.fireclay"));
    assert_ne!(train("1", "2", "a.fireclay"), train("2", "2", "b.fireclay"));
}

#[test]
fn summary_shows_the_recipe_that_train_follows() {
    let folder = scratch();
    let summary = succeed(folder.path(), &["summary", "--model", "softmax"]).stdout;
    let recipe = summary.lines().last().unwrap();
    assert!(recipe.starts_with("recipe: adam"), "{summary}");
    let run = succeed(folder.path(), &["train", "--model", "softmax", "--epochs", "1", "--data-dir", "data"]);
    let followed = run.stdout.lines().chain(run.stderr.lines()).find(|line| line.starts_with("recipe: "));
    assert_eq!(followed, Some(recipe.replace("10 epochs", "1 epoch").as_str()));
}

#[test]
fn a_description_can_be_printed_changed_and_trained() {
    let folder = scratch();
    let toml = succeed(folder.path(), &["summary", "--model", "cnn-small", "--toml"]).stdout;
    let changed = toml.replace("out_features = 128", "out_features = 16");
    assert_ne!(changed, toml);
    std::fs::write(folder.path().join("mine.toml"), changed).unwrap();
    let shown = succeed(folder.path(), &["summary", "--spec", "mine.toml"]).stdout;
    assert!(shown.contains("dense_1") && shown.contains("[16]"), "{shown}");
    succeed(folder.path(), &["train", "-q", "--spec", "mine.toml", "--epochs", "1", "--data-dir", "data"]);
    let saved = succeed(folder.path(), &["summary", "--from", "mnist.fireclay"]).stdout;
    assert!(saved.starts_with(shown.trim_end()), "{saved}");
    assert!(saved.contains("trained on IDX data set"), "{saved}");
}

#[test]
fn without_files_and_network_it_says_so_and_draws_its_own_digits() {
    let folder = scratch();
    let run = succeed(folder.path(), &["train", "--model", "softmax", "--epochs", "1", "--limit", "1000"]);
    let notes: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(notes.len(), 2, "{}", run.stderr);
    assert!(notes[0].contains("no network") && notes[1].contains("drawn digits"), "{}", run.stderr);
    assert!(run.stdout.contains("drawn digits, test split"), "{}", run.stdout);
    assert!(run.stdout.contains("trained on drawn digits"), "{}", run.stdout);
    // The file knows what it was trained on, so it is measured on the same without being told.
    let evaluate = succeed(folder.path(), &["evaluate", "--limit", "1000"]);
    assert_eq!(measures(&evaluate.stdout), measures(&run.stdout));
    assert_eq!(evaluate.stderr, "");
    let other = succeed(folder.path(), &["evaluate", "--data-dir", "data"]);
    assert!(other.stderr.contains("trained on drawn digits, evaluated on IDX data set"), "{}", other.stderr);
}

#[test]
fn the_environment_names_a_data_folder_too() {
    let folder = scratch();
    let mut command = mnist(folder.path());
    command.env("FIRECLAY_DATA", "data").args(["train", "-q", "--model", "softmax", "--epochs", "1"]);
    assert!(command.output().unwrap().status.success());
    let mut command = mnist(folder.path());
    command.env("FIRECLAY_DATA", "nothing").args(["train", "-q", "--model", "softmax", "--epochs", "1"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "a folder that was named is not fallen back from");
}

#[test]
#[ignore = "needs FIRECLAY_TEST_DATA, a folder with `mnist/`"]
fn real_digits_are_learnt() {
    let data = std::env::var("FIRECLAY_TEST_DATA").expect("FIRECLAY_TEST_DATA names a folder with `mnist/`");
    let folder = scratch();
    let data = std::path::Path::new(&data).join("mnist");
    let run = run(
        folder.path(),
        &["train", "--model", "mlp", "--epochs", "2", "--data-dir", data.to_str().unwrap()],
    );
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert!(run.stdout.contains("MNIST: 60,000 training and 10,000 test images"), "{}", run.stdout);
    let measured = measures(&run.stdout);
    let accuracy: f64 = measured[1].split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(accuracy > 95.5, "{}", measured[1]);
}

#[test]
fn the_best_model_learns_from_drawn_digits_in_one_epoch() {
    let folder = tempfile::TempDir::with_prefix("mnist-test-").unwrap();
    let run = succeed(folder.path(), &["train", "--model", "best", "--synthetic", "--epochs", "1"]);
    assert!(run.stdout.contains("one-cycle") && run.stdout.contains("augment rotation"), "{}", run.stdout);
    assert!(crate::support::shared::accuracy(&run) > 90.0, "{}", run.stdout);
}

#[test]
fn a_limit_takes_the_same_part_of_the_data_each_time() {
    let folder = scratch();
    let train = ["train", "--model", "softmax", "--epochs", "2", "--data-dir", "data", "--limit", "100"];
    let run = succeed(folder.path(), &train);
    assert!(run.stdout.contains("100 training and 100 test images"), "{}", run.stdout);
    // Ten of each class, as in the whole.
    let rows = measures(&run.stdout);
    let supports = rows.iter().filter(|row| row.split_whitespace().last() == Some("10")).count();
    assert!(supports >= 10, "{rows:?}");
    let evaluate = succeed(folder.path(), &["evaluate", "--data-dir", "data", "--limit", "100"]);
    assert_eq!(measures(&evaluate.stdout), rows);
    let whole = succeed(folder.path(), &["evaluate", "--data-dir", "data", "--limit", "9999"]);
    assert!(whole.stdout.contains("test split, 200 images"), "{}", whole.stdout);
}

#[test]
fn flags_of_older_versions_are_understood() {
    let folder = scratch();
    let train = ["train", "-q", "--model", "softmax", "--epochs", "1", "--limit", "100", "--drawn"];
    let run = succeed(folder.path(), &train);
    assert!(run.stdout.contains("drawn digits, test split"), "{}", run.stdout);
}
