//! A graph of layers as a chain with residual additions in it, whatever tool it came from.
//!
//! A sum joins two ways that part at the last layer which both come from: its immediate dominator. What lies between
//! is the body of a residual block and its shortcut; a graph in which a layer would have to stand in two such places is
//! refused.

/// Blocks inside blocks.
const MOST_DEPTH: usize = 64;

/// The most values that one layer takes.
const MOST_JOINED: usize = 64;

/// A step of a chain.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Layer(usize),
    /// Two ways, which the layer `sum` adds.
    Residual {
        sum: usize,
        body: Vec<Step>,
        shortcut: Vec<Step>,
    },
    /// A layer that takes several values which all come from the layer `from`.
    Join {
        node: usize,
        from: usize,
    },
}

/// What a layer makes of several inputs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joining {
    /// The sum of two.
    Sum,
    /// Something that is known to whoever asks.
    Known,
    /// Nothing that can be taken over.
    Unknown,
}

/// A graph: of each layer those whose outputs it takes, what it makes of several, and how messages call it.
pub(crate) struct Links<'a> {
    pub(crate) inputs: &'a [Vec<usize>],
    pub(crate) joining: &'a dyn Fn(usize) -> Joining,
    pub(crate) name: &'a dyn Fn(usize) -> String,
}

/// Why a graph is no chain: a layer, and what is wrong with it.
pub(crate) type Refused = (usize, String);

impl Links<'_> {
    /// The steps from the layer `first`, which takes nothing, to the layer `last`, both included.
    pub(crate) fn chain(&self, first: usize, last: usize) -> Result<Vec<Step>, Refused> {
        let dominators = self.dominators(first, last)?;
        let mut walk = Walk { links: self, dominators: &dominators, visited: vec![false; self.inputs.len()] };
        let mut steps = walk.chain(first, last, 0)?;
        steps.insert(0, Step::Layer(first));
        Ok(steps)
    }

    /// Of each layer on the way to `last` the nearest before it through which every way goes.
    pub(crate) fn dominators(&self, first: usize, last: usize) -> Result<Vec<usize>, Refused> {
        let inputs = self.inputs;
        let mut dominators = vec![usize::MAX; inputs.len()];
        let mut depths = vec![0usize; inputs.len()];
        let mut begun = vec![false; inputs.len()];
        let mut done = vec![false; inputs.len()];
        let mut open = vec![last];
        while let Some(&node) = open.last() {
            if done[node] {
                open.pop();
                continue;
            }
            let waiting: Vec<usize> = inputs[node].iter().copied().filter(|input| !done[*input]).collect();
            if !waiting.is_empty() {
                if begun[node] {
                    return Err((node, "it takes its own output".into()));
                }
                begun[node] = true;
                open.extend(waiting);
                continue;
            }
            let dominator = match inputs[node].as_slice() {
                [] if node == first => node,
                [] => return Err((node, "it takes no input, or one that is not the model's".into())),
                inputs if inputs.len() > MOST_JOINED => {
                    return Err((
                        node,
                        format!("it joins {} values; expected at most {MOST_JOINED}", inputs.len()),
                    ));
                }
                [one, others @ ..] => others.iter().fold(*one, |mut a, &(mut b)| {
                    while a != b {
                        match depths[a] >= depths[b] {
                            true => a = dominators[a],
                            false => b = dominators[b],
                        }
                    }
                    a
                }),
            };
            dominators[node] = dominator;
            depths[node] = if node == first { 0 } else { depths[dominator] + 1 };
            done[node] = true;
            open.pop();
        }
        Ok(dominators)
    }
}

struct Walk<'a> {
    links: &'a Links<'a>,
    dominators: &'a [usize],
    visited: Vec<bool>,
}

