//! Which tensors of a file are which of a network.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use fireclay_nn::{NnError, WeightsMismatch};

use super::super::natural;
use super::OwnLayer;
use super::groups::{Group, nested};
use crate::ExchangeError;
use crate::words::short;

/// Where each tensor of a network comes from.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    pub(super) found: Vec<Found>,
    pub(super) copies: Vec<Copy>,
    /// Which layers nothing but their order in the file tells apart, in words.
    told_by_order: Vec<String>,
}

/// A tensor of the network in the file.
#[derive(Debug)]
pub(super) struct Found {
    /// The network's name.
    pub(super) name: String,
    /// The file's name.
    pub(super) original: String,
    layer: String,
    prefix: String,
}

/// A weight that the file has twice, since a layer shares it.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) layer: String,
    pub(super) embedding: String,
    pub(super) original: String,
}

impl Assignment {
    /// What the file calls the layers that have other names there.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        for Found { layer, prefix, .. } in self.found.iter().filter(|found| found.layer != found.prefix) {
            let whose =
                if prefix.is_empty() { "the file itself".into() } else { format!("'{}'", short(prefix)) };
            let note = format!("{layer} has the weights of {whose}");
            if notes.last() != Some(&note) {
                notes.push(note);
            }
        }
        notes.extend(self.told_by_order.iter().cloned());
        notes
    }

    fn add(&mut self, layer: &OwnLayer, group: &Group) {
        for member in &group.tensors {
            match layer.tensors.iter().any(|(leaf, _)| *leaf == member.leaf) {
                true => self.found.push(Found {
                    name: format!("{}.{}", layer.name, member.leaf),
                    original: member.original.clone(),
                    layer: layer.name.clone(),
                    prefix: group.prefix.clone(),
                }),
                false => self.copies.extend(layer.tied.as_ref().map(|(embedding, _)| Copy {
                    layer: layer.name.clone(),
                    embedding: embedding.clone(),
                    original: member.original.clone(),
                })),
            }
        }
    }
}

/// The names and shapes of tensors in an order of their own.
type Signature = Vec<(String, Vec<usize>)>;

fn signature(group: &Group) -> Signature {
    let mut signature: Signature =
        group.tensors.iter().map(|member| (member.leaf.clone(), member.shape.clone())).collect();
    signature.sort();
    signature
}

impl OwnLayer {
    /// What its tensors may look like in a file: with a copy of a shared weight, or without.
    fn signatures(&self) -> Vec<Signature> {
        let mut own = self.tensors.clone();
        own.sort();
        let mut signatures = vec![own.clone()];
        if let Some((_, weight)) = &self.tied {
            own.push(("weight".into(), weight.clone()));
            own.sort();
            signatures.push(own);
        }
        signatures
    }
}

/// Finds a place for every tensor on both sides.
///
/// # Errors
/// If one has none, or several are alike and `in_order`, that is whether the file has its tensors in the order of the
/// network, does not help either.
pub(super) fn assign(
    path: &Path,
    layers: &[OwnLayer],
    offered: &[Group],
    in_order: bool,
) -> Result<Assignment, ExchangeError> {
    let mut state = State { assignment: Assignment::default(), taken: HashSet::new() };
    let (with, without): (Vec<&OwnLayer>, Vec<&OwnLayer>) =
        layers.iter().partition(|layer| !layer.tensors.is_empty());
    let by_name: HashMap<&str, &Group> = offered.iter().map(|group| (group.prefix.as_str(), group)).collect();
    let stacks: Vec<Vec<Group>> = with.iter().map(|layer| nested(offered, &layer.tensors)).collect();
    let mut left = Vec::new();
    for (layer, stacks) in with.iter().zip(&stacks) {
        let same_name = stacks.iter().find(|group| group.prefix == layer.name);
        let same_name = same_name.or_else(|| by_name.get(layer.name.as_str()).copied());
        match same_name.filter(|group| layer.signatures().contains(&signature(group))) {
            Some(group) => state.take(layer, group),
            None => left.push((*layer, stacks)),
        }
    }
    for class in classes(&left, offered, &state) {
        state.take_class(path, class, in_order)?;
    }
    // A shared weight without a bias: whatever is left of its shape is a copy.
    for layer in without {
        let copy = offered
            .iter()
            .find(|group| state.is_free(group) && layer.signatures()[1..].contains(&signature(group)));
        if let Some(copy) = copy {
            state.take(layer, copy);
        }
    }
    let mismatch = mismatch(&with, offered, &state);
    if !mismatch.is_empty() {
        let source = NnError::Weights(Box::new(mismatch));
        return Err(ExchangeError::Model { path: path.to_path_buf(), source });
    }
    // In the order of the network.
    let places: HashMap<String, usize> = layers
        .iter()
        .flat_map(|layer| layer.tensors.iter().map(move |(leaf, _)| format!("{}.{leaf}", layer.name)))
        .enumerate()
        .map(|(place, name)| (name, place))
        .collect();
    state.assignment.found.sort_by_key(|found| places.get(&found.name).copied());
    Ok(state.assignment)
}

