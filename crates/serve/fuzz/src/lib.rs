//! A server with small models, asked without a connection.

use std::sync::OnceLock;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use fireclay_data::{Dataset, Normalization, PictureForm, Provenance, Targets};
use fireclay_nn::{Device, LstmSpec, ModelSpec};
use fireclay_serve::{AdminToken, ModelSource, Registry, RegistryOptions, Server, ServerOptions};
use fireclay_tabular::{EncodingOptions, Frame, TableDataset, TablePreprocessing, TargetColumn};
use fireclay_text::{TextDataset, TextEncoder, TextPadding, TextPreprocessing, Texts, Vocabulary, WordTokenizer};
use fireclay_train::{FitOptions, Trainer};
use tower::ServiceExt;

pub const MODELS: [&str; 4] = ["pictures", "reviews", "prices", "writer"];
pub const TOKEN: &str = "a-token-of-a-test";

struct Fuzzed {
    runtime: tokio::runtime::Runtime,
    server: Server,
}

fn fuzzed() -> &'static Fuzzed {
    static FUZZED: OnceLock<Fuzzed> = OnceLock::new();
    FUZZED.get_or_init(|| {
        let sources = models();
        let registry = Registry::load(&sources, &Device::default(), RegistryOptions::default()).expect("models load");
        let options = ServerOptions { address: ([127, 0, 0, 1], 0).into(), ..ServerOptions::default() };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Fuzzed {
            runtime: runtime.expect("a runtime"),
            server: Server::bind(registry, options).expect("a port"),
        }
    })
}

/// Asks the server; the answer is whole, and a refusal says why.
pub fn ask(request: axum::http::request::Builder, body: &[u8], admin: bool) {
    let Fuzzed { runtime, server } = fuzzed();
    // A path or header that HTTP does not have never comes this far.
    let Ok(request): Result<Request<Body>, _> = request.body(Body::from(body.to_vec())) else { return };
    let router = if admin { server.admin_router(AdminToken::new(TOKEN).expect("a token")) } else { server.router() };
    let (status, body) = runtime.block_on(async {
        let response = router.oneshot(request).await.expect("routers answer");
        let status = response.status();
        (status, to_bytes(response.into_body(), usize::MAX).await.expect("a body"))
    });
    assert_ne!(status.as_u16(), 500, "the model failed");
    assert!(status.is_success() || body.starts_with(b"{\"error\":"), "{status}");
}

fn models() -> Vec<ModelSource> {
    let folder = tempfile::tempdir().expect("a folder").keep();
    let device = Device::default();
    let options = FitOptions { epochs: 1, ..FitOptions::default() };
    let save = |mut trainer: Trainer<fireclay_nn::Model>, data: &Dataset, name: &str| {
        trainer.fit(data, &options).expect("it trains");
        let path = folder.join(format!("{name}.fireclay"));
        trainer.save(&path).expect("it is saved");
        ModelSource { name: name.into(), path }
    };
    let build = |spec: ModelSpec| spec.build_seeded(1, &device).expect("a network");
    let classes = || Targets::Classes { labels: (0..24).map(|i| i % 2).collect(), names: vec!["a".into(), "b".into()] };

    let pixels: Vec<u8> = (0..24 * 16).map(|index| (index * 37 % 256) as u8).collect();
    let pictures = Dataset::from_u8(&[1, 4, 4], pixels, classes(), Normalization::none(), Provenance::default());
    let pictures = pictures.expect("pictures").with_preprocessing(PictureForm::Middle);

    let texts: Vec<String> = (0..24).map(|index| ["good film", "bad film"][index % 2].to_owned()).collect();
    let texts = Texts::new(texts, classes(), Provenance::default()).expect("texts");
    let vocabulary = Vocabulary::build(&texts, &WordTokenizer::default(), Default::default()).expect("words");
    let words = vocabulary.len();
    let encoder = TextEncoder::new(WordTokenizer::default(), vocabulary);
    let padding = TextPadding::to(5);
    let reviews = Dataset::from_texts(&texts, &TextPreprocessing { encoder: encoder.clone(), padding: padding.clone() });
    let windows = Dataset::next_tokens(&texts, &TextPreprocessing { encoder: encoder.with_end(true), padding });

    let mut frame = Frame::new(["age", "colour", "price"]).expect("a table");
    for row in 0..24 {
        let (age, price) = ((row * 7 % 40).to_string(), (row * 3 % 50).to_string());
        frame.push([age.as_str(), ["red", "blue"][row % 2], price.as_str()]).expect("a row");
    }
    let target = TargetColumn::numbers(&frame, "price").expect("a target");
    let columns = TablePreprocessing::fit(&frame, &target, &EncodingOptions::default()).expect("columns");
    let rows = Dataset::from_frame(&frame, &columns, &target, Provenance::default()).expect("rows");

    let lstm = LstmSpec::new(4).return_sequences(true);
    let of_pictures = ModelSpec::new([1, 4, 4]).flatten().dense(2);
    let of_words = ModelSpec::tokens(5).embedding(words, 4).global_avg_pool1d().dense(2);
    let of_rows = ModelSpec::new([columns.width()]).dense(1);
    let writer = ModelSpec::tokens(5).embedding(words, 4).layer(lstm).dense(words);
    vec![
        save(Trainer::classification(build(of_pictures)), &pictures, "pictures"),
        save(Trainer::classification(build(of_words)), &reviews.expect("reviews"), "reviews"),
        save(Trainer::regression(build(of_rows)), &rows, "prices"),
        save(Trainer::language_model(build(writer)), &windows.expect("windows"), "writer"),
    ]
}
