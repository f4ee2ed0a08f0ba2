use std::path::Path;

use super::*;

#[test]
fn every_file_of_a_built_in_optimizer_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/optimizer");
    let table = include_str!("mod.rs");
    let mut found = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines().filter(|line| line.starts_with("impl BuiltIn for ")) {
            let name = line.trim_start_matches("impl BuiltIn for ").trim_end_matches(" {");
            assert!(table.contains(&format!("=> {name},\n")), "{name} is not in the table");
            found += 1;
        }
    }
    let rows = table.lines().filter(|line| line.starts_with("    \"") && line.contains(" => "));
    assert!(found >= 5);
    assert_eq!(found, rows.count());
}

#[test]
fn every_name_gives_an_optimizer_that_can_be_written_and_read() {
    let known = ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "muon"];
    assert_eq!(BuiltInOptimizer::NAMES[..known.len()], known);
    for name in BuiltInOptimizer::NAMES {
        let optimizer = BuiltInOptimizer::by_name(name, 0.1).unwrap();
        assert_eq!(optimizer.name(), name);
        assert!(optimizer.check().is_ok());
        let text = serde_json::to_string(&optimizer).unwrap();
        assert_eq!(serde_json::from_str::<BuiltInOptimizer>(&text).unwrap(), optimizer);
        let any: AnyOptimizer = serde_json::from_str(&text).unwrap();
        assert_eq!(any.built_in(), Some(optimizer.clone()));
        assert_eq!(serde_json::to_string(&any).unwrap(), text);
        let changed = optimizer.with_learning_rate(0.2).with_weight_decay(0.3);
        assert_eq!(changed.learning_rate(), 0.2);
        assert_eq!(serde_json::to_value(&changed).unwrap()["weight_decay"], 0.3);
    }
}

#[test]
fn optimizers_are_written_as_in_older_files() {
    let written = [
        r#"{"type":"sgd","learning_rate":0.5,"momentum":0.0,"nesterov":false,"weight_decay":0.0}"#,
        r#"{"type":"rmsprop","learning_rate":0.5,"alpha":0.99,"momentum":0.0,"epsilon":1e-8,"weight_decay":0.0}"#,
        r#"{"type":"adam","learning_rate":0.5,"beta_1":0.9,"beta_2":0.999,"epsilon":1e-8,"weight_decay":0.0}"#,
        r#"{"type":"adamw","learning_rate":0.5,"beta_1":0.9,"beta_2":0.999,"epsilon":1e-8,"weight_decay":0.01}"#,
        r#"{"type":"muon","learning_rate":0.5,"momentum":0.95,"nesterov":true,"weight_decay":0.0,"normalized":false,"iterations":5,"vector_learning_rate":0.001}"#,
    ];
    for text in written {
        let optimizer: AnyOptimizer = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&optimizer).unwrap(), text);
    }
    let message = serde_json::from_str::<AnyOptimizer>(&written[0].replace("nesterov", "nestorov"));
    assert!(message.unwrap_err().to_string().contains("nestorov"));
}
