//! JQL text to a tree. It knows no fields: those are checked in `compile`.

use pest::{Parser as _, iterators::Pair};
use pest_derive::Parser;

#[derive(Parser)]
#[grammar = "jql/grammar.pest"]
struct Grammar;

/// A parsed query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    /// The restriction; none for an unbounded query.
    pub(crate) filter: Option<Expr>,
    /// Fields to sort by, and whether descending.
    pub(crate) order: Vec<(String, bool)>,
}

/// A restriction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Clause { field: String, operator: Operator, operands: Vec<Operand> },
}

/// What a clause asks of its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equals,
    NotEquals,
    Like,
    NotLike,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Is,
    IsNot,
    Was,
    WasNot,
}

impl Operator {
    /// As Jira writes it in messages.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Equals => "=",
            Self::NotEquals => "!=",
            Self::Like => "~",
            Self::NotLike => "!~",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::Is => "is",
            Self::IsNot => "is not",
            Self::Was => "was",
            Self::WasNot => "was not",
        }
    }

    /// Whether it excludes rather than selects.
    pub(crate) fn negative(self) -> bool {
        matches!(self, Self::NotEquals | Self::NotLike | Self::NotIn | Self::IsNot | Self::WasNot)
    }
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operand {
    Empty,
    Text(String),
    Function(String, Vec<String>),
}

/// Longest query, in characters.
const MAX_QUERY: usize = 20_000;
/// Deepest nesting of parentheses and NOTs.
const MAX_DEPTH: usize = 50;

/// Parses a query.
///
/// # Errors
/// A sentence as Jira words it.
pub(crate) fn parse(jql: &str) -> Result<Query, String> {
    let deep = jql.chars().filter(|c| matches!(c, '(' | '!')).count() > MAX_DEPTH * 20;
    if jql.chars().count() > MAX_QUERY || deep || nesting(jql) > MAX_DEPTH {
        return Err("Error in the JQL Query: The query is too long or too complex.".to_owned());
    }
    let mut pairs = Grammar::parse(Rule::query, jql).map_err(|error| syntax(jql, &error))?;
    let mut query = Query { filter: None, order: Vec::new() };
    for pair in pairs.next().into_iter().flat_map(Pair::into_inner) {
        match pair.as_rule() {
            Rule::disjunction => query.filter = Some(disjunction(pair)),
            Rule::order_by => query.order = order(pair),
            _ => {}
        }
    }
    Ok(query)
}

/// How deep parentheses nest outside strings.
fn nesting(jql: &str) -> usize {
    let (mut depth, mut most, mut quote, mut escaped) = (0usize, 0usize, None, false);
    for c in jql.chars() {
        match quote {
            Some(q) => {
                if escaped {
                    escaped = false;
                } else if c == '\\' {
                    escaped = true;
                } else if c == q {
                    quote = None;
                }
            }
            None => match c {
                '"' | '\'' => quote = Some(c),
                '(' => {
                    depth += 1;
                    most = most.max(depth);
                }
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            },
        }
    }
    most
}

fn syntax(jql: &str, error: &pest::error::Error<Rule>) -> String {
    use pest::error::{ErrorVariant, LineColLocation};
    let (line, column) = match error.line_col {
        LineColLocation::Pos(at) | LineColLocation::Span(at, _) => at,
    };
    let rest: String = jql.lines().nth(line - 1).unwrap_or_default().chars().skip(column - 1).collect();
    let got = rest.split_whitespace().next().unwrap_or_default();
    let place = format!("(line {line}, character {column})");
    let expects = |rules: &[Rule]| match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.iter().any(|p| rules.contains(p)),
        ErrorVariant::CustomError { .. } => false,
    };
    let first = got.chars().next();
    if first.is_some_and(|c| "{}*/%+$#@?;^|&".contains(c)) {
        let c = first.unwrap_or_default();
        return format!(
            "Error in the JQL Query: The character '{c}' is a reserved JQL character. You must enclose it in a string or use the escape '\\u{:04x}' instead. {place}",
            u32::from(c)
        );
    }
    if expects(&[Rule::operator, Rule::in_op, Rule::is_op]) {
        return if got.is_empty() {
            format!(
                "Error in the JQL Query: Expecting operator before the end of the query. The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'. {place}"
            )
        } else {
            format!(
                "Error in the JQL Query: Expecting operator but got '{got}'. The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'. {place}"
            )
        };
    }
    if expects(&[Rule::operand, Rule::word, Rule::string, Rule::list]) {
        return if got.is_empty() {
            format!(
                "Error in the JQL Query: Expecting either a value, list or function before the end of the query. {place}"
            )
        } else {
            format!("Error in the JQL Query: Expecting either a value, list or function but got '{got}'. {place}")
        };
    }
    if got.is_empty() {
        format!("Error in the JQL Query: Expecting a field name at the end of the query. {place}")
    } else {
        format!("Error in the JQL Query: Expecting either 'OR' or 'AND' but got '{got}'. {place}")
    }
}

