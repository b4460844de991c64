//! Which field of an issue a value can be copied into.

use host::client::IssueFieldKind;
use kernel::FieldFault;

use super::fault;
use super::issues::check_choice;
use crate::model::{FieldAudience, FieldType};

/// Whether a field may be copied into one of Jira's; or why not. Whoever reads the issue reads it there.
pub fn check_copy(
    (kind, audience, retired): (FieldType, FieldAudience, bool),
    target: IssueFieldKind,
) -> Result<(), FieldFault> {
    check_choice(kind, audience, retired)?;
    if fits(kind, target) {
        return Ok(());
    }
    let detail = "Values of this field do not fit into that field of Jira's. Choose one of the same type, or a text.";
    Err(fault("/issueFieldId", "type", detail, None))
}

/// Whether values of a type are what a field of Jira's takes.
pub fn fits(kind: FieldType, target: IssueFieldKind) -> bool {
    match target {
        IssueFieldKind::Line | IssueFieldKind::Paragraph => true,
        IssueFieldKind::Url => kind == FieldType::Url,
        IssueFieldKind::Number => kind == FieldType::Number,
        IssueFieldKind::Date => kind == FieldType::Date,
        IssueFieldKind::DateTime => kind == FieldType::DateTime,
        IssueFieldKind::Select => matches!(kind, FieldType::Text | FieldType::Select | FieldType::Boolean),
        IssueFieldKind::MultiSelect | IssueFieldKind::Labels => {
            matches!(kind, FieldType::Text | FieldType::Select | FieldType::MultiSelect)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_fit() {
        #[track_caller]
        fn check(kind: FieldType, audience: FieldAudience, target: IssueFieldKind, expected: Result<(), &str>) {
            assert_eq!(check_copy((kind, audience, false), target).map_err(|wrong| wrong.code), expected);
        }
        let (agents, seen) = (FieldAudience::Agents, FieldAudience::CustomerView);
        check(FieldType::Select, seen, IssueFieldKind::Select, Ok(()));
        check(FieldType::Select, agents, IssueFieldKind::Select, Err("audience"));
        check(FieldType::Number, seen, IssueFieldKind::Line, Ok(()));
        check(FieldType::Text, seen, IssueFieldKind::Number, Err("type"));
        check(FieldType::Date, seen, IssueFieldKind::DateTime, Err("type"));
        check(FieldType::MultiSelect, seen, IssueFieldKind::Labels, Ok(()));
        check(FieldType::LongText, seen, IssueFieldKind::Paragraph, Err("type"));
    }
}
