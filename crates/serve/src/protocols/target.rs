//! Which version of which model a path names.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use crate::refusal::Refusal;
use crate::registry::{Selector, Served};
use crate::state::Shared;

/// The parts of a path that name a model: `name`, and perhaps a `version` or a `label`.
pub(crate) struct ModelPath {
    name: String,
    version: Option<String>,
    label: Option<String>,
}

impl ModelPath {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What it asks for; `None` if it names a model alone.
    pub(crate) fn selector(&self) -> Option<Selector<'_>> {
        let version = self.version.as_deref().map(Selector::Version);
        version.or_else(|| self.label.as_deref().map(Selector::Label))
    }

    /// The last part, behind which TensorFlow Serving has a verb.
    pub(crate) fn last(&mut self) -> &mut String {
        self.version.as_mut().or(self.label.as_mut()).unwrap_or(&mut self.name)
    }

    /// The version that is to answer.
    pub(crate) fn find(&self, shared: &Shared) -> Result<Arc<Served>, Refusal> {
        shared.registry.find(&self.name, self.selector().unwrap_or(Selector::Any))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ModelPath {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let names = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let wrong = |_: PathRejection| Refusal::bad("the path is not UTF-8");
        let Path(mut names) = names.map_err(wrong)?;
        Ok(ModelPath {
            name: names.remove("name").unwrap_or_default(),
            version: names.remove("version"),
            label: names.remove("label"),
        })
    }
}

/// The version that is to answer a request.
pub(crate) struct Target(pub(crate) Arc<Served>);

impl FromRequestParts<Arc<Shared>> for Target {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Refusal> {
        ModelPath::from_request_parts(parts, shared).await?.find(shared).map(Target)
    }
}