fn disjunction(pair: Pair<'_, Rule>) -> Expr {
    let parts: Vec<Expr> = pair.into_inner().filter(|p| p.as_rule() == Rule::conjunction).map(conjunction).collect();
    one_or(parts, Expr::Or)
}

fn conjunction(pair: Pair<'_, Rule>) -> Expr {
    let parts: Vec<Expr> = pair.into_inner().filter(|p| p.as_rule() == Rule::negation).map(negation).collect();
    one_or(parts, Expr::And)
}

fn one_or(mut parts: Vec<Expr>, many: fn(Vec<Expr>) -> Expr) -> Expr {
    if parts.len() == 1
        && let Some(part) = parts.pop()
    {
        return part;
    }
    many(parts)
}

fn negation(pair: Pair<'_, Rule>) -> Expr {
    let mut nots = 0usize;
    let mut expr = Expr::And(Vec::new());
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::not_word => nots += 1,
            Rule::disjunction => expr = disjunction(part),
            _ => expr = clause(part),
        }
    }
    if nots % 2 == 1 { Expr::Not(Box::new(expr)) } else { expr }
}

fn clause(pair: Pair<'_, Rule>) -> Expr {
    let mut name = String::new();
    let mut operator = Operator::Equals;
    let mut operands = Vec::new();
    for part in pair.into_inner() {
        if part.as_rule() == Rule::field {
            name = field(part);
            continue;
        }
        for inner in part.into_inner() {
            match inner.as_rule() {
                Rule::operator | Rule::was_op | Rule::is_op | Rule::in_op => {
                    operator = operator_of(inner.as_str());
                }
                Rule::list => operands.extend(inner.into_inner().map(operand)),
                Rule::operand => operands.push(operand(inner)),
                _ => operands.push(Operand::Empty),
            }
        }
    }
    Expr::Clause { field: name, operator, operands }
}

fn operator_of(text: &str) -> Operator {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    match words.join(" ").as_str() {
        "!=" => Operator::NotEquals,
        "~" => Operator::Like,
        "!~" => Operator::NotLike,
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterOrEqual,
        "in" => Operator::In,
        "not in" => Operator::NotIn,
        "is" => Operator::Is,
        "is not" => Operator::IsNot,
        "was" | "was in" => Operator::Was,
        "was not" | "was not in" => Operator::WasNot,
        _ => Operator::Equals,
    }
}

fn operand(pair: Pair<'_, Rule>) -> Operand {
    let Some(inner) = pair.into_inner().next() else { return Operand::Empty };
    match inner.as_rule() {
        Rule::empty => Operand::Empty,
        Rule::function => {
            let mut parts = inner.into_inner();
            let name = parts.next().map(|p| p.as_str().to_owned()).unwrap_or_default();
            let arguments = parts
                .filter_map(|p| match operand(p) {
                    Operand::Text(text) => Some(text),
                    _ => None,
                })
                .collect();
            Operand::Function(name, arguments)
        }
        _ => Operand::Text(text(inner)),
    }
}

fn text(pair: Pair<'_, Rule>) -> String {
    if pair.as_rule() == Rule::string {
        let inner = pair.into_inner().next().map(|p| p.as_str().to_owned()).unwrap_or_default();
        return unescape(&inner);
    }
    pair.as_str().to_owned()
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let code: String = chars.by_ref().take(4).collect();
                let read = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                out.push(read.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

fn field(pair: Pair<'_, Rule>) -> String {
    let mut name = String::new();
    for part in pair.into_inner() {
        if part.as_rule() == Rule::subscript {
            for inner in part.into_inner() {
                if inner.as_rule() == Rule::path {
                    name.push_str(inner.as_str());
                } else {
                    name.push_str(&format!("[{}]", text(inner)));
                }
            }
        } else {
            name.push_str(&text(part));
        }
    }
    name
}

fn order(pair: Pair<'_, Rule>) -> Vec<(String, bool)> {
    pair.into_inner()
        .filter(|p| p.as_rule() == Rule::sort)
        .map(|sort| {
            let mut name = String::new();
            let mut descending = false;
            for part in sort.into_inner() {
                if part.as_rule() == Rule::field {
                    name = field(part);
                } else {
                    descending = part.as_str().eq_ignore_ascii_case("desc");
                }
            }
            (name, descending)
        })
        .collect()
}
