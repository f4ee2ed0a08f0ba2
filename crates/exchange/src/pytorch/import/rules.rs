//! Rules by which names of a file are changed.

use std::fmt;
use std::str::FromStr;

use crate::ExchangeError;
use crate::words::short;

/// A rule that changes names: `FROM=TO`, where `FROM` is a name or the beginning of one up to a point, and `*` stands for
/// anything without a point, and in `TO` for what it stood for.
///
/// ```
/// use fireclay_exchange::pytorch::NameRule;
///
/// let rule: NameRule = "backbone.block*=residual_*".parse()?;
/// assert_eq!(rule.apply("backbone.block3.weight").as_deref(), Some("residual_3.weight"));
/// assert_eq!(rule.apply("head.weight"), None);
/// let without: NameRule = "encoder=".parse()?;
/// assert_eq!(without.apply("encoder.0.bias").as_deref(), Some("0.bias"));
/// # Ok::<(), fireclay_exchange::ExchangeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRule {
    from: Vec<String>,
    to: String,
}

impl NameRule {
    /// The name as the rule changes it, or `None` if the rule is not about it.
    pub fn apply(&self, name: &str) -> Option<String> {
        let parts: Vec<&str> = name.split('.').collect();
        let beginning = parts.get(..self.from.len())?;
        let mut caught = Vec::new();
        for (pattern, part) in self.from.iter().zip(beginning) {
            match pattern.split_once('*') {
                None if pattern == part => {}
                None => return None,
                Some((before, after)) => {
                    caught.push(part.strip_prefix(before)?.strip_suffix(after)?);
                }
            }
        }
        let mut caught = caught.into_iter();
        let mut to = String::new();
        for (index, piece) in self.to.split('*').enumerate() {
            if index > 0 {
                to.push_str(caught.next().unwrap_or_default());
            }
            to.push_str(piece);
        }
        let rest = &parts[self.from.len()..];
        let new: Vec<&str> =
            Some(to.as_str()).filter(|to| !to.is_empty()).into_iter().chain(rest.iter().copied()).collect();
        Some(new.join("."))
    }
}

impl fmt::Display for NameRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.from.join("."), self.to)
    }
}

impl FromStr for NameRule {
    type Err = ExchangeError;

    /// # Errors
    /// [`ExchangeError::Rule`] without `=`, for two `*` between points, and for more `*` behind than before `=`.
    fn from_str(rule: &str) -> Result<Self, ExchangeError> {
        let wrong = |problem: &str| ExchangeError::Rule { rule: short(rule), problem: problem.to_owned() };
        let (from, to) = rule.split_once('=').ok_or_else(|| wrong("there is no '='"))?;
        let (from, to) = (from.trim().trim_end_matches('.'), to.trim().trim_end_matches('.'));
        let from: Vec<String> = from.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let stars = |part: &str| part.matches('*').count();
        if from.iter().any(|part| stars(part) > 1) {
            return Err(wrong("there is more than one '*' between two points"));
        }
        if stars(to) > from.iter().map(|part| stars(part)).sum() {
            return Err(wrong("there are more '*' behind '=' than before it"));
        }
        Ok(NameRule { from, to: to.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_of_whole_parts() {
        let apply = |rule: &str, name: &str| rule.parse::<NameRule>().unwrap().apply(name);
        assert_eq!(apply("conv=a", "conv1.weight"), None);
        assert_eq!(apply("conv1.=a.", "conv1.weight").as_deref(), Some("a.weight"));
        assert_eq!(apply("*.gamma=*.weight", "bn.gamma").as_deref(), Some("bn.weight"));
        assert_eq!(apply("a.b=c", "a"), None);
        assert_eq!(apply("=net", "0.bias").as_deref(), Some("net.0.bias"));
        for (rule, message) in [("a", "no '='"), ("**=b", "more than one '*'"), ("a=*", "more '*' behind")] {
            let error = rule.parse::<NameRule>().unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
