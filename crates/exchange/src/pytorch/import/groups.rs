//! The tensors of a file, put together as the layers that they are of.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::super::tensors::TensorFile;
use super::NameRule;
use crate::ExchangeError;
use crate::words::short;

/// Names that tensors have inside PyTorch's modules, but for recurrent ones with numbers behind.
const LEAVES: [&str; 6] = ["weight", "bias", "running_mean", "running_var", "in_proj_weight", "in_proj_bias"];

/// Tensors whose names begin alike.
#[derive(Debug)]
pub(super) struct Group {
    /// What their names begin with, without a point behind it.
    pub(super) prefix: String,
    pub(super) tensors: Vec<Member>,
}

#[derive(Clone, Debug)]
pub(super) struct Member {
    /// The name behind the prefix.
    pub(super) leaf: String,
    pub(super) shape: Vec<usize>,
    /// The name in the file.
    pub(super) original: String,
}

/// All groups of a file, in the order of their first tensors.
pub(super) fn offered(
    path: &Path,
    file: &TensorFile,
    rules: &[NameRule],
    notes: &mut Vec<String>,
) -> Result<Vec<Group>, ExchangeError> {
    let mut used = vec![false; rules.len()];
    let mut names = HashSet::new();
    let mut counters = 0;
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for tensor in file.tensors() {
        let mut name = without_wrappers(&tensor.name);
        for (rule, used) in rules.iter().zip(&mut used) {
            if let Some(changed) = rule.apply(&name) {
                name = changed;
                *used = true;
            }
        }
        if name.rsplit('.').next() == Some("num_batches_tracked") {
            counters += 1;
            continue;
        }
        if !names.insert(name.clone()) {
            let problem = format!("two tensors of the file would have the name '{}'", short(&name));
            return Err(ExchangeError::Tensor {
                path: path.to_path_buf(),
                name: short(&tensor.name),
                problem,
            });
        }
        let (prefix, leaf) = split(&name);
        let place = *places.entry(prefix.to_owned()).or_insert_with(|| {
            groups.push(Group { prefix: prefix.to_owned(), tensors: Vec::new() });
            groups.len() - 1
        });
        let original = tensor.name.clone();
        groups[place].tensors.push(Member { leaf: leaf.to_owned(), shape: tensor.shape.clone(), original });
    }
    if counters > 0 {
        notes.push(format!(
            "{counters} counters num_batches_tracked were left out, as nothing depends on them"
        ));
    }
    for (rule, _) in rules.iter().zip(used).filter(|(_, used)| !used) {
        notes.push(format!("no name of the file is changed by the rule '{rule}'"));
    }
    Ok(groups)
}

/// The name without the parts that `DataParallel` and `torch.compile` put into it.
fn without_wrappers(name: &str) -> String {
    let parts = name.split('.').enumerate();
    let kept = parts.filter(|(index, part)| *part != "_orig_mod" && !(*index == 0 && *part == "module"));
    kept.map(|(_, part)| part).collect::<Vec<_>>().join(".")
}

/// Before the last point and behind it; a name that is no module's own stands for the tensor of a layer that has one.
fn split(name: &str) -> (&str, &str) {
    let (prefix, leaf) = name.rsplit_once('.').unwrap_or(("", name));
    let recurrent = ["weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l", "h_0_l", "c_0_l"];
    match LEAVES.contains(&leaf) || leaf == "ratio" || recurrent.iter().any(|known| leaf.starts_with(known)) {
        true => (prefix, leaf),
        false => (name, "weight"),
    }
}

/// The groups that a layer of several parts could be, such as a stack of transformer blocks: all tensors whose names begin
/// alike, for each beginning that has the layer's first tensor behind it.
pub(super) fn nested(groups: &[Group], leaves: &[(String, Vec<usize>)]) -> Vec<Group> {
    /// A network has no more stacks, and a file that says so is not searched without end.
    const MOST: usize = 64;
    let Some((first, _)) = leaves.first().filter(|_| leaves.iter().any(|(leaf, _)| leaf.contains('.')))
    else {
        return Vec::new();
    };
    let (first, _) = split(first);
    let outer = |group: &'_ Group| match group.prefix.strip_suffix(first) {
        Some("") => Some(String::new()),
        Some(outer) if first.is_empty() => Some(outer.to_owned()),
        Some(outer) => outer.strip_suffix('.').map(str::to_owned),
        None => None,
    };
    let within = |prefix: &str, outer: &str| match (outer, prefix.strip_prefix(outer)) {
        ("", _) => Some(prefix.to_owned()),
        (_, Some("")) => Some(String::new()),
        (_, Some(inner)) => inner.strip_prefix('.').map(str::to_owned),
        (_, None) => None,
    };
    let named =
        |inner: &str, leaf: &str| if inner.is_empty() { leaf.to_owned() } else { format!("{inner}.{leaf}") };
    // A group with many more tensors than the layer is not that layer, and the file may have any number.
    let most = 2 * leaves.len() + 16;
    let joined = groups.iter().filter_map(outer).take(MOST).filter_map(|outer| {
        let mut tensors = Vec::new();
        for group in groups {
            let Some(inner) = within(&group.prefix, &outer) else { continue };
            let members = group.tensors.iter();
            tensors
                .extend(members.map(|member| Member { leaf: named(&inner, &member.leaf), ..member.clone() }));
            if tensors.len() > most {
                return None;
            }
        }
        Some(Group { prefix: outer, tensors })
    });
    joined.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_are_left_out() {
        assert_eq!(without_wrappers("module._orig_mod.fc.weight"), "fc.weight");
        assert_eq!(without_wrappers("net._orig_mod.module.bias"), "net.module.bias");
        assert_eq!(split("a.b.weight"), ("a.b", "weight"));
        assert_eq!(split("rnn.weight_ih_l0_reverse"), ("rnn", "weight_ih_l0_reverse"));
        assert_eq!(split("encoder.pos"), ("encoder.pos", "weight"));
    }
}
