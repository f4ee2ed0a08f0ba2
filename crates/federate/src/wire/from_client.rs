//! What clients write.

use crate::FederateError;
use crate::id::ClientId;
use crate::parameters::{Metrics, Parameters};
use crate::wire::{
    MAX_METRIC_NAME_BYTES, MAX_METRICS, MAX_REASON_BYTES, PROTOCOL_VERSION, Reader, Turn, Writer, kind,
};

/// A message of a client.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientMessage {
    /// The first message of a connection.
    Hello {
        /// Who it is.
        client: ClientId,
        /// A number by which a client that comes back is told from another one of the same name.
        instance: u64,
        /// The SHA-256 of what it says of the network and of how it prepares samples.
        preparation: [u8; 32],
    },
    /// What a local training gave.
    Update {
        /// For which round.
        turn: Turn,
        /// How many samples the client has.
        samples: u64,
        /// What was measured.
        metrics: Metrics,
        /// The parameters after it.
        parameters: Parameters,
    },
    /// With secure aggregation: the local training is done, and these are the client's keys for this round.
    PublicKeys {
        /// For which round.
        turn: Turn,
        /// The keys.
        keys: PublicKeys,
    },
    /// With secure aggregation: shares of the client's two secrets, encrypted to each of the others.
    EncryptedShares {
        /// For which round.
        turn: Turn,
        /// To whom, and what.
        shares: Vec<(ClientId, Vec<u8>)>,
    },
    /// With secure aggregation: the client's update under its masks.
    Masked {
        /// For which round.
        turn: Turn,
        /// The numbers, encoded.
        values: Vec<u8>,
    },
    /// With secure aggregation: for each client one share of one of its secrets.
    Unmasking {
        /// For which round.
        turn: Turn,
        /// The shares.
        shares: Vec<RevealedShare>,
    },
    /// The client has no update in this round.
    Failed {
        /// Which round.
        turn: Turn,
        /// Why.
        reason: String,
    },
    /// The client is still there; it may be training.
    Alive,
}

/// The public keys of a client for one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKeys {
    /// By which shares are encrypted to it.
    pub share_key: [u8; 32],
    /// By which its masks are agreed on.
    pub mask_key: [u8; 32],
    /// The hash of the seed of its own mask, by which a seed that was put together from shares is checked.
    pub self_mask_commitment: [u8; 32],
}

/// Which of its secrets a share is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// The seed of the mask that no other client knows; asked for of clients whose masked update arrived.
    SelfMask,
    /// The private key of the masks agreed on with others; asked for of clients whose masked update is missing.
    MaskKey,
}

/// A share that a client decrypted and shows the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RevealedShare {
    /// The place of the client in the list of the round whose secret it is a share of, counted from 0.
    pub owner: u32,
    /// Which secret.
    pub secret: Secret,
    /// The share.
    pub share: [u8; 32],
}

impl std::fmt::Debug for RevealedShare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RevealedShare {{ owner: {}, secret: {:?}, .. }}", self.owner, self.secret)
    }
}

impl ClientMessage {
    /// Which round it is of; [`ClientMessage::Hello`] and [`ClientMessage::Alive`] are of none.
    pub fn turn(&self) -> Option<Turn> {
        match self {
            ClientMessage::Hello { .. } | ClientMessage::Alive => None,
            ClientMessage::Update { turn, .. }
            | ClientMessage::PublicKeys { turn, .. }
            | ClientMessage::EncryptedShares { turn, .. }
            | ClientMessage::Masked { turn, .. }
            | ClientMessage::Unmasking { turn, .. }
            | ClientMessage::Failed { turn, .. } => Some(*turn),
        }
    }

