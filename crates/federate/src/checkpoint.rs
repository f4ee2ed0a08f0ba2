//! What a federation needs to go on: one file, written after each round.
//!
//! Its layout: eight bytes that say what it is, a version, the options, the history, marks,  the parameters and the state of the server's
//! optimiser, each behind its length, and a SHA-256 hash of all that.
//!
//! It is written once more before masks are taken off, and with differential privacy holds the secret that says which clients a round
//! asks: whoever reads it knows samples to come, and it is its owner's alone.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::FederateError;
use crate::history::RoundRecord;
use crate::optimizer::ServerOptimizer;
use crate::options::FederationOptions;
use crate::parameters::Parameters;
use crate::wire::{Reader, Writer};

pub(crate) const MAGIC: &[u8; 8] = b"FCFEDRAT";
const VERSION: u32 = 2;

/// The largest file that is read.
const MAX_BYTES: u64 = 1 << 36;

/// Options that do not change what comes of a federation.
const FREE: [&str; 9] = [
    "rounds",
    "start_clients",
    "min_clients",
    "wait_seconds",
    "min_updates",
    "attempts",
    "round_seconds",
    "step_seconds",
    "limits",
];

/// What there is to know beside the rounds that are over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Marks {
    /// The round whose masks clients were asked to take off, and which is not made again.
    pub(crate) unmasking: Option<u64>,
    /// What decides who is in a round, where that is secret.
    pub(crate) secret: Option<[u8; 32]>,
    /// What else must be as it was, as its user says it.
    #[serde(default)]
    pub(crate) setup: BTreeMap<String, String>,
}

/// What a checkpoint holds.
pub(crate) struct Checkpoint {
    options: Value,
    pub(crate) parameters: Parameters,
    pub(crate) state: Vec<Vec<f64>>,
    pub(crate) history: Vec<RoundRecord>,
    pub(crate) marks: Marks,
}

impl Checkpoint {
    pub(crate) fn save(
        path: &Path,
        options: &FederationOptions,
        parameters: &Parameters,
        state: &[Vec<f64>],
        history: &[RoundRecord],
        marks: &Marks,
    ) -> Result<(), FederateError> {
        let failed =
            |source: std::io::Error| FederateError::File { action: "write", path: path.into(), source };
        let json = |value: Result<Vec<u8>, serde_json::Error>| value.map_err(|error| failed(error.into()));
        let mut writer = Writer::default();
        writer.bytes(MAGIC).u32(VERSION);
        writer.block(&json(serde_json::to_vec(options))?);
        writer.block(&json(serde_json::to_vec(history))?);
        writer.block(&json(serde_json::to_vec(marks))?);
        writer.block(&parameters.to_bytes()?);
        writer.count(state.len());
        for numbers in state {
            writer.u64(numbers.len() as u64);
            numbers.iter().for_each(|number| _ = writer.f64(*number));
        }
        let bytes = writer.into_bytes();
        let hash = Sha256::digest(&bytes);
        let write = |out: &mut dyn Write| {
            out.write_all(&bytes)?;
            out.write_all(&hash)
        };
        match marks.secret {
            Some(_) => fireclay_data::write_privately(path, write),
            None => fireclay_data::write_atomically(path, write),
        }
        .map_err(failed)
    }

    pub(crate) fn load(path: &Path) -> Result<Self, FederateError> {
        let failed = |action| move |source| FederateError::File { action, path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(failed("open"))?;
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed("read"))?;
        let wrong = |problem: String| FederateError::Checkpoint { path: path.to_owned(), problem };
        if bytes.len() as u64 > MAX_BYTES {
            return Err(wrong(format!("expected a checkpoint of {MAX_BYTES} bytes at most, found more")));
        }
        if bytes.first_chunk() != Some(MAGIC) {
            return Err(wrong("expected a checkpoint of a federation, found another file".into()));
        }
        let Some((body, hash)) = bytes.split_last_chunk::<32>() else {
            return Err(wrong("expected its end, found a file that is cut off".into()));
        };
        let mut reader = Reader::new("the checkpoint", body);
        let version = reader.bytes(MAGIC.len()).and_then(|_| reader.u32());
        match version {
            Ok(VERSION) => {}
            Ok(found) => return Err(wrong(format!("expected version {VERSION}, found {found}"))),
            Err(error) => return Err(wrong(error.to_string())),
        }
        if Sha256::digest(body).as_slice() != hash {
            return Err(wrong("expected other bytes by its hash; it is damaged".into()));
        }
        Self::read(reader).map_err(|error| wrong(crate::participant::in_words(&error)))
    }

    fn read(mut reader: Reader) -> Result<Self, FederateError> {
        let json = |error: serde_json::Error| FederateError::Message {
            what: "the checkpoint",
            problem: error.to_string(),
        };
        let options = serde_json::from_slice(reader.block()?).map_err(json)?;
        let history: Vec<RoundRecord> = serde_json::from_slice(reader.block()?).map_err(json)?;
        let marks: Marks = serde_json::from_slice(reader.block()?).map_err(json)?;
        let parameters = Parameters::from_bytes(reader.block()?)?;
        if history.iter().enumerate().any(|(number, record)| record.round != number as u64) {
            return Err(reader.error("expected the rounds one after the other"));
        }
        let count = reader.count(8)?;
        let mut state = Vec::new();
        for _ in 0..count {
            let length = reader.u64()?;
            if length != parameters.count() as u64 {
                let expected = parameters.count();
                return Err(
                    reader.error(format!("expected {expected} numbers of the optimiser, found {length}"))
                );
            }
            let bytes = reader.bytes(parameters.count().saturating_mul(8))?;
            let number = |bytes: &[u8]| bytes.first_chunk().map_or(0.0, |bytes| f64::from_le_bytes(*bytes));
            state.push(bytes.chunks_exact(8).map(number).collect());
        }
        reader.end()?;
        Ok(Checkpoint { options, parameters, state, history, marks })
    }

