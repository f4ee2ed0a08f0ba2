//! What can go wrong with a file that holds a model.

use std::path::PathBuf;

use fireclay_nn::NnError;

/// Why a model or a checkpoint could not be written or read. Every message names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Distributions that contradict themselves or the model.
    #[error("{path}: in \"reference\" edges must ascend, with a share from 0 to 1 for each part, and a share for each class", path = path.display())]
    Reference {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file cannot be written; an older file of that name is untouched.
    #[error("cannot write {}: {source}; a file that was there before is unchanged", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The bytes are not safetensors, or were cut or changed.
    #[error(
        "{} is not a whole safetensors file: {source}; take it from its source again, or go back to an older one",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: safetensors::SafeTensorError,
    },
    /// The weights are not those that were written.
    #[error(
        "the weights in {} have the SHA-256 {found} and were written with {expected}: the file was damaged or changed; take it from its source again, or go back to an older one",
        path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// As the file says.
        expected: String,
        /// Of the weights in it.
        found: String,
    },
    /// A safetensors file of some other program, or a checkpoint where a model was expected.
    #[error("{} is a safetensors file but no Fireclay {expected}; it holds {found}", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// `model` or `checkpoint`.
        expected: &'static str,
        /// What it holds instead.
        found: String,
    },
    /// The description inside the file cannot be read.
    #[error("the description in {} cannot be read: {source}", path.display())]
    Card {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        source: serde_json::Error,
    },
    /// The file was written by a later version.
    #[error(
        "{} has format {found}, written by Fireclay {version}; this Fireclay reads formats up to {newest}, so use a newer one",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's format.
        found: u64,
        /// The Fireclay that wrote it.
        version: String,
        /// The newest format that is known here.
        newest: u64,
    },
    /// The description and the class names or the preprocessing do not go together.
    #[error("{}: {what} has {found} entries; expected {expected}", path.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// `classes`, `preprocessing.mean`, ...
        what: &'static str,
        /// Entries found.
        found: usize,
        /// Entries that would fit the architecture.
        expected: String,
    },
    /// A deviation that nothing can be divided by.
    #[error("{}: preprocessing.std holds {std}; expected more than 0", path.display())]
    Preprocessing {
        /// The file.
        path: PathBuf,
        /// The value found.
        std: f32,
    },
    /// A number that cannot be.
    #[error("{}: {what} is {found}; expected {expected}", path.display())]
    OutOfRange {
        /// The file.
        path: PathBuf,
        /// Which number.
        what: &'static str,
        /// What it is.
        found: f64,
        /// What it may be.
        expected: String,
    },
    /// A pipe, a device or a folder where a file was expected.
    #[error("{} is not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A tensor is stored in a type that no weights have.
    #[error("tensor '{name}' in {} is {found}; expected F32, F16, BF16, or I8 with its scales", path.display())]
    Dtype {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type.
        found: String,
    },
    /// Whole numbers without the scales that make weights of them.
    #[error(
        "tensor '{name}' in {} is of whole numbers, whose rows have scales in '{name}.int8_scale'; expected {expected}, found {found}",
        path.display()
    )]
    Int8Scales {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What there should be.
        expected: String,
        /// What there is instead.
        found: String,
    },
    /// A tensor without its zeros, whose shape or bits are not its own.
    #[error(
        "tensor '{name}' in {} is stored without its zeros, with a shape in '{name}.sparse_shape' and a bit for each value in \
         '{name}.sparse_mask'; expected {expected}, found {found}",
        path.display()
    )]
    Sparse {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What there should be.
        expected: String,
        /// What there is instead.
        found: String,
    },
    /// The architecture cannot be built, or the tensors do not fit it.
    #[error("{}: {source}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: NnError,
    },
    /// The card's signature is none.
    #[error("{}: signature.{what} is {found:?}; expected {expected}", path.display())]
    SignatureField {
        /// The file.
        path: PathBuf,
        /// Which part of it.
        what: &'static str,
        /// What is there.
        found: String,
        /// What there should be.
        expected: &'static str,
    },
    /// Nobody has signed the file.
    #[error("{path} has no signature; ask who made it for a signed one, or sign it yourself: `fireclay sign {path} --key KEYFILE`", path = path.display())]
    NotSigned {
        /// The file.
        path: PathBuf,
    },
    /// Somebody else has signed the file.
    #[error(
        "{} is signed by the key {found}, and was to be by {expected}; take it from its source again, or, if you trust the other key, name that",
        path.display()
    )]
    OtherKey {
        /// The file.
        path: PathBuf,
        /// The fingerprint of the key that was given.
        expected: String,
        /// The fingerprint of the key in the file.
        found: String,
    },
    /// The signature in the file is of other contents.
    #[error(
        "{} was changed since it was signed: the signature in it, by the key {key}, is of other contents; take it from its source again",
        path.display()
    )]
    SignatureMismatch {
        /// The file.
        path: PathBuf,
        /// The fingerprint of the key.
        key: String,
    },
    /// A signature in a file of its own is not of these contents, or by another key.
    #[error(
        "the signature in {} is not of {} by the key {key}: the model was changed since it was signed, or another key signed it; take both from their source again",
        signature.display(), path.display()
    )]
    DetachedMismatch {
        /// The model file.
        path: PathBuf,
        /// The file with the signature.
        signature: PathBuf,
        /// The fingerprint of the key that was given.
        key: String,
    },
    /// A file with something else than a signature.
    #[error(
        "{} has {found} bytes; expected the 64 bytes of an Ed25519 signature, as `fireclay sign --detached` writes them",
        path.display()
    )]
    DetachedLength {
        /// The file with the signature.
        path: PathBuf,
        /// Its length.
        found: u64,
    },
    /// A file that holds no key for the purpose.
    #[error("{}: {problem}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        problem: KeyProblem,
    },
    /// A key would replace something.
    #[error("{} is there already, and a key replaces nothing; choose another name, or remove it", path.display())]
    KeyExists {
        /// The file.
        path: PathBuf,
    },
    /// The operating system gives no random numbers, which keys are made of.
    #[error("the operating system gives no random numbers: {source}")]
    Random {
        /// What it said.
        source: getrandom::Error,
    },
}

