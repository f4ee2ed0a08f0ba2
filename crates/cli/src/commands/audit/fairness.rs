//! What a model does to groups.

use std::collections::HashMap;

use fireclay::audit::{Answers, Fairness, Group, Rate};
use fireclay::report::{Disparity, FairnessAudit, GroupMeasures};

use super::{Outcome, Subject};
use crate::commands::evaluate::measured;
use crate::error::CommandError;
use crate::exit::UsageError;
use crate::groups::groups;
use crate::output::Output;
use crate::program::{Part, Program};

/// More groups than this are no groups.
const MOST_NAMED: usize = 200;

impl<P: Program> Subject<'_, P> {
    pub(super) fn fairness(&self) -> anyhow::Result<Outcome<FairnessAudit>> {
        let Some(column) = &self.flags.group else {
            return Ok(Outcome::LeftOut("groups are a column of a table, which --group names".into()));
        };
        let classes = self.test.class_names();
        let positive = match &self.flags.positive {
            None => classes.len().saturating_sub(1),
            Some(name) => classes.iter().position(|class| class == name).ok_or_else(|| {
                let known = classes.to_vec();
                UsageError::of(CommandError::NoSuchClass { found: name.clone(), known })
            })?,
        };
        let Some(cells) = P::cells(&self.source, column, &self.card, self.output)? else {
            let path = self.flags.from.clone();
            return Err(UsageError::of(CommandError::GroupsOfTables { path }));
        };
        let named = groups(&cells);
        if named.len() > MOST_NAMED {
            let (column, groups) = (column.clone(), named.len());
            return Err(UsageError::of(CommandError::TooManyGroups { column, groups, limit: MOST_NAMED }));
        }
        let of_row: HashMap<usize, &String> =
            named.iter().flat_map(|(name, rows)| rows.iter().map(move |row| (*row, name))).collect();
        // All rows, as the cells are; then those that are measured.
        let all = P::load_part(&self.source, Part::Test, crate::limit::Limit::NONE, &self.card, self.output)?;
        let rows = measured(&all, &self.card, &Output::silent())?;
        let (names, rows): (Vec<String>, Vec<usize>) =
            rows.iter().filter_map(|row| Some(((*of_row.get(row)?).clone(), *row))).unzip();
        let answers =
            Answers::of(&self.trainer.predictions(&all.subset(&rows)?)?)?.with_threshold(self.card.threshold);
        let found =
            Fairness::new(&answers, &names, positive as u32, self.flags.seed).map_err(UsageError::of)?;
        Ok(Outcome::Measured(FairnessAudit {
            column: column.clone(),
            positive: classes.get(positive).cloned(),
            groups: found.groups.iter().map(measures).collect(),
            differences: vec![
                disparity(
                    "accuracy difference",
                    "the greatest difference of right answers between two groups",
                    found.accuracy,
                ),
                disparity(
                    "demographic parity difference",
                    "the greatest difference between two groups in how often the class is predicted",
                    found.demographic_parity,
                ),
                disparity(
                    "equalized odds difference",
                    "the greatest difference between two groups in true positives or in false positives, whichever is more",
                    found.equalized_odds,
                ),
            ],
        }))
    }
}

fn measures(group: &Group) -> GroupMeasures {
    let rates: [(&str, Rate); 4] = [
        ("accuracy", group.accuracy),
        ("predicted", group.positive),
        ("true positives", group.true_positive),
        ("false positives", group.false_positive),
    ];
    GroupMeasures {
        name: group.name.clone(),
        samples: group.accuracy.whole,
        measures: rates.map(|(name, rate)| (name.to_owned(), rate.value(), rate.interval())).to_vec(),
    }
}

fn disparity(name: &str, meaning: &str, found: fireclay::audit::Disparity) -> Disparity {
    Disparity { name: name.into(), meaning: meaning.into(), value: found.value, interval: found.interval }
}
