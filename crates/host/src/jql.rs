//! Queries in Jira's language, for the few questions that Steward asks. Every value is quoted.

use kernel::{AccountId, IssueId, OrganizationId, ProjectId};
use url::Url;

/// Whose requests.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// Those that a customer raised.
    Customer(&'a AccountId),
    /// Those shared with an organization.
    Organization(&'a OrganizationId),
}

/// The same, as a query names them: a customer by id on Cloud, by name on Data Center.
#[derive(Clone, Copy)]
pub(crate) enum Reporter<'a> {
    /// Those that a customer raised.
    Customer(&'a str),
    /// Those shared with an organization.
    Organization(&'a OrganizationId),
}

/// In which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not done.
    Open,
    /// Done.
    Closed,
}

/// Quotes a value: backslash and quote are escaped, control characters left out.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// Requests of somebody, in these service projects, of which there must be one at least.
pub(crate) fn requests(whose: Reporter<'_>, progress: Progress, projects: &[ProjectId]) -> String {
    let whose = match whose {
        Reporter::Customer(name) => format!("reporter = {}", quoted(name)),
        Reporter::Organization(organization) => format!("organizations = {}", organization.as_str()),
    };
    let state = match progress {
        Progress::Open => "!=",
        Progress::Closed => "=",
    };
    format!("project in ({}) AND {whose} AND statusCategory {state} Done", listed(projects))
}

/// All that somebody reported in these service projects, of which there must be one at least.
pub(crate) fn reported_by(name: &str, projects: &[ProjectId]) -> String {
    format!("project in ({}) AND reporter = {}", listed(projects), quoted(name))
}

/// What somebody reported in a service project, newest first.
pub(crate) fn newest_of(name: &str, project: &ProjectId) -> String {
    format!("project = {} AND reporter = {} ORDER BY created DESC", project.as_str(), quoted(name))
}

/// What somebody reported or takes part in, newest change first, in these service projects, of which there must be one at least.
pub(crate) fn own_requests(name: &str, projects: &[ProjectId]) -> String {
    let (name, projects) = (quoted(name), listed(projects));
    format!(
        "project in ({projects}) AND (reporter = {name} OR \"Request participants\" = {name}) ORDER BY updated DESC"
    )
}

fn listed(projects: &[ProjectId]) -> String {
    projects.iter().map(ProjectId::as_str).collect::<Vec<_>>().join(", ")
}

/// Issues of service projects, newest first, of which there must be one at least. Data Center and Cloud know it alike.
pub fn newest(projects: &[ProjectId]) -> String {
    format!("project in ({}) ORDER BY created DESC", listed(projects))
}

/// The same, of which something changed within so many minutes.
pub fn changed(projects: &[ProjectId], minutes: u32) -> String {
    format!("project in ({}) AND updated >= \"-{minutes}m\" ORDER BY updated DESC", listed(projects))
}

/// Issues by id.
pub fn issues(ids: &[IssueId]) -> String {
    let ids: Vec<&str> = ids.iter().map(IssueId::as_str).collect();
    format!("id in ({})", ids.join(", "))
}

/// Where people see what a query finds.
pub fn navigator(site: &Url, jql: &str) -> Option<Url> {
    let mut url = site.join("issues/").ok()?;
    url.query_pairs_mut().append_pair("jql", &format!("{jql} ORDER BY created DESC"));
    Some(url)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn queries() {
        let projects = [ProjectId::new("10000").unwrap(), ProjectId::new("10001").unwrap()];
        let account = AccountId::new("qm:6f5a:12").unwrap();
        assert_eq!(
            requests(Reporter::Customer(account.as_str()), Progress::Open, &projects),
            "project in (10000, 10001) AND reporter = \"qm:6f5a:12\" AND statusCategory != Done"
        );
        let organization = OrganizationId::new("7").unwrap();
        assert_eq!(
            requests(Reporter::Organization(&organization), Progress::Closed, &projects[..1]),
            "project in (10000) AND organizations = 7 AND statusCategory = Done"
        );
        assert_eq!(
            own_requests("a\"b", &projects),
            "project in (10000, 10001) AND (reporter = \"a\\\"b\" OR \"Request participants\" = \"a\\\"b\") ORDER BY updated DESC"
        );
        assert_eq!(newest_of("x", &projects[0]), "project = 10000 AND reporter = \"x\" ORDER BY created DESC");
        assert_eq!(newest(&projects), "project in (10000, 10001) ORDER BY created DESC");
        assert_eq!(changed(&projects[..1], 150), "project in (10000) AND updated >= \"-150m\" ORDER BY updated DESC");
        assert_eq!(reported_by("x", &projects), "project in (10000, 10001) AND reporter = \"x\"");
        assert_eq!(issues(&[IssueId::new("1").unwrap(), IssueId::new("20").unwrap()]), "id in (1, 20)");
        assert_eq!(quoted("a\" OR \"b\\\n"), "\"a\\\" OR \\\"b\\\\\"");
        let site = Url::parse("https://acme.atlassian.net").unwrap();
        assert_eq!(
            navigator(&site, "a = \"b&c\"").unwrap().as_str(),
            "https://acme.atlassian.net/issues/?jql=a+%3D+%22b%26c%22+ORDER+BY+created+DESC"
        );
    }

    proptest::proptest! {
        #[test]
        fn a_quoted_value_ends_where_it_should(text: String) {
            let quoted = quoted(&text);
            let inner = quoted.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
            let mut escaped = false;
            for c in inner.chars() {
                proptest::prop_assert!(escaped || c != '"');
                escaped = !escaped && c == '\\';
            }
            proptest::prop_assert!(!escaped);
        }
    }
}
