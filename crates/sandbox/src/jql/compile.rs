//! A parsed query, checked against the site and the caller, as a test that runs on index entries.
//!
//! Every fault is collected, so that a query with two wrong names is told both.

use std::collections::HashSet;

use jiff::{Timestamp, Zoned};

use super::{
    ast::{Expr, Operand, Operator},
    dates,
    fields::{Field, Kind},
    words,
};
use crate::{
    access::Access,
    state::{
        IndexEntry, Store,
        model::{AccountId, ProjectKind},
    },
};

/// What a query is checked and run with.
pub(super) struct Context<'a> {
    pub(super) store: &'a Store,
    pub(super) access: Access<'a>,
    pub(super) me: Option<AccountId>,
    /// Now, in the caller's time zone.
    pub(super) now: Zoned,
    /// Whether what is not there is left out, and no mistake.
    pub(super) lenient: bool,
}

/// A checked query.
pub(super) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Values { field: Field, wanted: HashSet<String>, empty: bool, negative: bool },
    Empty { field: Field },
    Order { field: Field, operator: Operator, place: usize },
    Instant { field: Field, operator: Operator, at: Timestamp },
    Number { field: Field, operator: Operator, than: f64 },
    Words { field: Field, pattern: words::Pattern, negative: bool },
    Was { field: &'static str, wanted: HashSet<String>, negative: bool },
}

/// Compiles; faults are added to `faults`.
pub(super) fn compile(expr: &Expr, context: &Context<'_>, faults: &mut Vec<String>) -> Test {
    match expr {
        Expr::And(parts) => Test::All(parts.iter().map(|p| compile(p, context, faults)).collect()),
        Expr::Or(parts) => Test::Any(parts.iter().map(|p| compile(p, context, faults)).collect()),
        Expr::Not(inner) => Test::Not(Box::new(compile(inner, context, faults))),
        Expr::Clause { field, operator, operands } => {
            let Some(found) = Field::find(field, context.store) else {
                faults.push(format!("Field '{field}' does not exist or you do not have permission to view it."));
                return Test::Any(Vec::new());
            };
            match clause(found, field, *operator, operands, context) {
                Ok(test) => test,
                Err(mut more) => {
                    faults.append(&mut more);
                    Test::Any(Vec::new())
                }
            }
        }
    }
}

fn unsupported(name: &str, operator: Operator) -> Vec<String> {
    vec![format!("The operator '{}' is not supported by the '{name}' field.", operator.words())]
}

fn clause(
    field: Field,
    name: &str,
    operator: Operator,
    operands: &[Operand],
    context: &Context<'_>,
) -> Result<Test, Vec<String>> {
    use Operator::{
        Equals, Greater, GreaterOrEqual, In, Is, IsNot, Less, LessOrEqual, Like, NotEquals, NotIn, NotLike, Was, WasNot,
    };
    let kind = field.kind();
    match operator {
        Was | WasNot => {
            let past = match field {
                Field::Status => "status",
                Field::Assignee => "assignee",
                _ => {
                    return Err(vec![format!("History searches do not support the '{name}' field.")]);
                }
            };
            let (wanted, _) = resolve(&field, name, operands, context)?;
            Ok(Test::Was { field: past, wanted, negative: operator.negative() })
        }
        Is | IsNot => match kind {
            Kind::Words if matches!(field, Field::Text) => Err(unsupported(name, operator)),
            _ => Ok(empty_test(field, operator.negative())),
        },
        Like | NotLike => match kind {
            Kind::Words => {
                let Some(Operand::Text(text)) = operands.first() else {
                    return Err(vec![format!(
                        "The '{name}' field needs a text to look for with the operator '{}'.",
                        operator.words()
                    )]);
                };
                let pattern = words::Pattern::read(text).map_err(|e| vec![e])?;
                Ok(Test::Words { field, pattern, negative: operator.negative() })
            }
            _ => Err(unsupported(name, operator)),
        },
        Less | LessOrEqual | Greater | GreaterOrEqual => compared(field, name, kind, operator, operands, context),
        Equals | NotEquals | In | NotIn => match kind {
            Kind::Words => Err(unsupported(name, operator)),
            Kind::Instants if matches!(operator, Equals | NotEquals) => {
                if operands == [Operand::Empty] {
                    return Ok(empty_test(field, operator.negative()));
                }
                let at = instant(name, operands, context)?;
                let test = Test::Instant { field, operator: Equals, at };
                Ok(if operator.negative() { Test::Not(Box::new(test)) } else { test })
            }
            Kind::Instants => Err(unsupported(name, operator)),
            _ => {
                let (wanted, empty) = resolve(&field, name, operands, context)?;
                Ok(Test::Values { field, wanted, empty, negative: operator.negative() })
            }
        },
    }
}

fn empty_test(field: Field, negative: bool) -> Test {
    let test = Test::Empty { field };
    if negative { Test::Not(Box::new(test)) } else { test }
}