/// Why a file holds no key for the purpose. No message says anything of a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyProblem {
    /// More bytes than a key has.
    #[error(
        "more than {most} bytes, which no key has; expected an Ed25519 key in PEM, as `fireclay sign --new-key KEYFILE` makes one"
    )]
    TooLarge {
        /// The most that is read.
        most: u64,
    },
    /// No PEM.
    #[error(
        "no key in PEM, which begins with `-----BEGIN`; `fireclay sign --new-key KEYFILE` makes one, and so does `openssl genpkey -algorithm ed25519`"
    )]
    NotPem,
    /// PEM of something else.
    #[error("PEM of '{found}'; expected '{expected}'")]
    Label {
        /// What it says.
        found: String,
        /// What there should be.
        expected: &'static str,
    },
    /// A key that a password opens.
    #[error(
        "an encrypted private key, for which no password is asked; `openssl pkey -in KEYFILE -out NEWFILE` decrypts it"
    )]
    Encrypted,
    /// A public key where a private one is needed.
    #[error("a public key, which signs nothing; name the private key that belongs to it")]
    Public,
    /// A private key where a public one is needed.
    #[error(
        "a private key, which is for signing alone; name the public one, which `openssl pkey -in KEYFILE -pubout -out NEWFILE` writes"
    )]
    Private,
    /// A private key that is none of Ed25519, or damaged.
    #[error("no private key of Ed25519: {source}; `fireclay sign --new-key KEYFILE` makes one")]
    NotEd25519Private {
        /// What is wrong with it.
        source: ed25519_dalek::pkcs8::Error,
    },
    /// A public key that is none of Ed25519, or damaged.
    #[error(
        "no public key of Ed25519: {source}; `fireclay sign --new-key KEYFILE` makes one beside the private key"
    )]
    NotEd25519Public {
        /// What is wrong with it.
        source: ed25519_dalek::pkcs8::spki::Error,
    },
}
