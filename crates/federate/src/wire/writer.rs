//! Writing messages.

use crate::id::ClientId;

/// The bytes of a message so far.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn f64(&mut self, value: f64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    pub(crate) fn optional_f64(&mut self, value: Option<f64>) -> &mut Self {
        self.u8(u8::from(value.is_some()));
        match value {
            Some(value) => self.f64(value),
            None => self,
        }
    }

    /// How many items follow; more than can be counted make a message that nobody reads.
    pub(crate) fn count(&mut self, count: usize) -> &mut Self {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX))
    }

    pub(crate) fn block(&mut self, bytes: &[u8]) -> &mut Self {
        self.u64(bytes.len() as u64).bytes(bytes)
    }

    /// A text, of which the first `most` bytes are kept.
    pub(crate) fn text(&mut self, text: &str, most: usize) -> &mut Self {
        let end = text.floor_char_boundary(most.min(usize::from(u16::MAX)));
        let text = &text[..end];
        self.u16(text.len() as u16).bytes(text.as_bytes())
    }

    pub(crate) fn client(&mut self, client: &ClientId) -> &mut Self {
        self.text(client.as_str(), ClientId::MAX_BYTES)
    }
}