fn compared(
    field: Field,
    name: &str,
    kind: Kind,
    operator: Operator,
    operands: &[Operand],
    context: &Context<'_>,
) -> Result<Test, Vec<String>> {
    match kind {
        Kind::Instants => {
            let at = instant(name, operands, context)?;
            Ok(Test::Instant { field, operator, at })
        }
        Kind::Ordered => {
            let (wanted, _) = resolve(&field, name, operands, context)?;
            let place =
                wanted.iter().next().and_then(|id| context.store.priorities.get_index_of(id)).unwrap_or_default();
            Ok(Test::Order { field, operator, place })
        }
        Kind::Numbers => match operands.first() {
            Some(Operand::Text(text)) => {
                let than = text.parse().map_err(|_| missing(name, text))?;
                Ok(Test::Number { field, operator, than })
            }
            _ => Err(unsupported(name, operator)),
        },
        _ => Err(unsupported(name, operator)),
    }
}

fn missing(name: &str, value: &str) -> Vec<String> {
    vec![format!("The value '{value}' does not exist for the field '{name}'.")]
}

fn instant(name: &str, operands: &[Operand], context: &Context<'_>) -> Result<Timestamp, Vec<String>> {
    match operands.first() {
        Some(Operand::Text(text)) => dates::read(text, &context.now).ok_or_else(|| {
            vec![format!(
                "Date value '{text}' for field '{name}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
            )]
        }),
        Some(Operand::Function(function, arguments)) => {
            dates::function(function, arguments, &context.now)
                .ok_or_else(|| vec![no_function(function)])
        }
        _ => Err(vec![format!("The field '{name}' does not support searching for an empty value with this operator.")]),
    }
}

fn no_function(name: &str) -> String {
    format!("Unable to find JQL function '{name}()'.")
}

/// The identities that operands name, and whether EMPTY is among them.
fn resolve(
    field: &Field,
    name: &str,
    operands: &[Operand],
    context: &Context<'_>,
) -> Result<(HashSet<String>, bool), Vec<String>> {
    let mut wanted = HashSet::new();
    let mut empty = false;
    let mut faults = Vec::new();
    for operand in operands {
        match operand {
            Operand::Empty => empty = true,
            Operand::Text(text) => {
                let found = identities(field, text, context);
                if found.is_empty() && !context.lenient {
                    faults.extend(missing(name, text));
                }
                wanted.extend(found);
            }
            Operand::Function(function, arguments) => match function_values(field, function, arguments, context) {
                Ok(found) => wanted.extend(found),
                Err(fault) => faults.push(fault),
            },
        }
    }
    if faults.is_empty() { Ok((wanted, empty)) } else { Err(faults) }
}

fn function_values(
    field: &Field,
    function: &str,
    arguments: &[String],
    context: &Context<'_>,
) -> Result<Vec<String>, String> {
    let users = field.kind() == Kind::Users;
    match function.to_lowercase().as_str() {
        "currentuser" if users => Ok(context.me.iter().cloned().collect()),
        "membersof" if users => {
            let group = arguments.first().map(String::as_str).unwrap_or_default();
            let found =
                context.store.groups.values().find(|g| g.name.eq_ignore_ascii_case(group) || g.group_id == group);
            found.map(|g| g.members.iter().cloned().collect()).ok_or_else(|| {
                format!("Function 'membersOf' can not generate a list of usernames for group '{group}'; the group does not exist.")
            })
        }
        "organizationmembers" if users => {
            let name = arguments.first().map(String::as_str).unwrap_or_default();
            let found = context.store.organizations.values().find(|o| o.name.eq_ignore_ascii_case(name));
            found
                .map(|o| o.members.iter().cloned().collect())
                .ok_or_else(|| format!("The organization '{name}' does not exist."))
        }
        "currentuser" | "membersof" | "organizationmembers" => {
            Err(format!("A value provided by the function '{function}' is invalid for the field."))
        }
        _ => Err(no_function(function)),
    }
}

