//! Hugging Face's tokenisers, as their `tokenizer.json` describes them.
//!
//! Padding and truncation that the file asks for are switched off: [`TextPadding`](super::TextPadding) does both for all
//! tokenisers alike.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::{TextError, Tokenizer, reserved};

/// The largest file that is read; the largest in use have some 35 MB.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// Numbers of tokens are below it, so that a file cannot make a model allocate without end.
const MAX_VOCABULARY: u32 = 1 << 24;

/// How files name the token that fills up.
const PADDING_NAMES: [&str; 4] = ["[PAD]", "<pad>", "<padding>", "<|padding|>"];

/// How files name a token that says nothing about a text, the best first.
const NEUTRAL_NAMES: [&str; 5] = ["[UNK]", "<unk>", "<|endoftext|>", "</s>", "<eos>"];

/// A tokeniser read from the `tokenizer.json` of a Hugging Face model.
///
/// Tokens are the file's numbers if its number 0 fills up, as with BERT and T5. Other files use 0 for something else:
/// then every number is raised by one, because 0 is padding everywhere in this crate;
/// [`HuggingFaceTokenizer::offset`] says so. Special tokens are added as the file prescribes.
///
/// See <https://huggingface.co/docs/tokenizers>.
#[derive(Clone, Debug)]
pub struct HuggingFaceTokenizer {
    tokenizer: tokenizers::Tokenizer,
    offset: u32,
    /// The largest of the file's numbers.
    largest: u32,
    /// What a text gives that has no tokens.
    neutral: u32,
}

impl HuggingFaceTokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// If the file cannot be read, is larger than 256 MiB, or describes no tokeniser.
    pub fn from_file(path: &Path) -> Result<Self, TextError> {
        let bytes = read(path)?;
        Self::from_json(&bytes)
            .map_err(|source| TextError::TokenizerFile { path: path.to_path_buf(), source })
    }

    /// Reads the `vocab.txt` of a BERT model, which has a word or a piece of one on each line; the first line is number 0. `lowercase`
    /// says whether texts lose capitals and accents, as `do_lower_case` in a model's `tokenizer_config.json` does.
    ///
    /// # Errors
    /// If the file cannot be read, is larger than 256 MiB, is not UTF-8, or lacks `[UNK]`, `[CLS]` or `[SEP]`.
    pub fn from_vocabulary(path: &Path, lowercase: bool) -> Result<Self, TextError> {
        let refused = |source| TextError::TokenizerFile { path: path.to_path_buf(), source };
        let bytes = read(path)?;
        let text = std::str::from_utf8(&bytes).map_err(|error| refused(error.into()))?;
        let words: serde_json::Map<String, serde_json::Value> =
            text.lines().enumerate().map(|(number, word)| (word.to_owned(), number.into())).collect();
        let [cls, sep] = ["[CLS]", "[SEP]"].map(|word| words.get(word).map(|number| (word, number.clone())));
        let (Some(cls), Some(sep), true) = (cls, sep, words.contains_key("[UNK]")) else {
            return Err(refused(
                "it lacks one of [UNK], [CLS] and [SEP], which a vocabulary of BERT has".into(),
            ));
        };
        let special: Vec<serde_json::Value> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
            .iter()
            .filter_map(|word| {
                Some(serde_json::json!({
                    "id": words.get(*word)?, "content": word, "special": true, "single_word": false,
                    "lstrip": false, "rstrip": false, "normalized": false,
                }))
            })
            .collect();
        let json = serde_json::json!({
            "version": "1.0",
            "added_tokens": special,
            "normalizer": {
                "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": null, "lowercase": lowercase,
            },
            "pre_tokenizer": { "type": "BertPreTokenizer" },
            "post_processor": { "type": "BertProcessing", "sep": sep, "cls": cls },
            "decoder": { "type": "WordPiece", "prefix": "##", "cleanup": true },
            "model": {
                "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": words,
            },
        });
        Self::from_json(json.to_string().as_bytes()).map_err(refused)
    }

    fn from_json(json: &[u8]) -> Result<Self, tokenizers::Error> {
        let mut tokenizer = tokenizers::Tokenizer::from_bytes(json)?;
        let first_fills_up = match tokenizer.get_padding() {
            Some(padding) => padding.pad_id == 0,
            None => tokenizer.id_to_token(0).is_some_and(|name| PADDING_NAMES.contains(&name.as_str())),
        };
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None)?;
        let offset = u32::from(!first_fills_up);
        // Numbers may have gaps, so the vocabulary is as large as the largest says.
        let Some(largest) = tokenizer.get_vocab(true).into_values().max() else {
            return Err("it has no tokens".into());
        };
        if largest >= MAX_VOCABULARY {
            return Err(format!("it has a token {largest}, expected all below {MAX_VOCABULARY}").into());
        }
        let neutral = NEUTRAL_NAMES.iter().find_map(|name| tokenizer.token_to_id(name)).unwrap_or(largest);
        Ok(Self { tokenizer, offset, largest, neutral: neutral.min(largest) + offset })
    }

    /// What was added to the file's numbers: 0 or 1.
    pub fn offset(&self) -> u32 {
        self.offset
    }
}

