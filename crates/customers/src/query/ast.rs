//! A query as it was written: the grammar's tree, nothing of it looked up yet. Printing it gives a text that parses to
//! the same tree.

use std::fmt;

/// A place in the text, in bytes. Two trees are equal wherever their parts stand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A whole query.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Query {
    pub(crate) filter: Option<Expr>,
    pub(crate) order: Vec<Sort>,
}

/// Clauses, joined.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// All of two or more.
    All(Vec<Expr>),
    /// At least one of two or more.
    Any(Vec<Expr>),
    Not(Box<Expr>),
    Clause(Box<Clause>),
}

/// One field, and what is said of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Clause {
    pub(crate) field: FieldName,
    pub(crate) test: Test,
}

/// A field by its name, or by its id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldName {
    /// Whether it is a field of a customer's organizations.
    pub(crate) organization: bool,
    pub(crate) name: String,
    pub(crate) span: Span,
}

/// What is said of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    Compare { operator: Operator, span: Span, operand: Operand },
    In { negated: bool, any_of: Vec<Operand> },
    Empty { negated: bool },
    Was { negated: bool, any_of: Vec<Operand>, when: Vec<When>, by: Option<Operand> },
    Changed { from: Option<Operand>, to: Option<Operand>, when: Vec<When>, by: Option<Operand> },
}

/// A sign between a field and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    Lacks,
}

impl Operator {
    /// All of them, as written.
    pub(crate) const ALL: [(Self, &'static str); 8] = [
        (Self::Equal, "="),
        (Self::Unequal, "!="),
        (Self::Less, "<"),
        (Self::LessOrEqual, "<="),
        (Self::Greater, ">"),
        (Self::GreaterOrEqual, ">="),
        (Self::Contains, "~"),
        (Self::Lacks, "!~"),
    ];

    pub(crate) fn sign(self) -> &'static str {
        Self::ALL.iter().find(|(operator, _)| *operator == self).map_or("=", |(_, sign)| sign)
    }
}

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operand {
    pub(crate) kind: OperandKind,
    pub(crate) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OperandKind {
    Empty,
    Text(String),
    Function { name: String, argument: Option<String> },
}

/// A bound on when something of the history held or happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum When {
    Before(Operand),
    After(Operand),
    On(Operand),
    During(Operand, Operand),
}

/// One part of the order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sort {
    pub(crate) field: FieldName,
    pub(crate) descending: bool,
}

impl Query {
    /// Everything that names a person or a value, with the field that it is said of; in no order that matters.
    pub(crate) fn clauses_mut(&mut self) -> Vec<&mut Clause> {
        let mut found = Vec::new();
        if let Some(filter) = &mut self.filter {
            filter.gather(&mut found);
        }
        found
    }
}

impl Expr {
    fn gather<'e>(&'e mut self, found: &mut Vec<&'e mut Clause>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter_mut().for_each(|part| part.gather(found)),
            Self::Not(inner) => inner.gather(found),
            Self::Clause(clause) => found.push(clause),
        }
    }
}

impl Test {
    /// Who is said to have made a change.
    pub(crate) fn by_mut(&mut self) -> Option<&mut Operand> {
        match self {
            Self::Was { by, .. } | Self::Changed { by, .. } => by.as_mut(),
            _ => None,
        }
    }

    /// The values that the field is compared with.
    pub(crate) fn values_mut(&mut self) -> Vec<&mut Operand> {
        match self {
            Self::Compare { operand, .. } => vec![operand],
            Self::In { any_of, .. } | Self::Was { any_of, .. } => any_of.iter_mut().collect(),
            Self::Changed { from, to, .. } => from.iter_mut().chain(to.iter_mut()).collect(),
            Self::Empty { .. } => Vec::new(),
        }
    }
}

/// Words that a name or value is quoted for, although the grammar would sometimes take them bare.
const QUOTED: [&str; 18] = [
    "and", "or", "not", "empty", "null", "order", "in", "is", "was", "changed", "before", "after", "on", "during",
    "by", "from", "to", "desc",
];

/// Names with a dot in them, which the grammar takes bare (`dotted`).
const DOTTED: [&str; 3] = ["entitlement.starts", "entitlement.ends", "entitlement.limit"];