    /// What it is, in a word or two.
    pub fn name(&self) -> &'static str {
        match self {
            ClientMessage::Hello { .. } => "a greeting",
            ClientMessage::Update { .. } => "an update",
            ClientMessage::PublicKeys { .. } => "public keys",
            ClientMessage::EncryptedShares { .. } => "encrypted shares",
            ClientMessage::Masked { .. } => "a masked update",
            ClientMessage::Unmasking { .. } => "shares for unmasking",
            ClientMessage::Failed { .. } => "a failure",
            ClientMessage::Alive => "a sign of life",
        }
    }

    /// The bytes of the message.
    ///
    /// # Errors
    /// [`FederateError::Safetensors`] for parameters that cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>, FederateError> {
        let mut writer = Writer::default();
        writer.u8(PROTOCOL_VERSION);
        match self {
            ClientMessage::Hello { client, instance, preparation } => {
                writer.u8(0).client(client).u64(*instance).bytes(preparation);
            }
            ClientMessage::Update { turn, samples, metrics, parameters } => {
                turn.write(writer.u8(1));
                writer.u64(*samples);
                writer.count(metrics.len());
                for (name, value) in metrics {
                    writer.text(name, MAX_METRIC_NAME_BYTES).f64(*value);
                }
                writer.block(&parameters.to_bytes()?);
            }
            ClientMessage::PublicKeys { turn, keys } => {
                turn.write(writer.u8(2));
                keys.write(&mut writer);
            }
            ClientMessage::EncryptedShares { turn, shares } => {
                turn.write(writer.u8(3));
                write_shares(shares, &mut writer);
            }
            ClientMessage::Masked { turn, values } => {
                turn.write(writer.u8(4));
                writer.block(values);
            }
            ClientMessage::Unmasking { turn, shares } => {
                turn.write(writer.u8(5));
                writer.count(shares.len());
                for RevealedShare { owner, secret, share } in shares {
                    writer.u32(*owner).u8(*secret as u8).bytes(share);
                }
            }
            ClientMessage::Failed { turn, reason } => {
                turn.write(writer.u8(6));
                writer.text(reason, MAX_REASON_BYTES);
            }
            ClientMessage::Alive => {
                writer.u8(7);
            }
        }
        Ok(writer.into_bytes())
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`FederateError::Message`], [`FederateError::ProtocolVersion`] and those of parameters for bytes that are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, FederateError> {
        let mut reader = Reader::new("the client's message", bytes);
        let message = match kind(&mut reader)? {
            0 => ClientMessage::Hello {
                client: reader.client()?,
                instance: reader.u64()?,
                preparation: reader.array()?,
            },
            1 => ClientMessage::Update {
                turn: Turn::read(&mut reader)?,
                samples: reader.u64()?,
                metrics: read_metrics(&mut reader)?,
                parameters: Parameters::from_bytes(reader.block()?)?,
            },
            2 => ClientMessage::PublicKeys {
                turn: Turn::read(&mut reader)?,
                keys: PublicKeys::read(&mut reader)?,
            },
            3 => ClientMessage::EncryptedShares {
                turn: Turn::read(&mut reader)?,
                shares: read_shares(&mut reader)?,
            },
            4 => ClientMessage::Masked { turn: Turn::read(&mut reader)?, values: reader.block()?.to_vec() },
            5 => {
                let turn = Turn::read(&mut reader)?;
                let count = reader.count(37)?;
                let shares = (0..count).map(|_| RevealedShare::read(&mut reader));
                ClientMessage::Unmasking { turn, shares: shares.collect::<Result<_, _>>()? }
            }
            6 => ClientMessage::Failed {
                turn: Turn::read(&mut reader)?,
                reason: reader.reason(MAX_REASON_BYTES)?,
            },
            7 => ClientMessage::Alive,
            found => return Err(reader.error(format!("expected a kind from 0 to 7, found {found}"))),
        };
        reader.end()?;
        Ok(message)
    }
}

impl PublicKeys {
    pub(super) fn read(reader: &mut Reader) -> Result<Self, FederateError> {
        Ok(PublicKeys {
            share_key: reader.array()?,
            mask_key: reader.array()?,
            self_mask_commitment: reader.array()?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.share_key).bytes(&self.mask_key).bytes(&self.self_mask_commitment);
    }
}

impl RevealedShare {
    fn read(reader: &mut Reader) -> Result<Self, FederateError> {
        let owner = reader.u32()?;
        let secret = match reader.boolean()? {
            false => Secret::SelfMask,
            true => Secret::MaskKey,
        };
        Ok(RevealedShare { owner, secret, share: reader.array()? })
    }
}

/// The most bytes of an encrypted share.
pub(super) const MAX_SHARE_BYTES: usize = 256;

pub(super) fn write_shares(shares: &[(ClientId, Vec<u8>)], writer: &mut Writer) {
    writer.count(shares.len());
    for (client, bytes) in shares {
        writer.client(client).block(bytes);
    }
}

pub(super) fn read_shares(reader: &mut Reader) -> Result<Vec<(ClientId, Vec<u8>)>, FederateError> {
    let count = reader.count(11)?;
    let mut shares = Vec::with_capacity(count);
    for _ in 0..count {
        let client = reader.client()?;
        let bytes = reader.block()?;
        if bytes.len() > MAX_SHARE_BYTES {
            let found = bytes.len();
            return Err(
                reader.error(format!("expected a share of {MAX_SHARE_BYTES} bytes at most, found {found}"))
            );
        }
        shares.push((client, bytes.to_vec()));
    }
    Ok(shares)
}

fn read_metrics(reader: &mut Reader) -> Result<Metrics, FederateError> {
    let count = reader.count(10)?;
    if count > MAX_METRICS {
        return Err(reader.error(format!("expected {MAX_METRICS} metrics at most, found {count}")));
    }
    let mut metrics = Metrics::new();
    for _ in 0..count {
        let name = reader.text(MAX_METRIC_NAME_BYTES)?.to_owned();
        let value = reader.f64()?;
        if metrics.insert(name, value).is_some() {
            return Err(reader.error("expected different names of metrics, found one twice"));
        }
    }
    Ok(metrics)
}