/// The bytes of a file that is one, and not too large.
fn read(path: &Path) -> Result<Vec<u8>, TextError> {
    let unreadable = |source| TextError::Read { path: path.to_path_buf(), source };
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        // A pipe would be waited for.
        return Err(unreadable(io::Error::other("it is not a file")));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let found = bytes.len() as u64;
    if found > MAX_FILE_BYTES {
        let path = path.to_path_buf();
        return Err(TextError::TokenizerSize { path, found, limit: MAX_FILE_BYTES });
    }
    Ok(bytes)
}

impl Tokenizer for HuggingFaceTokenizer {
    /// The tokens of a text; one that says nothing, the file's unknown token for instance, if there are none.
    fn encode(&self, text: &str) -> Result<Vec<u32>, TextError> {
        let refused = |source| TextError::Tokenizer { action: "encode", source };
        let encoding = self.tokenizer.encode_fast(text, true).map_err(refused)?;
        let ids = encoding.get_ids();
        if ids.is_empty() {
            return Ok(vec![self.neutral]);
        }
        // What a file adds at the start and end of texts need not be in its vocabulary.
        if let Some(id) = ids.iter().find(|id| **id > self.largest) {
            let source = format!("it gives token {id}, expected none above {}", self.largest).into();
            return Err(refused(source));
        }
        Ok(ids.iter().map(|id| id + self.offset).collect())
    }

    /// The text without padding and other special tokens; tokens beyond the vocabulary are left out.
    fn decode(&self, tokens: &[u32]) -> Result<String, TextError> {
        let words = tokens.iter().filter(|token| **token != reserved::PADDING);
        let ids: Vec<u32> = words.map(|token| token - self.offset).collect();
        let refused = |source| TextError::Tokenizer { action: "decode", source };
        self.tokenizer.decode(&ids, true).map_err(refused)
    }

    fn vocabulary_size(&self) -> usize {
        (self.largest + self.offset) as usize + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vocabulary_of_bert_is_a_tokenizer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vocab.txt");
        std::fs::write(&path, "[PAD]\n[UNK]\n[CLS]\n[SEP]\nthe\ncaf\n##e\n!\n").unwrap();
        let tokenizer = HuggingFaceTokenizer::from_vocabulary(&path, true).unwrap();
        assert_eq!((tokenizer.offset(), tokenizer.vocabulary_size()), (0, 8));
        assert_eq!(tokenizer.encode("The CAFÉ! zoo").unwrap(), [2, 4, 5, 6, 7, 1, 3]);
        assert_eq!(
            HuggingFaceTokenizer::from_vocabulary(&path, false).unwrap().encode("The").unwrap(),
            [2, 1, 3]
        );
        std::fs::write(&path, "the\n[UNK]\n").unwrap();
        assert!(refused(HuggingFaceTokenizer::from_vocabulary(&path, true)).contains("lacks one of [UNK]"));
    }