/// A text as it stands in a query: bare where that reads the same, else in quotation marks.
pub(crate) fn quoted(text: &str, is_field: bool) -> String {
    let special = |c: char| c.is_control() || c.is_whitespace() || "\"'(),=!~<>\\".contains(c) || is_field && c == '.';
    let keyword = QUOTED.iter().any(|word| word.eq_ignore_ascii_case(text)) || text.eq_ignore_ascii_case("asc");
    if !text.is_empty() && !text.contains(special) && !keyword {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A field as it stands in a query.
pub(crate) fn field_word(name: &str) -> String {
    if DOTTED.iter().any(|dotted| dotted.eq_ignore_ascii_case(name)) { name.to_owned() } else { quoted(name, true) }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(filter) = &self.filter {
            write!(f, "{filter}")?;
        }
        for (place, sort) in self.order.iter().enumerate() {
            let before = match (place, &self.filter) {
                (0, None) => "ORDER BY ",
                (0, Some(_)) => " ORDER BY ",
                _ => ", ",
            };
            write!(f, "{before}{}{}", sort.field, if sort.descending { " DESC" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Self], word: &str, grouped: fn(&Self) -> bool| {
            for (place, part) in parts.iter().enumerate() {
                if place > 0 {
                    f.write_str(word)?;
                }
                if grouped(part) { write!(f, "({part})")? } else { write!(f, "{part}")? }
            }
            Ok(())
        };
        match self {
            Self::All(parts) => joined(f, parts, " AND ", |part| matches!(part, Self::All(_) | Self::Any(_))),
            Self::Any(parts) => joined(f, parts, " OR ", |part| matches!(part, Self::Any(_))),
            Self::Not(inner) if matches!(**inner, Self::All(_) | Self::Any(_)) => write!(f, "NOT ({inner})"),
            Self::Not(inner) => write!(f, "NOT {inner}"),
            Self::Clause(clause) => write!(f, "{} {}", clause.field, clause.test),
        }
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = if self.organization { "organization." } else { "" };
        write!(f, "{scope}{}", field_word(&self.name))
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            OperandKind::Empty => f.write_str("EMPTY"),
            OperandKind::Text(text) => f.write_str(&quoted(text, false)),
            OperandKind::Function { name, argument } => {
                let argument = argument.as_deref().map(|text| quoted(text, false)).unwrap_or_default();
                write!(f, "{name}({argument})")
            }
        }
    }
}

struct Listed<'a>(&'a [Operand]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (place, operand) in self.0.iter().enumerate() {
            write!(f, "{}{operand}", if place > 0 { ", " } else { "" })?;
        }
        f.write_str(")")
    }
}

fn history(f: &mut fmt::Formatter<'_>, when: &[When], by: Option<&Operand>) -> fmt::Result {
    for bound in when {
        match bound {
            When::Before(moment) => write!(f, " BEFORE {moment}")?,
            When::After(moment) => write!(f, " AFTER {moment}")?,
            When::On(moment) => write!(f, " ON {moment}")?,
            When::During(from, to) => write!(f, " DURING ({from}, {to})")?,
        }
    }
    by.map_or(Ok(()), |by| write!(f, " BY {by}"))
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = |negated: bool| if negated { "NOT " } else { "" };
        match self {
            Self::Compare { operator, operand, .. } => write!(f, "{} {operand}", operator.sign()),
            Self::In { negated, any_of } => write!(f, "{}IN {}", not(*negated), Listed(any_of)),
            Self::Empty { negated } => write!(f, "IS {}EMPTY", not(*negated)),
            Self::Was { negated, any_of, when, by } => {
                match any_of.as_slice() {
                    [one] => write!(f, "WAS {}{one}", not(*negated))?,
                    many => write!(f, "WAS {}IN {}", not(*negated), Listed(many))?,
                }
                history(f, when, by.as_ref())
            }
            Self::Changed { from, to, when, by } => {
                f.write_str("CHANGED")?;
                if let Some(from) = from {
                    write!(f, " FROM {from}")?;
                }
                if let Some(to) = to {
                    write!(f, " TO {to}")?;
                }
                history(f, when, by.as_ref())
            }
        }
    }
}