/// Layers that are alike, and what would fit any of them.
struct Class<'a> {
    layers: Vec<&'a OwnLayer>,
    groups: Vec<&'a Group>,
    /// Whether their order among all that is left is the same on both sides.
    same_order: bool,
}

fn classes<'a>(
    left: &[(&'a OwnLayer, &'a Vec<Group>)],
    offered: &'a [Group],
    state: &State,
) -> Vec<Class<'a>> {
    let mut by_signature: HashMap<Signature, Vec<&Group>> = HashMap::new();
    for group in offered.iter().filter(|group| state.is_free(group)) {
        by_signature.entry(signature(group)).or_default().push(group);
    }
    let mut classes: BTreeMap<Signature, Class<'a>> = BTreeMap::new();
    let mut order_of_layers = Vec::new();
    let mut order_of_groups: Vec<(usize, Signature)> = Vec::new();
    let first = |group: &'a Group| group.tensors.first().map(|member| member.original.as_str());
    let places: HashMap<Option<&str>, usize> =
        offered.iter().enumerate().map(|(place, group)| (first(group), place)).collect();
    for (layer, stacks) in left {
        let signatures = layer.signatures();
        order_of_layers.push(signatures[0].clone());
        let new = || {
            let stacks =
                stacks.iter().filter(|group| state.is_free(group) && signatures.contains(&signature(group)));
            let flat =
                signatures.iter().filter_map(|signature| by_signature.get(signature)).flatten().copied();
            // A layer of one part is found both ways.
            let mut prefixes = HashSet::new();
            let groups = flat.chain(stacks).filter(|group| prefixes.insert(group.prefix.as_str())).collect();
            Class { layers: Vec::new(), groups, same_order: false }
        };
        classes.entry(signatures[0].clone()).or_insert_with(new).layers.push(layer);
    }
    let place = |group: &&'a Group| places.get(&first(group)).copied().unwrap_or(usize::MAX);
    for (signature, class) in &classes {
        order_of_groups.extend(class.groups.iter().map(|group| (place(group), signature.clone())));
    }
    order_of_groups.sort();
    let same_order = order_of_groups.iter().map(|(_, signature)| signature).eq(order_of_layers.iter());
    classes.into_values().map(|class| Class { same_order, ..class }).collect()
}

struct State {
    assignment: Assignment,
    /// Names in the file.
    taken: HashSet<String>,
}

impl State {
    fn is_free(&self, group: &Group) -> bool {
        !group.tensors.iter().any(|member| self.taken.contains(&member.original))
    }

    fn take(&mut self, layer: &OwnLayer, group: &Group) {
        self.assignment.add(layer, group);
        self.taken.extend(group.tensors.iter().map(|member| member.original.clone()));
    }

    fn take_class(&mut self, path: &Path, class: Class<'_>, in_order: bool) -> Result<(), ExchangeError> {
        let Class { layers, mut groups, same_order } = class;
        groups.retain(|group| self.is_free(group));
        if layers.len() == groups.len() && layers.len() > 1 {
            self.order(path, &layers, &mut groups, in_order && same_order)?;
        }
        for (layer, group) in layers.iter().zip(groups) {
            // Groups of several parts may overlap.
            if self.is_free(group) {
                self.take(layer, group);
            }
        }
        Ok(())
    }
}