/// The identities that one word names in a field: an id, or a name in any case.
fn identities(field: &Field, text: &str, context: &Context<'_>) -> Vec<String> {
    let store = context.store;
    let same = |name: &str| name.to_lowercase() == text.to_lowercase();
    match field {
        Field::Project => store
            .projects
            .values()
            .filter(|p| p.id == text || same(&p.key) || same(&p.name))
            .filter(|p| context.access.browse_project(p))
            .map(|p| p.id.clone())
            .collect(),
        Field::ProjectType => [ProjectKind::ServiceDesk, ProjectKind::Software]
            .iter()
            .filter(|kind| same(kind.key()))
            .map(|kind| kind.key().to_owned())
            .collect(),
        Field::IssueType => {
            store.issue_types.values().filter(|t| t.id == text || same(&t.name)).map(|t| t.id.clone()).collect()
        }
        Field::Status => {
            store.statuses.values().filter(|s| s.id == text || same(&s.name)).map(|s| s.id.clone()).collect()
        }
        Field::StatusCategory => crate::state::model::StatusCategory::ALL
            .iter()
            .filter(|c| c.id().to_string() == text || same(c.key()) || same(c.name()))
            .map(|c| c.id().to_string())
            .collect(),
        // "Unresolved" is Jira's word for no resolution: an identity that no issue has, handled by
        // the caller as EMPTY.
        Field::Resolution if same("unresolved") => vec![UNRESOLVED.to_owned()],
        Field::Resolution => {
            store.resolutions.values().filter(|r| r.id == text || same(&r.name)).map(|r| r.id.clone()).collect()
        }
        Field::Priority => {
            store.priorities.values().filter(|p| p.id == text || same(&p.name)).map(|p| p.id.clone()).collect()
        }
        Field::Key | Field::Parent => store
            .issue(text)
            .filter(|issue| context.access.browse(issue))
            .map(|issue| issue.id.to_string())
            .into_iter()
            .collect(),
        Field::RequestType => store
            .request_types
            .values()
            .filter(|t| {
                let desk = store.service_desks.get(&t.service_desk_id);
                let project = desk.and_then(|d| store.projects.get(&d.project_id));
                t.id == text || same(&t.name) || project.is_some_and(|p| same(&format!("{} ({})", t.name, p.key)))
            })
            .map(|t| t.id.clone())
            .collect(),
        Field::Organizations => {
            store.organizations.values().filter(|o| o.id == text || same(&o.name)).map(|o| o.id.clone()).collect()
        }
        Field::Component => vec![text.to_lowercase()],
        _ if field.kind() == Kind::Users => store.meant(text).map(|a| a.account_id.clone()).into_iter().collect(),
        _ => vec![text.to_owned()],
    }
}

const UNRESOLVED: &str = "-1";

impl Test {
    /// Whether an entry passes.
    pub(super) fn passes(&self, entry: &IndexEntry, context: &Context<'_>) -> bool {
        let (issue, store) = (&entry.issue, context.store);
        match self {
            Self::All(parts) => parts.iter().all(|p| p.passes(entry, context)),
            Self::Any(parts) => parts.iter().any(|p| p.passes(entry, context)),
            Self::Not(inner) => !inner.passes(entry, context),
            Self::Values { field, wanted, empty, negative } => {
                let values = field.values(issue, store);
                let empty = *empty || (*field == Field::Resolution && wanted.contains(UNRESOLVED));
                if values.is_empty() {
                    // An empty field is unequal to nothing: `assignee != x` leaves out unassigned.
                    return empty && !negative;
                }
                values.iter().any(|v| wanted.contains(v)) != *negative
            }
            Self::Empty { field } => match field.kind() {
                Kind::Instants => field.instant(issue, store).is_none(),
                Kind::Words => {
                    let texts = field.texts(entry, store, context.access.browse(issue));
                    texts.iter().all(|t| t.is_empty())
                }
                _ => field.values(issue, store).is_empty(),
            },
            Self::Order { field, operator, place } => field
                .values(issue, store)
                .first()
                .and_then(|id| store.priorities.get_index_of(id))
                // The first priority is the highest.
                .is_some_and(|mine| holds(*operator, place.cmp(&mine))),
            Self::Instant { field, operator, at } => {
                field.instant(issue, store).is_some_and(|mine| holds(*operator, to_minute(mine, *operator).cmp(at)))
            }
            Self::Number { field, operator, than } => field
                .values(issue, store)
                .first()
                .and_then(|v| v.parse::<f64>().ok())
                .and_then(|mine| mine.partial_cmp(than))
                .is_some_and(|order| holds(*operator, order)),
            Self::Words { field, pattern, negative } => {
                let texts = field.texts(entry, store, context.access.browse(issue));
                if texts.iter().all(|t| t.is_empty()) {
                    return false;
                }
                texts.iter().any(|t| pattern.found_in(t)) != *negative
            }
            Self::Was { field, wanted, negative } => {
                let now = if *field == "status" { Some(issue.status_id.as_str()) } else { issue.assignee.as_deref() };
                let before = issue.changelog.iter().flat_map(|h| &h.items).filter(|i| i.field_id == *field);
                let mut all = before.flat_map(|i| [i.from.as_deref(), i.to.as_deref()]).chain([now]).flatten();
                all.any(|v| wanted.contains(v)) != *negative
            }
        }
    }

    /// The projects to which the test is bound, if it names some.
    pub(super) fn projects(&self) -> Option<&HashSet<String>> {
        match self {
            Self::All(parts) => parts.iter().find_map(Self::projects),
            Self::Values { field: Field::Project, wanted, negative: false, .. } => Some(wanted),
            _ => None,
        }
    }

    /// The issue ids to which the test is bound, if it names some.
    pub(super) fn issues(&self) -> Option<&HashSet<String>> {
        match self {
            Self::All(parts) => parts.iter().find_map(Self::issues),
            Self::Values { field: Field::Key, wanted, negative: false, .. } => Some(wanted),
            _ => None,
        }
    }
}

/// JQL compares to the minute when it asks for equality.
fn to_minute(at: Timestamp, operator: Operator) -> Timestamp {
    if operator != Operator::Equals {
        return at;
    }
    let seconds = at.as_second().div_euclid(60) * 60;
    Timestamp::from_second(seconds).unwrap_or(at)
}

fn holds(operator: Operator, order: std::cmp::Ordering) -> bool {
    match operator {
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        _ => order.is_eq(),
    }
}
