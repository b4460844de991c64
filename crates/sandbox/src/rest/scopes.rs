//! Which scopes an app's token needs for an operation.
//!
//! `operations.tsv` has a line for each operation served: method, path, classic scopes, granular
//! scopes, Connect's scope. All scopes of one of the first two columns are needed; `-` means that the column does not exist
//! for the operation, an empty column that no scope is needed. Connect's scopes are written in capitals, so that neither kind
//! of app passes for the other. An operation without a line is closed
//! to apps.

use std::{collections::HashMap, sync::LazyLock};

const TABLE: &str = include_str!("operations.tsv");

struct Needs {
    classic: Option<Vec<&'static str>>,
    granular: Option<Vec<&'static str>>,
    connect: Option<Vec<&'static str>>,
}

static NEEDS: LazyLock<HashMap<(&'static str, &'static str), Needs>> = LazyLock::new(|| {
    TABLE
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('\t');
            let (method, path) = (cells.next()?, cells.next()?);
            let column = |cell: Option<&'static str>| match cell? {
                "-" => None,
                cell => Some(cell.split(' ').filter(|s| !s.is_empty()).collect::<Vec<_>>()),
            };
            let needs =
                Needs { classic: column(cells.next()), granular: column(cells.next()), connect: column(cells.next()) };
            Some(((method, path), needs))
        })
        .collect()
});

/// Whether these scopes are enough.
pub(super) fn allow(method: &str, path: &str, granted: &[String]) -> bool {
    let Some(needs) = NEEDS.get(&(method, path)) else { return false };
    let has = |scopes: &Option<Vec<&str>>| {
        scopes.as_ref().is_some_and(|s| s.iter().all(|scope| granted.iter().any(|g| g == scope)))
    };
    has(&needs.classic) || has(&needs.granular) || has(&needs.connect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_scopes_of_one_kind_are_needed() {
        let check = |method: &str, path: &str, granted: &[&str], expected: bool| {
            let granted: Vec<String> = granted.iter().map(|s| (*s).to_owned()).collect();
            assert_eq!(allow(method, path, &granted), expected, "{method} {path} {granted:?}");
        };
        let comment = "/rest/api/3/issue/{issueIdOrKey}/comment";
        check("POST", comment, &["write:jira-work"], true);
        check("POST", comment, &["read:jira-work"], false);
        check("POST", comment, &["write:comment:jira"], false);
        check("GET", "/rest/api/3/webhook", &["manage:jira-webhook"], false);
        check("GET", "/rest/api/3/webhook", &["manage:jira-webhook", "read:jira-work"], true);
        check("POST", comment, &["READ", "WRITE"], true);
        check("POST", comment, &["READ"], false);
        check("POST", "/rest/servicedeskapi/customer", &["read:servicedesk-request"], false);
        check("POST", "/rest/webhooks/1.0/webhook", &["manage:jira-webhook"], false);
    }
}
