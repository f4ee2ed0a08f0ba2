//! The stack machine that a pickle is written for
//! ([Python's documentation of each instruction](https://docs.python.org/3/library/pickletools.html)).

use std::collections::HashMap;

use super::scanner::Scanner;
use super::{Id, MAX_VALUES, PickleError, Value, calls, wrong};

/// Runs to the instruction that ends a pickle; gives all values and the one that is left.
pub(super) fn run(scanner: &mut Scanner<'_>) -> Result<(Vec<Value>, Id), PickleError> {
    let mut machine = Machine::default();
    loop {
        let place = scanner.position();
        let code = scanner.byte()?;
        if code == b'.' {
            let root = machine.pop()?;
            return Ok((machine.values, root));
        }
        machine.step(code, scanner).map_err(|error| match error {
            PickleError::Malformed(problem) => {
                PickleError::Malformed(format!("{problem}, at byte {place} of the pickle"))
            }
            other => other,
        })?;
    }
}

#[derive(Default)]
struct Machine {
    values: Vec<Value>,
    stack: Vec<Id>,
    /// Heights of the stack that instructions go back to.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    /// Entries of lists that became dictionaries, each of which was copied.
    copied: usize,
}

impl Machine {
    fn step(&mut self, code: u8, scanner: &mut Scanner<'_>) -> Result<(), PickleError> {
        match code {
            // Protocol and frames say how the rest is cut.
            0x80 => {
                let protocol = scanner.byte()?;
                return if protocol <= 5 { Ok(()) } else { wrong(format!("protocol {protocol} is unknown")) };
            }
            0x95 => return scanner.unsigned::<8>().map(|_| ()),
            b'(' => {
                self.marks.push(self.stack.len());
                return self.check_size();
            }
            b'0' => return self.pop().map(|_| ()),
            b'1' => return self.pop_mark().map(|_| ()),
            b'2' => {
                let top = self.pop()?;
                self.stack.extend([top, top]);
                return Ok(());
            }
            b'q' => return self.put(|_| scanner.unsigned::<1>()),
            b'r' => return self.put(|_| scanner.unsigned::<4>()),
            b'p' => return self.put(|_| number(scanner.line()?)),
            0x94 => return self.put(|memo| Ok(memo as u64)),
            b'h' => return self.memorised(scanner.unsigned::<1>()?),
            b'j' => return self.memorised(scanner.unsigned::<4>()?),
            b'g' => return self.memorised(number(scanner.line()?)?),
            b'a' | b'e' => return self.append(code == b'e'),
            b's' | b'u' => return self.set_items(code == b'u'),
            0x90 => return self.add_to_set(),
            b'b' => return self.build(),
            _ => {}
        }
        let value = match code {
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'K' => Value::Int(scanner.unsigned::<1>()? as i64),
            b'M' => Value::Int(scanner.unsigned::<2>()? as i64),
            b'J' => Value::Int(i64::from(scanner.unsigned::<4>()? as u32 as i32)),
            0x8a => {
                let length = scanner.unsigned::<1>()?;
                integer(scanner.take(length)?)
            }
            0x8b => {
                let length = scanner.unsigned::<4>()?;
                integer(scanner.take(length)?)
            }
            b'I' => match scanner.line()? {
                "00" => Value::Bool(false),
                "01" => Value::Bool(true),
                line => Value::Int(number(line)? as i64),
            },
            b'L' => {
                let line = scanner.line()?;
                line.trim_end_matches('L').parse().map_or(Value::Other("a large integer"), Value::Int)
            }
            b'G' => scanner.take(8).map(|_| Value::Other("float"))?,
            b'F' => scanner.line().map(|_| Value::Other("float"))?,
            b'X' => text(scanner.text::<4>()?),
            0x8c => text(scanner.text::<1>()?),
            0x8d => text(scanner.text::<8>()?),
            b'V' => text(scanner.line()?),
            b'T' => text(scanner.text::<4>()?),
            b'U' => text(scanner.text::<1>()?),
            b'S' => {
                let line = scanner.line()?.trim_matches(['\'', '"']);
                text(line)
            }
            b'B' => {
                let length = scanner.unsigned::<4>()?;
                scanner.take(length).map(|_| Value::Other("bytes"))?
            }
            b'C' => {
                let length = scanner.unsigned::<1>()?;
                scanner.take(length).map(|_| Value::Other("bytes"))?
            }
            0x8e | 0x96 => {
                let length = scanner.unsigned::<8>()?;
                scanner.take(length).map(|_| Value::Other("bytes"))?
            }
            b')' => Value::Tuple(Vec::new()),
            b't' => Value::Tuple(self.pop_mark()?),
            0x85 => Value::Tuple(self.pop_last(1)?),
            0x86 => Value::Tuple(self.pop_last(2)?),
            0x87 => Value::Tuple(self.pop_last(3)?),
            b']' => Value::List(Vec::new()),
            b'l' => Value::List(self.pop_mark()?),
            b'}' => Value::Dict(Vec::new()),
            b'd' => Value::Dict(pairs(&self.pop_mark()?)?),
            0x8f => Value::Other("set"),
            0x91 => self.pop_mark().map(|_| Value::Other("set"))?,
            b'c' => {
                let module = scanner.line()?;
                Value::Known(calls::known(module, scanner.line()?)?)
            }
            0x93 => {
                let [module, name] = self.pop_array()?;
                match [&self.values[module.0 as usize], &self.values[name.0 as usize]] {
                    [Value::Text(module), Value::Text(name)] => Value::Known(calls::known(module, name)?),
                    _ => return wrong("a function's name is no text"),
                }
            }
            b'i' => {
                let module = scanner.line()?;
                let name = scanner.line()?;
                return Err(PickleError::Call(format!("{module}.{name}")));
            }
            b'R' => {
                let [function, arguments] = self.pop_array()?;
                let value = calls::call(&self.values, function, arguments)?;
                // One list may become a dictionary many times, each of which costs memory.
                self.copied = self.copied.saturating_add(match &value {
                    Value::Dict(entries) => entries.len(),
                    Value::Tensor(tensor) => tensor.shape.len(),
                    _ => 0,
                });
                value
            }
            b'Q' => {
                let id = self.pop()?;
                calls::storage(&self.values, id)?
            }
            b'o' | 0x81 | 0x92 => return wrong("it makes an object of a class of its own"),
            0x82..=0x84 => return wrong("it refers to Python's registry of extensions"),
            0x97 | 0x98 => return wrong("it refers to memory outside of itself"),
            _ => return wrong(format!("{code:#04x} is no instruction")),
        };
        self.push(value)
    }