impl Walk<'_> {
    /// The steps behind `from` up to `to`.
    fn chain(&mut self, from: usize, to: usize, depth: usize) -> Result<Vec<Step>, Refused> {
        if depth > MOST_DEPTH {
            return Err((to, format!("it is inside more than {MOST_DEPTH} sums")));
        }
        let mut steps = Vec::new();
        let mut node = to;
        while node != from {
            self.visit(node)?;
            let before = self.dominators[node];
            let inputs = self.links.inputs;
            match (inputs[node].as_slice(), (self.links.joining)(node)) {
                ([_], Joining::Unknown | Joining::Sum) => steps.push(Step::Layer(node)),
                (&[a, b], Joining::Sum) if a == b => {
                    return Err((node, format!("it adds '{}' to itself", (self.links.name)(a))));
                }
                (&[a, b], Joining::Sum) => {
                    let ways = [self.chain(before, a, depth + 1)?, self.chain(before, b, depth + 1)?];
                    let [a, b] = ways;
                    // The longer way is the body.
                    let (body, shortcut) = if a.len() >= b.len() { (a, b) } else { (b, a) };
                    steps.push(Step::Residual { sum: node, body, shortcut });
                }
                (_, Joining::Known) => {
                    self.visit_between(before, node)?;
                    steps.push(Step::Join { node, from: before });
                }
                (several, _) => {
                    let mut several = several.to_vec();
                    several.dedup();
                    match several.len() {
                        1 => steps.push(Step::Layer(node)),
                        count => {
                            let reason =
                                format!("it joins {count} inputs; only the sum of two can be taken over");
                            return Err((node, reason));
                        }
                    }
                }
            }
            node = before;
        }
        steps.reverse();
        Ok(steps)
    }

    fn visit(&mut self, node: usize) -> Result<(), Refused> {
        match std::mem::replace(&mut self.visited[node], true) {
            true => Err((node, "its output goes several ways that do not meet in one sum".into())),
            false => Ok(()),
        }
    }

    /// Layers between a layer and one that joins several ways from it.
    fn visit_between(&mut self, from: usize, to: usize) -> Result<(), Refused> {
        for node in between(self.links.inputs, from, to) {
            self.visit(node)?;
        }
        Ok(())
    }
}

/// All layers on ways from one to another, without these two.
pub(crate) fn between(inputs: &[Vec<usize>], from: usize, to: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut seen = std::collections::HashSet::from([from, to]);
    let mut open = inputs[to].clone();
    while let Some(node) = open.pop() {
        if seen.insert(node) {
            found.push(node);
            open.extend(&inputs[node]);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(inputs: &[&[usize]], joining: Joining) -> Result<Vec<Step>, Refused> {
        let inputs: Vec<Vec<usize>> = inputs.iter().map(|inputs| inputs.to_vec()).collect();
        let last = inputs.len() - 1;
        Links { inputs: &inputs, joining: &|_| joining, name: &|node| node.to_string() }.chain(0, last)
    }

    #[test]
    fn sums_end_blocks() {
        let steps = chain(&[&[], &[0], &[1], &[2, 0]], Joining::Sum).unwrap();
        let body = vec![Step::Layer(1), Step::Layer(2)];
        assert_eq!(steps, [Step::Layer(0), Step::Residual { sum: 3, body, shortcut: vec![] }]);
    }

    #[test]
    fn what_is_joined_otherwise_is_refused() {
        let message = |inputs: &[&[usize]], joining| chain(inputs, joining).unwrap_err().1;
        let joined: &[&[usize]] = &[&[], &[0], &[1, 0]];
        assert_eq!(
            message(joined, Joining::Unknown),
            "it joins 2 inputs; only the sum of two can be taken over"
        );
        assert_eq!(message(&[&[], &[0, 0]], Joining::Sum), "it adds '0' to itself");
        let several: &[&[usize]] = &[&[], &[0], &[1, 0], &[1], &[2, 3]];
        assert!(message(several, Joining::Sum).starts_with("its output goes several ways"));
        assert_eq!(message(&[&[2], &[0], &[1]], Joining::Sum), "it takes its own output");
    }

    #[test]
    fn known_joins_say_where_their_inputs_part() {
        let steps = chain(&[&[], &[0], &[1], &[1], &[2, 3, 1]], Joining::Known);
        // A layer with one input is a join as well to whom all are known.
        assert_eq!(steps.unwrap().last(), Some(&Step::Join { node: 4, from: 1 }));
    }
}
