//! What decided an answer, in the parts that people see: for the command `explain` and for the mistakes on a run's page.

mod method;
mod question;
mod subject;

pub use method::{Baseline, Method};
pub use question::{Asked, Question};
pub use subject::{Found, Subject, Way};
