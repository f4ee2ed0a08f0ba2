//! What the server writes.

use crate::FederateError;
use crate::fixed_point::{Modulus, SecureRound};
use crate::id::ClientId;
use crate::parameters::Parameters;
use crate::training::Task;
use crate::wire::from_client::{read_shares, write_shares};
use crate::wire::{
    MAX_METRIC_NAME_BYTES, MAX_METRICS, MAX_REASON_BYTES, PROTOCOL_VERSION, PublicKeys, Reader, Turn, Writer,
    kind,
};

/// A message of the server.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerMessage {
    /// The client takes part; the answer to [`ClientMessage::Hello`](crate::wire::ClientMessage::Hello).
    Welcome {
        /// The round that comes next, counted from 0.
        round: u64,
        /// How many rounds there are.
        rounds: u64,
    },
    /// The client does not take part.
    Refused {
        /// Why.
        reason: String,
        /// Whether it makes sense to ask again later.
        try_again: bool,
    },
    /// The client is asked to train.
    Train {
        /// What to do. The client of the task is the one that the message goes to.
        task: Task,
        /// How to give the update.
        mode: RoundMode,
        /// From where.
        parameters: Parameters,
    },
    /// With secure aggregation: the keys of the clients of this round, in the order of their names.
    Keys {
        /// Of which round.
        turn: Turn,
        /// How many shares put a secret together.
        threshold: u32,
        /// The clients with their keys.
        clients: Vec<(ClientId, PublicKeys)>,
    },
    /// With secure aggregation: the shares that other clients encrypted to this one.
    Shares {
        /// Of which round.
        turn: Turn,
        /// By whom, and what.
        shares: Vec<(ClientId, Vec<u8>)>,
    },
    /// With secure aggregation: which masked updates arrived, as places in the list of keys.
    Unmask {
        /// Of which round.
        turn: Turn,
        /// The places, counted from 0, in rising order.
        survivors: Vec<u32>,
    },
    /// The client's answer was not taken; it stays in the federation.
    UpdateRefused {
        /// Of which round.
        turn: Turn,
        /// Why.
        reason: String,
    },
    /// The federation is over.
    Done {
        /// How many rounds there were.
        rounds: u64,
    },
    /// The server is still there; other clients may be training.
    Alive,
}

/// How an update is given.
#[derive(Clone, Debug, PartialEq)]
pub enum RoundMode {
    /// As it is.
    Plain,
    /// Under masks, so that the server sees the sum alone.
    Secure(SecureRound),
}

impl ServerMessage {
    /// The bytes of the message.
    ///
    /// # Errors
    /// [`FederateError::Safetensors`] for parameters that cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>, FederateError> {
        let mut writer = Writer::default();
        writer.u8(PROTOCOL_VERSION);
        match self {
            ServerMessage::Welcome { round, rounds } => {
                writer.u8(0).u64(*round).u64(*rounds);
            }
            ServerMessage::Refused { reason, try_again } => {
                writer.u8(1).text(reason, MAX_REASON_BYTES).u8(u8::from(*try_again));
            }
            ServerMessage::Train { task, mode, parameters } => {
                let parameters = parameters.to_bytes()?;
                return Ok([encode_train(task, mode, parameters.len()), parameters].concat());
            }
            ServerMessage::Keys { turn, threshold, clients } => {
                turn.write(writer.u8(3));
                writer.u32(*threshold).count(clients.len());
                for (client, keys) in clients {
                    keys.write(writer.client(client));
                }
            }
            ServerMessage::Shares { turn, shares } => {
                turn.write(writer.u8(4));
                write_shares(shares, &mut writer);
            }
            ServerMessage::Unmask { turn, survivors } => {
                turn.write(writer.u8(5));
                writer.count(survivors.len());
                survivors.iter().for_each(|place| _ = writer.u32(*place));
            }
            ServerMessage::UpdateRefused { turn, reason } => {
                turn.write(writer.u8(6));
                writer.text(reason, MAX_REASON_BYTES);
            }
            ServerMessage::Done { rounds } => {
                writer.u8(7).u64(*rounds);
            }
            ServerMessage::Alive => {
                writer.u8(8);
            }
        }
        Ok(writer.into_bytes())
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`FederateError::Message`], [`FederateError::ProtocolVersion`] and those of parameters for bytes that are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, FederateError> {
        let mut reader = Reader::new("the server's message", bytes);
        let message = match kind(&mut reader)? {
            0 => ServerMessage::Welcome { round: reader.u64()?, rounds: reader.u64()? },
            1 => ServerMessage::Refused {
                reason: reader.reason(MAX_REASON_BYTES)?,
                try_again: reader.boolean()?,
            },
            2 => ServerMessage::Train {
                task: read_task(&mut reader)?,
                mode: read_mode(&mut reader)?,
                parameters: Parameters::from_bytes(reader.block()?)?,
            },
            3 => {
                let (turn, threshold) = (Turn::read(&mut reader)?, reader.u32()?);
                let count = reader.count(99)?;
                let clients = (0..count).map(|_| Ok((reader.client()?, PublicKeys::read(&mut reader)?)));
                let clients = clients.collect::<Result<_, FederateError>>()?;
                ServerMessage::Keys { turn, threshold, clients }
            }
            4 => ServerMessage::Shares { turn: Turn::read(&mut reader)?, shares: read_shares(&mut reader)? },
            5 => {
                let turn = Turn::read(&mut reader)?;
                let count = reader.count(4)?;
                let survivors = (0..count).map(|_| reader.u32()).collect::<Result<_, _>>()?;
                ServerMessage::Unmask { turn, survivors }
            }
            6 => ServerMessage::UpdateRefused {
                turn: Turn::read(&mut reader)?,
                reason: reader.reason(MAX_REASON_BYTES)?,
            },
            7 => ServerMessage::Done { rounds: reader.u64()? },
            8 => ServerMessage::Alive,
            found => return Err(reader.error(format!("expected a kind from 0 to 8, found {found}"))),
        };
        reader.end()?;
        Ok(message)
    }
}

