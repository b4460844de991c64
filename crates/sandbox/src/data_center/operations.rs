//! What a Data Center serves, by its version.
//!
//! `operations.tsv` has a line for each operation: method, path, who answers, version, scope. `own` is answered in this
//! room, `turned` by the site's handlers, `experimental` too, but only who opts in. The version is the first that has it; with a
//! minus, the first that has it no more. Without a scope, reading needs READ and everything else WRITE. What has no line is not there.

use super::config::Version;

const TABLE: &str = include_str!("operations.tsv");

/// Words of Cloud's paths that stand where a key could.
const CLOUDS: [&str; 2] = ["bulkfetch", "search"];

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Own,
    Turned,
    Experimental,
}

/// What a token for a client must be good for. The later ones have the former in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    None,
    Read,
    Write,
    Admin,
}

impl Scope {
    /// By its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "NONE" => Self::None,
            "READ" => Self::Read,
            "WRITE" => Self::Write,
            "ADMIN" | "SYSTEM_ADMIN" => Self::Admin,
            _ => return None,
        })
    }
}

/// An operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    /// Its path, with names in braces.
    pub(super) pattern: &'static str,
    pub(super) kind: Kind,
    pub(super) scope: Scope,
}

fn read(line: &'static str) -> Option<(&'static str, Operation, &'static str)> {
    let mut cells = line.split('\t');
    let (method, pattern, kind, version) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let kind = match kind {
        "own" => Kind::Own,
        "experimental" => Kind::Experimental,
        _ => Kind::Turned,
    };
    let usual = if method == "GET" { Scope::Read } else { Scope::Write };
    let scope = cells.next().and_then(Scope::named).unwrap_or(usual);
    Some((method, Operation { pattern, kind, scope }, version))
}

fn in_version(said: &str, version: Version) -> bool {
    match said {
        "-" => true,
        said => match said.strip_prefix('-') {
            Some(until) => until.parse().is_ok_and(|major: u16| version.major < major),
            None => said.parse().is_ok_and(|since: Version| version >= since),
        },
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let mut given = path.split('/');
    let same = |part: &str, given: &str| match part.starts_with('{') {
        true => !given.is_empty() && !CLOUDS.contains(&given),
        false => given == part,
    };
    pattern.split('/').all(|part| given.next().is_some_and(|given| same(part, given))) && given.next().is_none()
}

/// The operation of a request: none if there is none, an error if there is one for other methods only.
pub(super) fn find(version: Version, method: &str, path: &str) -> Result<Operation, bool> {
    let path = path.trim_end_matches('/');
    let mut known = false;
    for (verb, operation, said) in TABLE.lines().filter_map(read) {
        if in_version(said, version) && fits(operation.pattern, path) {
            if verb == method || (verb == "GET" && method == "HEAD") {
                return Ok(operation);
            }
            known = true;
        }
    }
    Err(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_what_it_has() {
        let check = |version: &str, method: &str, path: &str, expected: Result<&str, bool>| {
            let found = version.parse().map(|version| find(version, method, path).map(|operation| operation.pattern));
            assert_eq!(found, Ok(expected), "{version} {method} {path}");
        };
        let (old, new) = ("/rest/webhooks/1.0/webhook", "/rest/jira-webhook/1.0/webhooks");
        check("9.12", "POST", old, Ok(old));
        check("9.12", "POST", new, Err(false));
        check("10.3", "POST", old, Err(false));
        check("10.3", "POST", new, Ok(new));
        check("8.13", "POST", "/rest/pat/latest/tokens", Err(false));
        check("8.14.1", "POST", "/rest/pat/latest/tokens", Ok("/rest/pat/latest/tokens"));
        check("8.20", "GET", "/rest/oauth2/latest/authorize", Err(false));
        check("10.3", "GET", "/rest/api/2/issue/A-1", Ok("/rest/api/2/issue/{issueIdOrKey}"));
        check("10.3", "GET", "/rest/api/2/issue/", Err(true));
        check("10.3", "PATCH", "/rest/api/2/issue/A-1", Err(true));
        for gone in [
            "/rest/api/3/issue/A-1",
            "/rest/api/2/search/jql",
            "/rest/api/2/permissions/check",
            "/rest/api/2/user/bulk",
            "/rest/api/2/issue/A-1/changelog",
            "/rest/api/2/project/search",
            "/rest/atlassian-connect/1/addons/x",
        ] {
            check("10.3", "GET", gone, Err(false));
        }
        check("10.3", "POST", "/rest/api/2/issue/bulkfetch", Err(false));
    }

    #[test]
    fn versions_read_as_they_are_written() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(text.parse::<Version>().ok().map(|v| v.to_string()).as_deref(), expected, "{text}");
        };
        check("10.3", Some("10.3.0"));
        check("9.12.4", Some("9.12.4"));
        check("10", None);
        check("10.3.1.1", None);
        check("ten", None);
    }
}
