//! Where a file has the weights of a layer: `.keras` by class and counter, HDF5 of whole models by name.

use std::cell::RefCell;
use std::collections::HashSet;

use fireclay_nn::WeightsMismatch;

use super::super::hdf5::{Hdf5, Place, Problem};

/// A layer whose weights are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Owner {
    /// `layers/conv2d_1`
    pub(super) group: String,
    /// Names of the models that it is in and its own: `["resnet", "conv1"]`.
    pub(super) names: Vec<String>,
}

/// A part of a layer that has weights of its own: the group in `.keras`, and how its name in HDF5 begins.
#[derive(Clone, Copy)]
pub(super) struct Part(pub(super) &'static str, pub(super) &'static str);

impl Part {
    pub(super) const WHOLE: Part = Part("", "");
    pub(super) const CELL: Part = Part("cell/", "");
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `layers/dense_1/vars/0`, below a root that differs by version.
    ByClass,
    /// `dense_1/dense_1/kernel:0`
    ByName,
}

pub(super) struct Weights<'a> {
    root: Place<'a>,
    form: Form,
    used: RefCell<HashSet<String>>,
    mismatch: RefCell<WeightsMismatch>,
}

impl<'a> Weights<'a> {
    /// Those of a `.keras` file.
    pub(super) fn by_class(file: &'a Hdf5) -> Self {
        Self::new(file.root(), Form::ByClass)
    }

    /// Those of a whole model in HDF5.
    pub(super) fn by_name(file: &'a Hdf5) -> Self {
        Self::new(file.root().member("model_weights").unwrap_or(file.root()), Form::ByName)
    }

    fn new(root: Place<'a>, form: Form) -> Self {
        Weights { root, form, used: RefCell::default(), mismatch: RefCell::default() }
    }

    /// The values of a variable: the `index`-th of its part in `.keras`, by one of `names` in HDF5. `None`, and kept for
    /// the error that lists all, where it is missing or of another shape.
    pub(super) fn values(
        &self,
        owner: &Owner,
        part: Part,
        index: usize,
        names: &[&str],
        shape: &[usize],
    ) -> Result<Option<Vec<f32>>, Problem> {
        let found = match self.form {
            Form::ByClass => self.by_group(owner, part, index),
            Form::ByName => self.by_names(owner, part, names),
        };
        let (path, place) = match found {
            Ok(found) => found,
            Err(missing) => {
                self.mismatch.borrow_mut().missing.push((missing, shape.to_vec()));
                return Ok(None);
            }
        };
        self.used.borrow_mut().insert(path.clone());
        match place.shape() {
            Some(found) if found == shape => place.values().map(Some),
            found => {
                let found = found.unwrap_or_default().to_vec();
                self.mismatch.borrow_mut().different.push((path, shape.to_vec(), found));
                Ok(None)
            }
        }
    }

    fn by_group(&self, owner: &Owner, part: Part, index: usize) -> Result<(String, Place<'a>), String> {
        let path = format!("{}/{}vars/{index}", owner.group, part.0);
        // Keras 2 calls the parts of attention `_query_dense` and so on.
        let older = format!("{}/_{}vars/{index}", owner.group, part.0);
        for path in [&path, &older] {
            if let Some(place) = self.root.find(path).filter(|place| place.shape().is_some()) {
                return Ok((path.clone(), place));
            }
        }
        Err(path)
    }

    fn by_names(&self, owner: &Owner, part: Part, names: &[&str]) -> Result<(String, Place<'a>), String> {
        let (top, within) =
            owner.names.split_first().map_or(("", &[][..]), |(top, within)| (top.as_str(), within));
        let expected = || {
            let name = names.first().copied().unwrap_or("");
            [&owner.names.join("/"), part.1, name]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("/")
        };
        let mut found = Vec::new();
        let Some(group) = self.root.members().find(|(name, _)| *name == top) else { return Err(expected()) };
        each_dataset(group.1, &mut vec![group.0], &mut |path, place| {
            let Some((leaf, outer)) = path.split_last() else { return };
            let leaf = leaf.split(':').next().unwrap_or(leaf);
            let is_part = part.1.is_empty() || outer.iter().skip(1).any(|name| name.starts_with(part.1));
            let is_within = within.iter().all(|wanted| outer.iter().any(|name| name == wanted));
            if names.contains(&leaf) && is_part && is_within {
                found.push((path.join("/"), place));
            }
        });
        match found.len() {
            1 => found.pop().ok_or_else(expected),
            _ => Err(expected()),
        }
    }

    /// Says that a layer's weights are not needed.
    pub(super) fn leave(&self, owner: &Owner) {
        let Form::ByClass = self.form else {
            if let [name] = owner.names.as_slice() {
                self.used.borrow_mut().insert(format!("{name}/"));
            }
            return;
        };
        self.used.borrow_mut().insert(format!("{}/", owner.group));
    }

    /// What is missing, of another shape, and left over.
    pub(super) fn mismatch(self) -> WeightsMismatch {
        let mut mismatch = self.mismatch.into_inner();
        let used = self.used.into_inner();
        let whole: Vec<&String> = used.iter().filter(|path| path.ends_with('/')).collect();
        each_dataset(self.root, &mut Vec::new(), &mut |path, place| {
            let shape = place.shape().unwrap_or_default();
            let is_layer = match self.form {
                Form::ByClass => path.first() == Some(&"layers"),
                Form::ByName => path.first() != Some(&"top_level_model_weights"),
            };
            // Dropout keeps the state of its random numbers.
            let is_seed = path.iter().any(|name| name.starts_with("seed_generator"));
            let path = path.join("/");
            if is_layer
                && !is_seed
                && !used.contains(&path)
                && !whole.iter().any(|group| path.starts_with(group.as_str()))
            {
                mismatch.unexpected.push((path, shape.to_vec()));
            }
        });
        mismatch
    }
}

/// Every dataset below a group, with the names on the way.
fn each_dataset<'a>(
    place: Place<'a>,
    path: &mut Vec<&'a str>,
    found: &mut impl FnMut(&[&'a str], Place<'a>),
) {
    if place.shape().is_some() {
        found(path, place);
    }
    for (name, member) in place.members() {
        path.push(name);
        each_dataset(member, path, found);
        path.pop();
    }
}
