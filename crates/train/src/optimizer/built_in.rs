//! The table of built-in optimisers: a new one is a file of its own and a line in the table.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{Adam, AdamW, AnyOptimizer, Muon, Optimizer, RmsProp, Sgd, UpdateRule};
use crate::TrainError;

/// What a built-in optimiser has besides [`Optimizer`].
pub(super) trait BuiltIn: Optimizer + Sized {
    /// The names that [`BuiltInOptimizer::by_name`] knows it by.
    const NAMES: &'static [&'static str];

    /// One of the names with its defaults.
    fn by_name(name: &str, learning_rate: f64) -> Self;

    fn set_learning_rate(&mut self, learning_rate: f64);

    fn set_weight_decay(&mut self, weight_decay: f64);
}

macro_rules! built_in_optimizers {
    ($($tag:literal => $optimizer:ident,)+) => {
        /// A built-in optimiser with its settings, as data: what files and flags give.
        ///
        /// It is written with a `type`, as in `{"type":"adam","learning_rate":0.001,...}`.
        ///
        /// ```
        /// use fireclay_train::{Adam, BuiltInOptimizer, Optimizer};
        ///
        /// let optimizer = BuiltInOptimizer::by_name("adam", 1e-3)?;
        /// assert_eq!(optimizer, Adam::new(1e-3).into());
        /// assert_eq!(optimizer.with_learning_rate(0.01).learning_rate(), 0.01);
        /// let message = BuiltInOptimizer::by_name("adamm", 1e-3).unwrap_err().to_string();
        /// assert!(message.contains("adamw or muon"));
        /// # Ok::<(), fireclay_train::TrainError>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type")]
        #[non_exhaustive]
        pub enum BuiltInOptimizer {
            $(
                #[doc = concat!("[`", stringify!($optimizer), "`], written as `", $tag, "`.")]
                #[serde(rename = $tag)]
                $optimizer($optimizer),
            )+
        }

        /// An optimiser as it stands in files.
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type")]
        pub(super) enum Written {
            $(
                #[serde(rename = $tag)]
                $optimizer($optimizer),
            )+
            #[serde(rename = "custom")]
            Custom { name: String, learning_rate: f64 },
        }

        impl Written {
            /// The built-in optimiser, or the name and the learning rate of another one.
            pub(super) fn built_in(self) -> Result<BuiltInOptimizer, (String, f64)> {
                match self {
                    $(Written::$optimizer(optimizer) => Ok(optimizer.into()),)+
                    Written::Custom { name, learning_rate } => Err((name, learning_rate)),
                }
            }
        }

        impl From<BuiltInOptimizer> for Written {
            fn from(optimizer: BuiltInOptimizer) -> Self {
                match optimizer {
                    $(BuiltInOptimizer::$optimizer(optimizer) => Written::$optimizer(optimizer),)+
                }
            }
        }

        $(
            impl From<$optimizer> for BuiltInOptimizer {
                fn from(optimizer: $optimizer) -> Self {
                    BuiltInOptimizer::$optimizer(optimizer)
                }
            }
        )+

        impl BuiltInOptimizer {
            const COUNT: usize = 0 $(+ <$optimizer as BuiltIn>::NAMES.len())+;

            /// The names that [`by_name`](Self::by_name) knows.
            pub const NAMES: [&'static str; Self::COUNT] =
                joined(&[$(<$optimizer as BuiltIn>::NAMES),+]);

            /// An optimiser by its name, with its defaults: `momentum` and `nesterov` are SGD with momentum 0.9.
            ///
            /// # Errors
            /// [`TrainError::Setting`] with the names that there are, if there is no such name.
            pub fn by_name(name: &str, learning_rate: f64) -> Result<Self, TrainError> {
                $(
                    if <$optimizer as BuiltIn>::NAMES.contains(&name) {
                        return Ok(<$optimizer as BuiltIn>::by_name(name, learning_rate).into());
                    }
                )+
                Err(TrainError::Setting {
                    setting: "optimizer",
                    found: format!("'{name}'"),
                    expected: EXPECTED.as_str(),
                })
            }

            /// Sets the size of a step; Muon's for vectors keeps its proportion to it.
            pub fn with_learning_rate(mut self, learning_rate: f64) -> Self {
                match &mut self {
                    $(BuiltInOptimizer::$optimizer(optimizer) => optimizer.set_learning_rate(learning_rate),)+
                }
                self
            }

            /// Sets the weight decay: an L2 penalty or decoupled, as the optimiser has it.
            pub fn with_weight_decay(mut self, weight_decay: f64) -> Self {
                match &mut self {
                    $(BuiltInOptimizer::$optimizer(optimizer) => optimizer.set_weight_decay(weight_decay),)+
                }
                self
            }

            fn inner(&self) -> &dyn Optimizer {
                match self {
                    $(BuiltInOptimizer::$optimizer(optimizer) => optimizer,)+
                }
            }
        }
    };
}

built_in_optimizers! {
    "sgd" => Sgd,
    "rmsprop" => RmsProp,
    "adam" => Adam,
    "adamw" => AdamW,
    "muon" => Muon,
}

/// The names in words.
static EXPECTED: LazyLock<String> = LazyLock::new(|| {
    let [names @ .., last] = &BuiltInOptimizer::NAMES;
    format!("{} or {last}", names.join(", "))
});

/// Lists of names as one.
const fn joined<const N: usize>(lists: &[&[&'static str]]) -> [&'static str; N] {
    let mut names = [""; N];
    let (mut list, mut at) = (0, 0);
    while list < lists.len() {
        let mut name = 0;
        while name < lists[list].len() {
            names[at] = lists[list][name];
            (name, at) = (name + 1, at + 1);
        }
        list += 1;
    }
    names
}

/// [`Adam`] with learning rate 1e-3.
impl Default for BuiltInOptimizer {
    fn default() -> Self {
        Adam::new(1e-3).into()
    }
}

impl Optimizer for BuiltInOptimizer {
    fn name(&self) -> String {
        self.inner().name()
    }

    fn learning_rate(&self) -> f64 {
        self.inner().learning_rate()
    }

    fn update_rule(&self) -> UpdateRule {
        self.inner().update_rule()
    }

    fn check(&self) -> Result<(), TrainError> {
        self.inner().check()
    }

    fn vector_optimizer(&self) -> Option<AnyOptimizer> {
        self.inner().vector_optimizer()
    }

    fn built_in(&self) -> Option<BuiltInOptimizer> {
        Some(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_a_built_in_optimizer_is_in_the_table() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/optimizer");
        let table = include_str!("built_in.rs");
        let mut found = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for line in text.lines().filter(|line| line.starts_with("impl BuiltIn for ")) {
                let name = line.trim_start_matches("impl BuiltIn for ").trim_end_matches(" {");
                assert!(table.contains(&format!("=> {name},\n")), "{name} is not in the table");
                found += 1;
            }
        }
        assert_eq!(found, 5);
    }

    #[test]
    fn every_name_gives_an_optimizer_that_can_be_written_and_read() {
        assert_eq!(
            BuiltInOptimizer::NAMES,
            ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "muon"]
        );
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
}
