//! How tables are written, as flags say it where it is not found.

use std::path::Path;

use clap::{Args, ValueEnum};
use fireclay::data::{Dialect, TableHeader, TableOptions, TextEncoding};
use serde::{Deserialize, Serialize};

use crate::error::CommandError;
use crate::output::Output;

/// Flags that say how a table is written.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TableFormat {
    /// What stands between the fields of a table: a character, or comma, semicolon, tab, bar [default: detected]
    #[arg(long, value_name = "CHARACTER", value_parser = read_delimiter, help_heading = "Data")]
    #[serde(default)]
    pub delimiter: Option<u8>,
    /// Whether the fields of a table may stand in double quotes; otherwise quotes are letters [default: detected]
    #[arg(long, value_name = "WORD", value_enum, help_heading = "Data")]
    #[serde(default)]
    pub quotes: Option<YesNo>,
    /// In what encoding tables are written, such as windows-1252, utf-16le or shift_jis [default: UTF-8, or as the file's byte
    /// order mark says]
    #[arg(long, value_name = "NAME", help_heading = "Data")]
    #[serde(default, with = "encoding_name", skip_serializing_if = "Option::is_none")]
    pub encoding: Option<TextEncoding>,
    /// Whether tables begin with a row of column names [default: detected]
    #[arg(long, value_name = "WORD", value_enum, help_heading = "Data")]
    #[serde(default)]
    pub header: Option<YesNo>,
}

/// Yes or no.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum YesNo {
    /// Yes.
    Yes,
    /// No.
    No,
}

impl TableFormat {
    /// How a table is read; columns and target are still to be said.
    pub fn options(&self) -> TableOptions {
        TableOptions {
            delimiter: self.delimiter,
            quotes: self.quotes.map(|word| word == YesNo::Yes),
            encoding: self.encoding,
            header: match self.header {
                None => TableHeader::Guess,
                Some(YesNo::Yes) => TableHeader::Yes,
                Some(YesNo::No) => TableHeader::No,
            },
            ..TableOptions::default()
        }
    }

    /// What the flags say, by their names.
    pub fn settings(&self) -> Vec<(&'static str, toml::Value)> {
        let word = |yes: YesNo| toml::Value::from(if yes == YesNo::Yes { "yes" } else { "no" });
        let delimiter = self.delimiter.map(|byte| ("delimiter", char::from(byte).to_string().into()));
        let encoding = self.encoding.map(|encoding| ("encoding", encoding.name().into()));
        let quotes = self.quotes.map(|yes| ("quotes", word(yes)));
        let header = self.header.map(|yes| ("header", word(yes)));
        [delimiter, quotes, encoding, header].into_iter().flatten().collect()
    }

    /// Says what is unusual in how a table is written, and where a quote may have been taken for more than it is.
    pub fn say(&self, path: &Path, dialect: Dialect, over_lines: Option<(u64, usize)>, output: &Output) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let unusual = dialect.to_string();
        if !unusual.is_empty() && (self.delimiter.is_none() || self.quotes.is_none()) {
            output.note(format!("{name}: {unusual}"));
        }
        if let Some((line, lines)) = over_lines.filter(|_| self.quotes.is_none()) {
            output.warn(format!(
                "{name}: the row at line {line} goes over {lines} lines in quotes; if its quote is only a letter, say --quotes no"
            ));
        }
    }
}

/// An encoding by its name.
mod encoding_name {
    use fireclay::data::TextEncoding;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(encoding: &Option<TextEncoding>, out: S) -> Result<S::Ok, S::Error> {
        match encoding {
            Some(encoding) => out.serialize_some(encoding.name()),
            None => out.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<TextEncoding>, D::Error> {
        let name = Option::<String>::deserialize(from)?;
        name.map(|name| name.parse().map_err(D::Error::custom)).transpose()
    }
}

fn read_delimiter(word: &str) -> Result<u8, CommandError> {
    match word {
        "comma" => Ok(b','),
        "semicolon" => Ok(b';'),
        "tab" | "\\t" => Ok(b'\t'),
        "bar" => Ok(b'|'),
        _ => match word.as_bytes() {
            [byte] if byte.is_ascii() => Ok(*byte),
            _ => Err(CommandError::Delimiter { found: word.to_owned() }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_have_names() {
        let read = |word| read_delimiter(word).ok();
        assert_eq!(
            ["tab", ";", "bar", "\\t", ";;", "é"].map(read),
            [Some(b'\t'), Some(b';'), Some(b'|'), Some(b'\t'), None, None]
        );
        let message = read_delimiter("").unwrap_err().to_string();
        assert!(message.contains("semicolon"), "{message}");
    }
}
