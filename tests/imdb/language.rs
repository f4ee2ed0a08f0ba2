//! Language models from outside: trained, measured, asked for texts and for words that mean the same.

use super::{TABLE, fail, scratch, succeed, with};
use crate::shared::measures;

const TRAIN: [&str; 9] =
    ["train", "--model", "lm-lstm", "--steps", "16", "--max-words", "60", "--epochs", "1"];

#[test]
fn a_language_model_is_trained_measured_and_writes() {
    let folder = scratch();
    let train = succeed(folder.path(), &with(&with(&TRAIN, &TABLE), &["--validation-split", "0.1"]));
    for words in ["test windows of 16 tokens of reviews", "val_perplexity", "perplexity", "generate --prompt"]
    {
        assert!(train.stdout.contains(words), "no '{words}' in {}", train.stdout);
    }
    assert!(train.stdout.contains("baselines, perplexity: guessing by word frequency "), "{}", train.stdout);
    let evaluate = succeed(folder.path(), &with(&["evaluate"], &TABLE));
    let expected = measures(&train.stdout);
    assert!(expected.iter().any(|line| line.starts_with("perplexity")), "{expected:?}");
    assert_eq!(measures(&evaluate.stdout), expected, "the file knows words and steps");
    let json = succeed(folder.path(), &with(&["evaluate", "--json"], &TABLE));
    let record: serde_json::Value = serde_json::from_str(json.stdout.trim()).unwrap();
    let perplexity = record["language"]["perplexity"].as_f64().unwrap();
    assert!(perplexity > 1.0 && perplexity < 64.0, "{record}");

    let generate = ["generate", "--prompt", "The film", "--length", "30", "--seed", "4"];
    let text = succeed(folder.path(), &generate).stdout;
    assert!(text.starts_with("the film") && text.ends_with('\n') && text.trim_end().len() > 60, "{text}");
    assert!(!text.contains('<') && !text.contains(" ."), "{text}");
    assert_eq!(succeed(folder.path(), &generate).stdout, text, "a seed decides the text");
    let other = ["generate", "--prompt", "The film", "--length", "30", "--seed", "5"];
    assert_ne!(succeed(folder.path(), &other).stdout, text);

    let json = with(&generate, &["--json", "--temperature", "0.5", "--top-k", "5", "--top-p", "0.9"]);
    let record: serde_json::Value =
        serde_json::from_str(succeed(folder.path(), &json).stdout.trim()).unwrap();
    assert_eq!(
        (&record["type"], &record["words"], &record["top_k"]),
        (&"generation".into(), &30.into(), &5.into())
    );
    assert!(record["text"].as_str().unwrap().starts_with("the film"), "{record}");

    let predict = ["predict", "A joy."];
    fail(folder.path(), &predict, 2, &["is a language model", "imdb generate --from imdb.fireclay"]);
    fail(folder.path(), &["generate", "--temperature", "-1"], 2, &["temperature -1; expected 0 or more"]);
    fail(folder.path(), &["generate", "--top-p", "2"], 2, &["top_p 2"]);
}

#[test]
fn the_page_of_a_language_model_shows_what_it_writes() {
    let folder = scratch();
    let trained = succeed(folder.path(), &with(&with(&TRAIN, &TABLE), &["--json"]));
    let page = std::fs::read_to_string(folder.path().join("runs/lm-lstm-1/report.html")).unwrap();
    for part in [
        "What it writes",
        "The model that was saved goes on from",
        "From the beginning of a text, temperature 0.7, top-p 0.95, seed 0",
        "Temperature 1, top-p 0.95, seed 3",
        "for guessing by word frequency",
    ] {
        assert!(page.contains(part), "no {part:?} in the page");
    }
    // The same words as `generate` writes with these settings.
    let model = "runs/lm-lstm-1/model.fireclay";
    let settings = ["--temperature", "0.7", "--top-p", "0.95", "--seed", "0", "--length", "40"];
    let text = succeed(folder.path(), &with(&["generate", "--from", model], &settings)).stdout;
    let escaped = text.trim().replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    assert!(page.contains(escaped.get(..60).unwrap_or(&escaped)), "{escaped}");
    let record = trained.stdout.lines().find(|line| line.contains("\"comparison\"")).unwrap();
    let record: serde_json::Value = serde_json::from_str(record).unwrap();
    let perplexity = &record["measures"][0];
    assert_eq!(
        (&perplexity["name"], &perplexity["linear"]),
        (&"perplexity".into(), &serde_json::Value::Null)
    );
    assert!(perplexity["constant"].as_f64().unwrap() < 64.0, "{record}");
    let events = std::fs::read_dir(folder.path().join("runs/lm-lstm-1")).unwrap().flatten();
    let events =
        events.map(|entry| entry.path()).find(|path| path.to_string_lossy().contains("tfevents")).unwrap();
    let bytes = std::fs::read(events).unwrap();
    for part in ["generated", "_output_shapes", "embedding_1"] {
        assert!(bytes.windows(part.len()).any(|window| window == part.as_bytes()), "no {part} in the events");
    }
}

