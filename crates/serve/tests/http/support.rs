//! Small models, a server that answers with them, and a client that sends whatever it is given.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use fireclay_data::{Dataset, Normalization, PictureForm, Provenance, Targets};
use fireclay_nn::{Device, LstmSpec, ModelSpec};
use fireclay_serve::{
    ModelSource, QueueOptions, Registry, RegistryOptions, Server, ServerHandle, ServerOptions,
};
use fireclay_tabular::{EncodingOptions, Frame, TableDataset, TablePreprocessing, TargetColumn};
use fireclay_text::{
    TextDataset, TextEncoder, TextPadding, TextPreprocessing, Texts, Vocabulary, WordTokenizer,
};
use fireclay_train::{FitOptions, Predictor, Trainer};
use serde_json::Value;

/// A server that ends with the test.
pub struct Running {
    pub address: SocketAddr,
    pub handle: ServerHandle,
    thread: Option<JoinHandle<bool>>,
    folder: tempfile::TempDir,
}

/// What a server says: status, headers in lower case, body.
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The sentence of a refusal.
    pub fn refusal(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()["error"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Running {
    /// Models of pictures, texts, rows and a regression, by these names.
    pub fn start() -> Self {
        Running::with(ServerOptions::default(), QueueOptions::default())
    }

    /// That ends at once when it is told to.
    pub fn with(options: ServerOptions, queue: QueueOptions) -> Self {
        Running::as_it_is(ServerOptions { grace: Duration::ZERO, ..options }, queue)
    }

    pub fn start_with_grace(grace: Duration) -> Self {
        Running::as_it_is(ServerOptions { grace, ..ServerOptions::default() }, QueueOptions::default())
    }

    fn as_it_is(options: ServerOptions, queue: QueueOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sources = models(folder.path());
        let options = ServerOptions { address: ([127, 0, 0, 1], 0).into(), ..options };
        let registry = RegistryOptions { queue, ..RegistryOptions::default() };
        let registry = Registry::load(&sources, &Device::default(), registry).unwrap();
        Running::of(Server::bind(registry, options).unwrap(), folder)
    }

    /// Runs a server of the models in a folder.
    pub fn of(server: Server, folder: tempfile::TempDir) -> Self {
        let (address, handle) = (server.address(), server.handle());
        let thread = Some(std::thread::spawn(move || server.run(false, || ()).unwrap()));
        Running { address, handle, thread, folder }
    }

    /// A language model called `writer`.
    pub fn of_a_writer() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = writer(folder.path());
        let registry = Registry::load(&[source], &Device::default(), RegistryOptions::default()).unwrap();
        let address = ([127, 0, 0, 1], 0).into();
        let options = ServerOptions { address, grace: Duration::ZERO, ..ServerOptions::default() };
        Running::of(Server::bind(registry, options).unwrap(), folder)
    }

    /// Another address of a server that runs.
    pub fn elsewhere(address: SocketAddr, handle: ServerHandle) -> Self {
        Running { address, handle, thread: None, folder: tempfile::tempdir().unwrap() }
    }

    /// The same model without a server.
    pub fn predictor(&self, name: &str) -> Predictor {
        Predictor::load(self.folder.path().join(format!("{name}.fireclay")), &Device::default()).unwrap()
    }

    /// Ends it, and says whether every request was answered.
    pub fn end(&mut self) -> bool {
        self.handle.shut_down();
        self.thread.take().unwrap().join().unwrap()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
    }

    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Reply {
        self.post_with(path, "", body)
    }

    /// With headers, each with its end of line.
    pub fn post_with(&self, path: &str, headers: &str, body: impl AsRef<[u8]>) -> Reply {
        let body = body.as_ref();
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        self.send(&[head.as_bytes(), body].concat())
    }

    /// Sends bytes as they are, on a connection of their own.
    pub fn send(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect();
        // A server that has refused already need not read the rest.
        let _ = stream.write_all(bytes);
        read(&mut stream)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shut_down_now();
        self.handle.shut_down_now();
    }
}

/// Reads a reply until the connection ends.
pub fn read(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    // What came before a reset is there.
    if let Err(error) = stream.read_to_end(&mut bytes) {
        let waited = [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut].contains(&error.kind());
        assert!(!waited, "no answer and no end for twenty seconds");
    }
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
    let (head, body) = bytes.split_at(end);
    let head = String::from_utf8_lossy(head).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Reply { status, body: body.get(4..).unwrap_or_default().to_vec(), head }
}

pub fn classes(names: [&str; 3], samples: usize) -> Targets {
    let labels = (0..samples as u32).map(|index| index % 3).collect();
    Targets::Classes { labels, names: names.map(String::from).into() }
}

fn models(folder: &Path) -> Vec<ModelSource> {
    let device = Device::default();
    let options = FitOptions { epochs: 1, batch_size: 16, ..FitOptions::default() };
    let save = |trainer: Trainer<fireclay_nn::Model>, data: &Dataset, name: &str| {
        let mut trainer = trainer;
        trainer.fit(data, &options).unwrap();
        let path = folder.join(format!("{name}.fireclay"));
        trainer.save(&path).unwrap();
        ModelSource { name: name.into(), path }
    };
    let build = |spec: ModelSpec| spec.build_seeded(1, &device).unwrap();

    let pixels: Vec<u8> = (0..48 * 16).map(|index| (index * 37 % 256) as u8).collect();
    let normalization = Normalization { mean: vec![0.4], std: vec![0.2] };
    let names = classes(["circle", "square", "star"], 48);
    let pictures = Dataset::from_u8(&[1, 4, 4], pixels, names, normalization, Provenance::default()).unwrap();
    let pictures = pictures.with_preprocessing(PictureForm::Middle);
    let spec = ModelSpec::new([1, 4, 4]).flatten().dense(8).relu().dense(3);

    let words = ["good film", "bad film", "some film"];
    let texts: Vec<String> = (0..48).map(|index| words[index % 3].to_owned()).collect();
    let texts = Texts::new(texts, classes(["pos", "neg", "none"], 48), Provenance::default()).unwrap();
    let vocabulary = Vocabulary::build(&texts, &WordTokenizer::default(), Default::default()).unwrap();
    let encoder = TextEncoder::new(WordTokenizer::default(), vocabulary);
    let preprocessing = TextPreprocessing { encoder, padding: TextPadding::to(5) };
    let reviews = Dataset::from_texts(&texts, &preprocessing).unwrap();
    let known = reviews.vocabulary_size().unwrap();
    let of_words = ModelSpec::tokens(5).embedding(known, 4).global_avg_pool1d().dense(3);

    let mut frame = Frame::new(["age", "colour", "price"]).unwrap();
    for row in 0..48 {
        // As a column of ages is: not in order, and some of them twice.
        let (age, price) = ((row * 7 % 40).to_string(), (row * 3 % 50).to_string());
        frame.push([age.as_str(), ["red", "blue"][row % 2], price.as_str()]).unwrap();
    }
    let target = TargetColumn::numbers(&frame, "price").unwrap();
    let columns = TablePreprocessing::fit(&frame, &target, &EncodingOptions::default()).unwrap();
    let rows = Dataset::from_frame(&frame, &columns, &target, Provenance::default()).unwrap();
    let width = columns.width();

    vec![
        save(Trainer::classification(build(spec)), &pictures, "pictures"),
        save(Trainer::classification(build(of_words)), &reviews, "reviews"),
        save(Trainer::regression(build(ModelSpec::new([width]).dense(1))), &rows, "prices"),
    ]
}

/// A language model called `writer`.
pub fn writer(folder: &Path) -> ModelSource {
    let texts: Vec<String> = (0..48).map(|index| ["good film", "bad film"][index % 2].to_owned()).collect();
    let texts = Texts::new(texts, classes(["a", "b", "c"], 48), Provenance::default()).unwrap();
    let vocabulary = Vocabulary::build(&texts, &WordTokenizer::default(), Default::default()).unwrap();
    let words = vocabulary.len();
    let encoder = TextEncoder::new(WordTokenizer::default(), vocabulary).with_end(true);
    let preprocessing = TextPreprocessing { encoder, padding: TextPadding::to(8) };
    let windows = Dataset::next_tokens(&texts, &preprocessing).unwrap();
    let lstm = LstmSpec::new(8).return_sequences(true);
    let spec = ModelSpec::tokens(8).embedding(words, 8).layer(lstm).dense(words);
    let mut trainer = Trainer::language_model(spec.build_seeded(1, &Device::default()).unwrap());
    trainer.fit(&windows, &FitOptions { epochs: 1, ..FitOptions::default() }).unwrap();
    let path = folder.join("writer.fireclay");
    trainer.save(&path).unwrap();
    ModelSource { name: "writer".into(), path }
}