    /// # Errors
    /// [`FederateError::OtherFederation`] if the options lead elsewhere than those of the checkpoint.
    pub(crate) fn check_options(
        &self,
        path: &Path,
        options: &FederationOptions,
    ) -> Result<(), FederateError> {
        let now = serde_json::to_value(options).unwrap_or_default();
        let none = serde_json::Map::new();
        let (before, now) = (self.options.as_object().unwrap_or(&none), now.as_object().unwrap_or(&none));
        let names: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        let value = |options: &serde_json::Map<String, Value>, name: &str| {
            options.get(name).cloned().unwrap_or(Value::Null)
        };
        let mut differences: Vec<String> = names
            .into_iter()
            .filter(|name| !FREE.contains(&name.as_str()) && value(before, name) != value(now, name))
            .map(|name| format!("{name} is {} in the file and now {}", value(before, name), value(now, name)))
            .collect();
        let expected = match options.optimizer {
            ServerOptimizer::FedAvg { .. } => 0,
            ServerOptimizer::FedAvgM { .. } => 1,
            ServerOptimizer::FedAdam { .. } => 2,
        };
        if differences.is_empty() && self.state.len() != expected {
            differences.push(format!("the optimiser has {} states and now {expected}", self.state.len()));
        }
        match differences.is_empty() {
            true => Ok(()),
            false => Err(FederateError::OtherFederation { path: path.to_owned(), differences }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;

    fn marks() -> Marks {
        Marks { unmasking: Some(1), secret: Some([200; 32]), ..Marks::default() }
    }

    fn saved(path: &Path) -> (FederationOptions, Parameters) {
        let options =
            FederationOptions { optimizer: ServerOptimizer::FEDADAM, ..FederationOptions::default() };
        let tensor = Tensor { name: "w".into(), shape: vec![2], values: vec![1.0, -0.0] };
        let parameters = Parameters::new([tensor]).unwrap();
        let state = [vec![0.1, 1e-300], vec![f64::MIN_POSITIVE, 3.0]];
        let history = [RoundRecord { seconds: 0.1, ..RoundRecord::default() }];
        Checkpoint::save(path, &options, &parameters, &state, &history, &marks()).unwrap();
        (options, parameters)
    }

    fn message(path: &Path) -> String {
        Checkpoint::load(path).err().unwrap().to_string()
    }

    #[test]
    fn checkpoints_are_read_as_they_were_written_and_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("federation.checkpoint");
        saved(&path);
        let (options, parameters) = saved(&path);
        let checkpoint = Checkpoint::load(&path).unwrap();
        assert_eq!(checkpoint.parameters, parameters);
        assert_eq!(checkpoint.state, [vec![0.1, 1e-300], vec![f64::MIN_POSITIVE, 3.0]]);
        assert_eq!(checkpoint.history[0].seconds, 0.1);
        assert_eq!(checkpoint.marks, marks());
        checkpoint.check_options(&path, &options).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert!(marks().secret.is_some());
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn damaged_files_are_refused_wherever_they_are_cut_or_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("federation.checkpoint");
        saved(&path);
        let bytes = std::fs::read(&path).unwrap();
        for place in 0..bytes.len() {
            std::fs::write(&path, &bytes[..place]).unwrap();
            assert!(Checkpoint::load(&path).is_err(), "cut at {place}");
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            assert!(Checkpoint::load(&path).is_err(), "changed at {place}");
        }
        std::fs::write(&path, "not a checkpoint").unwrap();
        assert!(message(&path).contains("found another file"));
        let mut newer = bytes.clone();
        newer[8] = 9;
        std::fs::write(&path, &newer).unwrap();
        assert!(message(&path).contains("expected version 2, found 9"));
        assert!(message(&folder.path().join("none")).contains("cannot open"));
    }

    #[test]
    fn lies_behind_a_right_hash_are_refused_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("federation.checkpoint");
        saved(&path);
        let bytes = std::fs::read(&path).unwrap();
        for place in 12..bytes.len() - 40 {
            let mut body = bytes[..bytes.len() - 32].to_vec();
            body[place..place + 8].copy_from_slice(&u64::MAX.to_le_bytes());
            let hash = Sha256::digest(&body);
            std::fs::write(&path, [body.as_slice(), hash.as_slice()].concat()).unwrap();
            // Numbers of the optimiser may be any; nothing panics and no memory is taken.
            let _ = Checkpoint::load(&path);
        }
    }

    #[test]
    fn options_that_lead_elsewhere_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("federation.checkpoint");
        let (options, _) = saved(&path);
        let checkpoint = Checkpoint::load(&path).unwrap();
        let more = FederationOptions { rounds: 99, wait_seconds: 1.0, ..options.clone() };
        checkpoint.check_options(&path, &more).unwrap();
        let other = FederationOptions { seed: 5, optimizer: ServerOptimizer::FEDAVG, ..options };
        let error = checkpoint.check_options(&path, &other).unwrap_err().to_string();
        assert!(
            error.contains("seed is 0 in the file and now 5") && error.contains("optimizer is"),
            "{error}"
        );
    }
}