    /// Whatever instructions of a byte or two can make without end is counted.
    fn check_size(&self) -> Result<(), PickleError> {
        match self.values.len() + self.copied >= MAX_VALUES
            || self.memo.len() > MAX_VALUES
            || self.marks.len() > MAX_VALUES
        {
            true => Err(PickleError::TooManyValues),
            false => Ok(()),
        }
    }

    fn push(&mut self, value: Value) -> Result<(), PickleError> {
        self.check_size()?;
        self.stack.push(Id(self.values.len() as u32));
        self.values.push(value);
        Ok(())
    }

    /// What lies below the last mark is not touched.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id, PickleError> {
        match self.stack.len() > self.floor() {
            true => self.stack.pop().map_or_else(|| wrong("a value is missing on the stack"), Ok),
            false => wrong("a value is missing on the stack"),
        }
    }

    fn pop_last(&mut self, count: usize) -> Result<Vec<Id>, PickleError> {
        match self.stack.len().checked_sub(count).filter(|rest| *rest >= self.floor()) {
            Some(rest) => Ok(self.stack.split_off(rest)),
            None => wrong("values are missing on the stack"),
        }
    }

    fn pop_array<const N: usize>(&mut self) -> Result<[Id; N], PickleError> {
        let popped = self.pop_last(N)?;
        popped.try_into().or_else(|_| wrong("values are missing on the stack"))
    }

    /// What lies above the last mark, which goes as well.
    fn pop_mark(&mut self) -> Result<Vec<Id>, PickleError> {
        match self.marks.pop() {
            Some(height) => Ok(self.stack.split_off(height)),
            None => wrong("a mark is missing on the stack"),
        }
    }

    /// The value on top of the stack, which stays.
    fn top(&mut self) -> Result<&mut Value, PickleError> {
        match self.stack.last().filter(|_| self.stack.len() > self.floor()) {
            Some(id) => Ok(&mut self.values[id.0 as usize]),
            None => wrong("a value is missing on the stack"),
        }
    }

    fn put(&mut self, index: impl FnOnce(usize) -> Result<u64, PickleError>) -> Result<(), PickleError> {
        let index = index(self.memo.len())?;
        self.top()?;
        let top = self.stack[self.stack.len() - 1];
        self.memo.insert(index, top);
        self.check_size()
    }

    fn memorised(&mut self, index: u64) -> Result<(), PickleError> {
        match self.memo.get(&index) {
            Some(id) => {
                self.stack.push(*id);
                Ok(())
            }
            None => wrong(format!("nothing was kept under number {index}")),
        }
    }

    fn append(&mut self, several: bool) -> Result<(), PickleError> {
        let items = if several { self.pop_mark()? } else { self.pop_last(1)? };
        match self.top()? {
            Value::List(list) => {
                list.extend(items);
                Ok(())
            }
            other => wrong(format!("something is appended to a {}", other.kind())),
        }
    }

    fn set_items(&mut self, several: bool) -> Result<(), PickleError> {
        let items = if several { self.pop_mark()? } else { self.pop_last(2)? };
        let items = pairs(&items)?;
        match self.top()? {
            Value::Dict(entries) => {
                entries.extend(items);
                Ok(())
            }
            other => wrong(format!("an entry is added to a {}", other.kind())),
        }
    }

    fn add_to_set(&mut self) -> Result<(), PickleError> {
        self.pop_mark()?;
        match self.top()? {
            Value::Other("set") => Ok(()),
            other => wrong(format!("something is added to a {}", other.kind())),
        }
    }

    /// Attributes of what is on the stack: `OrderedDict` has some in a file of PyTorch, of which none is a weight.
    fn build(&mut self) -> Result<(), PickleError> {
        self.pop()?;
        match self.top()? {
            Value::Dict(_) => Ok(()),
            other => wrong(format!("a {} is given attributes", other.kind())),
        }
    }
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, PickleError> {
    let pairs = items.chunks_exact(2);
    match pairs.remainder() {
        [] => Ok(pairs.map(|pair| (pair[0], pair[1])).collect()),
        _ => wrong("a dictionary has a key without a value"),
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn number(line: &str) -> Result<u64, PickleError> {
    match line.trim().parse::<i64>() {
        Ok(number) => Ok(number as u64),
        Err(_) => wrong("a line that should be a whole number is none"),
    }
}

/// A whole number in two's complement, the smallest byte first.
fn integer(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Other("a large integer");
    }
    let sign = bytes.last().map_or(0, |last| if last & 0x80 != 0 { 0xff } else { 0 });
    let mut whole = [sign; 8];
    whole[..bytes.len()].copy_from_slice(bytes);
    Value::Int(i64::from_le_bytes(whole))
}