#[test]
fn a_transformer_writes_beyond_the_steps_that_it_was_trained_on() {
    let folder = scratch();
    let train = ["train", "--model", "lm-transformer", "--steps", "16", "--max-words", "60", "--epochs", "1"];
    let run = succeed(folder.path(), &with(&train, &TABLE));
    assert!(run.stdout.contains("warm-up") && run.stdout.contains("val_perplexity"), "{}", run.stdout);
    let evaluate = succeed(folder.path(), &with(&["evaluate"], &TABLE));
    assert_eq!(measures(&evaluate.stdout), measures(&run.stdout));
    let text = succeed(folder.path(), &["generate", "--prompt", "The film", "--length", "40"]).stdout;
    assert!(text.starts_with("the film") && text.split_whitespace().count() > 30, "{text}");
}

#[test]
fn the_same_seed_gives_the_same_language_model() {
    let folder = scratch();
    let mut files = Vec::new();
    for name in ["a.fireclay", "b.fireclay"] {
        succeed(folder.path(), &with(&with(&TRAIN, &TABLE), &["-q", "--seed", "2", "--out", name]));
        files.push(std::fs::read(folder.path().join(name)).unwrap());
    }
    assert!(files[0] == files[1], "the bytes differ");
}

#[test]
fn words_have_neighbours() {
    let folder = scratch();
    let train = ["train", "-q", "--epochs", "1", "--length", "30", "--max-words", "300"];
    succeed(folder.path(), &with(&train, &TABLE));
    let run = succeed(folder.path(), &["neighbours", "Film", "the", "--count", "4"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[6]), (11, "film", "the"), "{}", run.stdout);
    let cosines: Vec<f32> =
        lines[1..5].iter().map(|line| line.split_whitespace().last().unwrap().parse().unwrap()).collect();
    assert!(cosines.is_sorted_by(|a, b| a >= b) && cosines[0] < 1.0, "{cosines:?}");
    let json = succeed(folder.path(), &["neighbours", "film", "--json"]);
    let record: serde_json::Value = serde_json::from_str(json.stdout.trim()).unwrap();
    assert_eq!(record["neighbours"].as_array().unwrap().len(), 10);

    fail(
        folder.path(),
        &["neighbours", "flim"],
        2,
        &["does not know the word 'flim'; did you mean", "'film'"],
    );
    fail(folder.path(), &["neighbours", "two words"], 2, &["is not one word"]);
    fail(folder.path(), &["generate"], 2, &["not a language model", "train --model lm-lstm"]);
}

#[test]
fn a_language_model_of_ones_own_goes_step_by_step_if_it_can() {
    let folder = scratch();
    let spec = |bidirectional: bool| {
        format!(
            r#"
            input = {{ tokens = 12 }}
            layers = [
                {{ type = "embedding", num_embeddings = 54, embedding_dim = 4 }},
                {{ type = "lstm", hidden_size = 8, return_sequences = true, bidirectional = {bidirectional} }},
                {{ type = "dense", out_features = 54 }},
            ]
            "#
        )
    };
    let train = ["train", "--spec", "own.toml", "--steps", "12", "--max-words", "50", "--epochs", "1"];
    std::fs::write(folder.path().join("own.toml"), spec(false)).unwrap();
    succeed(folder.path(), &with(&train, &TABLE));
    succeed(folder.path(), &["generate", "--length", "5"]);
    std::fs::write(folder.path().join("own.toml"), spec(true)).unwrap();
    succeed(folder.path(), &with(&train, &TABLE));
    fail(folder.path(), &["generate", "--length", "5"], 1, &["'lstm_1' needs all steps"]);
}