/// What comes before the encoded parameters in a [`ServerMessage::Train`]; there are so many bytes of them.
pub(crate) fn encode_train(task: &Task, mode: &RoundMode, parameter_bytes: usize) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u8(PROTOCOL_VERSION).u8(2);
    Turn { round: task.round, attempt: task.attempt }.write(&mut writer);
    writer.client(&task.client).u32(task.epochs).u64(task.first_epoch).u32(task.batch_size);
    writer.f64(task.learning_rate).f64(task.proximal_mu).u64(task.seed);
    match mode {
        RoundMode::Plain => writer.u8(0),
        RoundMode::Secure(secure) => {
            writer.u8(1).u8(secure.modulus.bits()).f64(secure.clip_range).u32(secure.fraction_bits);
            writer.u64(secure.max_samples).u8(u8::from(secure.weighted));
            writer.optional_f64(secure.clip_norm).optional_f64(secure.max_norm);
            writer.count(secure.metrics.len());
            secure.metrics.iter().for_each(|name| _ = writer.text(name, MAX_METRIC_NAME_BYTES));
            &mut writer
        }
    };
    writer.u64(parameter_bytes as u64);
    writer.into_bytes()
}

fn read_task(reader: &mut Reader) -> Result<Task, FederateError> {
    let Turn { round, attempt } = Turn::read(reader)?;
    Ok(Task {
        round,
        attempt,
        client: reader.client()?,
        epochs: reader.u32()?,
        first_epoch: reader.u64()?,
        batch_size: reader.u32()?,
        learning_rate: reader.f64()?,
        proximal_mu: reader.f64()?,
        seed: reader.u64()?,
    })
}

fn read_mode(reader: &mut Reader) -> Result<RoundMode, FederateError> {
    if !reader.boolean()? {
        return Ok(RoundMode::Plain);
    }
    let modulus = match reader.u8()? {
        32 => Modulus::Bits32,
        64 => Modulus::Bits64,
        found => return Err(reader.error(format!("expected numbers of 32 or 64 bits, found {found}"))),
    };
    let mut secure = SecureRound {
        modulus,
        clip_range: reader.f64()?,
        fraction_bits: reader.u32()?,
        max_samples: reader.u64()?,
        weighted: reader.boolean()?,
        clip_norm: reader.optional_f64()?,
        max_norm: reader.optional_f64()?,
        metrics: Vec::new(),
    };
    let count = reader.count(2)?;
    if count > MAX_METRICS {
        return Err(reader.error(format!("expected {MAX_METRICS} metrics at most, found {count}")));
    }
    for _ in 0..count {
        secure.metrics.push(reader.text(MAX_METRIC_NAME_BYTES)?.to_owned());
    }
    Ok(RoundMode::Secure(secure))
}