impl State {
    /// Brings groups that are alike into the order of the layers: that of the numbers in their names, or, where names have other
    /// differences, that of the file.
    fn order(
        &mut self,
        path: &Path,
        layers: &[&OwnLayer],
        groups: &mut [&Group],
        file_is_in_order: bool,
    ) -> Result<(), ExchangeError> {
        let template = |group: &&Group| natural::template(&group.prefix);
        let by_number = |a: &&Group, b: &&Group| natural::compare(&a.prefix, &b.prefix);
        let numbered = groups.iter().all(|group| template(group) == template(&groups[0]));
        match (numbered, file_is_in_order) {
            (true, false) => groups.sort_by(by_number),
            // Both say the same.
            (true, true) if groups.is_sorted_by(|a, b| by_number(a, b).is_le()) => {}
            (false, true) => {
                let names: Vec<String> =
                    groups.iter().take(10).map(|group| format!("'{}'", short(&group.prefix))).collect();
                let names = names.join(", ");
                let note = format!("{names} are alike, and were told apart by their order in the file only");
                self.assignment.told_by_order.push(note);
            }
            _ => return Err(ambiguous(path, layers, groups)),
        }
        Ok(())
    }
}

fn ambiguous(path: &Path, layers: &[&OwnLayer], groups: &[&Group]) -> ExchangeError {
    let shapes = |tensors: Vec<(&String, &Vec<usize>)>| {
        let listed: Vec<String> = tensors.iter().map(|(leaf, shape)| format!("{leaf} {shape:?}")).collect();
        listed.join(", ")
    };
    let own = |layer: &&OwnLayer| shapes(layer.tensors.iter().map(|(leaf, shape)| (leaf, shape)).collect());
    let theirs =
        |group: &&Group| shapes(group.tensors.iter().map(|member| (&member.leaf, &member.shape)).collect());
    ExchangeError::AmbiguousWeights {
        path: path.to_path_buf(),
        layers: layers.iter().map(|layer| (layer.name.clone(), own(layer))).collect(),
        offered: groups.iter().map(|group| (short(&group.prefix), theirs(group))).collect(),
    }
}

/// All that has no place, where the other side has something alike with its shape.
fn mismatch(layers: &[&OwnLayer], offered: &[Group], state: &State) -> WeightsMismatch {
    let mut mismatch = WeightsMismatch::default();
    let found: HashSet<&str> = state.assignment.found.iter().map(|found| found.name.as_str()).collect();
    let mut left: Vec<&Group> = offered.iter().filter(|group| state.is_free(group)).collect();
    for layer in layers {
        let name = |leaf: &str| format!("{}.{leaf}", layer.name);
        if layer.tensors.iter().all(|(leaf, _)| found.contains(name(leaf).as_str())) {
            continue;
        }
        // By name, else the next with the same parts.
        let alike = |group: &&Group| {
            let members = group.tensors.iter();
            let mut parts: Vec<(&str, usize)> =
                members.map(|member| (member.leaf.as_str(), member.shape.len())).collect();
            let own = layer.tensors.iter();
            let mut own: Vec<(&str, usize)> = own.map(|(leaf, shape)| (leaf.as_str(), shape.len())).collect();
            parts.sort();
            own.sort();
            parts == own
        };
        let place = left.iter().position(|group| group.prefix == layer.name);
        let place = place.or_else(|| left.iter().position(alike));
        let Some(place) = place else {
            mismatch.missing.extend(layer.tensors.iter().map(|(leaf, shape)| (name(leaf), shape.clone())));
            continue;
        };
        let group = left.remove(place);
        for (leaf, shape) in &layer.tensors {
            match group.tensors.iter().find(|member| member.leaf == *leaf) {
                Some(member) if member.shape == *shape => {}
                Some(member) => {
                    let name = match member.original == name(leaf) {
                        true => name(leaf),
                        false => format!("{} ('{}' in the file)", name(leaf), short(&member.original)),
                    };
                    mismatch.different.push((name, shape.clone(), member.shape.clone()));
                }
                None => mismatch.missing.push((name(leaf), shape.clone())),
            }
        }
        for member in &group.tensors {
            if !layer.tensors.iter().any(|(leaf, _)| *leaf == member.leaf) {
                mismatch.unexpected.push((member.original.clone(), member.shape.clone()));
            }
        }
    }
    for group in left {
        for member in &group.tensors {
            mismatch.unexpected.push((member.original.clone(), member.shape.clone()));
        }
    }
    mismatch
}