    /// A tokeniser of whole words, with `first` as its number 0.
    fn file(first: &str, words: &str) -> String {
        format!(
            r#"{{"version":"1.0","truncation":{{"direction":"Right","max_length":2,"strategy":"LongestFirst","stride":0}},
            "padding":null,"added_tokens":[],"normalizer":{{"type":"Lowercase"}},
            "pre_tokenizer":{{"type":"Whitespace"}},"post_processor":null,"decoder":null,
            "model":{{"type":"WordLevel","vocab":{{"{first}":0,"[UNK]":1,{words}}},"unk_token":"[UNK]"}}}}"#
        )
    }

    /// The message with its reason.
    fn refused<T>(result: Result<T, TextError>) -> String {
        let Err(error) = result else { panic!("it was not refused") };
        let reason = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", reason.unwrap_or_default())
    }

    fn read(json: &[u8]) -> Result<HuggingFaceTokenizer, TextError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        std::fs::write(&path, json).unwrap();
        HuggingFaceTokenizer::from_file(&path)
    }

    #[test]
    fn tokens_are_those_of_the_file_where_0_fills_up() {
        let tokenizer = read(file("[PAD]", r#""good":2,"film":3"#).as_bytes()).unwrap();
        assert_eq!((tokenizer.offset(), tokenizer.vocabulary_size()), (0, 4));
        // The file would cut after two tokens.
        assert_eq!(tokenizer.encode("Good film, GOOD").unwrap(), [2, 3, 1, 2]);
        assert_eq!(tokenizer.decode(&[2, 3, 0, 0]).unwrap(), "good film");
        let texts = ["film".to_string(), "good good".to_string()];
        assert_eq!(tokenizer.encode_all(&texts).unwrap(), [vec![3], vec![2, 2]]);
    }

    #[test]
    fn other_files_leave_0_to_padding() {
        let tokenizer = read(file("the", r#""good":2,"film":9"#).as_bytes()).unwrap();
        assert_eq!((tokenizer.offset(), tokenizer.vocabulary_size()), (1, 11));
        let tokens = tokenizer.encode("the good film").unwrap();
        assert_eq!(tokens, [1, 3, 10]);
        assert_eq!(tokenizer.decode(&[1, 3, 10, 0, 0]).unwrap(), "the good film");
    }

    #[test]
    fn a_text_without_tokens_gives_one() {
        let tokenizer = read(file("[PAD]", r#""good":2"#).as_bytes()).unwrap();
        for text in ["", "  \r\n"] {
            assert_eq!(tokenizer.encode(text).unwrap(), [1], "{text:?}");
        }
    }

    #[test]
    fn it_stands_where_another_tokeniser_does() {
        let tokenizer: Box<dyn Tokenizer> = Box::new(read(file("[PAD]", r#""good":2"#).as_bytes()).unwrap());
        assert_eq!(tokenizer.encode("good").unwrap(), [2]);
    }

    #[test]
    fn tokens_beyond_the_vocabulary_are_refused() {
        let json = file("[PAD]", r#""good":2"#).replace(
            r#""post_processor":null"#,
            r#""post_processor":{"type":"BertProcessing","sep":["[SEP]",7000],"cls":["[CLS]",1]}"#,
        );
        let message = refused(read(json.as_bytes()).unwrap().encode("good"));
        assert!(
            message.contains("cannot encode") && message.contains("token 7000, expected none above 2"),
            "{message}"
        );
    }

    #[test]
    fn files_that_are_no_tokeniser_are_refused() {
        let whole = file("[PAD]", r#""good":2"#);
        for json in ["", "{}", "[1]", "not json", &whole[..whole.len() - 1], &"[".repeat(100_000)] {
            let message = refused(read(json.as_bytes()));
            assert!(message.contains("tokenizer.json is no tokeniser"), "{message}");
        }
        let message = refused(read(b"\xff\xfe\x00"));
        assert!(message.contains("no tokeniser"), "{message}");
        let message = refused(read(file("[PAD]", r#""good":4294967295"#).as_bytes()));
        assert!(message.contains("token 4294967295"), "{message}");
        let message = refused(HuggingFaceTokenizer::from_file(Path::new("none.json")));
        assert!(message.contains("cannot read none.json"), "{message}");
    }
}
