//! From text to tree, and from a parser's failure to a mistake that a person can mend.

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;
use pest_derive::Parser;

use super::ast::{Clause, Expr, FieldName, Operand, OperandKind, Operator, Query, Sort, Span, Test, When};
use super::mistake::{Expected, Mistake};
use super::{DEPTH, LENGTH_CHARS, LIST_ITEMS, SORTS, TERMS};

#[derive(Parser)]
#[grammar = "query/grammar.pest"]
struct Grammar;

/// Whether a text can be a query: it has an operator. A text without one is what people type into a search field. One
/// that is too long for either is told so as a query.
pub(crate) fn is_query(text: &str) -> bool {
    text.chars().count() > LENGTH_CHARS || Grammar::parse(Rule::marked, text).is_ok()
}

/// Reads a query.
pub(crate) fn parse(text: &str) -> Result<Query, Mistake> {
    check_size(text)?;
    let mut pairs = Grammar::parse(Rule::query, text).map_err(|error| mistake(text, &error))?;
    let mut reading = Reading { terms: 0 };
    pairs.next().map_or_else(|| Ok(Query::default()), |query| reading.query(query))
}

/// What may stand at the end of a text that could go on, or nothing if it is wrong before.
pub(crate) fn expected_at_end(text: &str) -> Vec<Expected> {
    // No rule takes this character: the parser stops at it and says what it would have taken.
    let stopped = format!("{text}\u{1}");
    if check_size(&stopped).is_err() {
        return Vec::new();
    }
    match Grammar::parse(Rule::query, &stopped) {
        Err(error) if position(&error) >= text.trim_end().len() => expected(&error),
        _ => Vec::new(),
    }
}

/// Bounds that hold before the parser runs, so that it cannot be made to nest without end.
fn check_size(text: &str) -> Result<(), Mistake> {
    let whole = Span { start: 0, end: text.len() };
    if text.chars().count() > LENGTH_CHARS {
        let detail = format!("A query has at most {LENGTH_CHARS} characters.");
        return Err(Mistake::new("too_long", whole, detail).limited(LENGTH_CHARS));
    }
    let (mut depth, mut quote, mut escaped) = (0usize, None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
        if depth > DEPTH {
            let detail = format!("Parentheses stand at most {DEPTH} deep.");
            return Err(Mistake::new("too_deep", Span { start: at, end: at + 1 }, detail).limited(DEPTH));
        }
    }
    Ok(())
}

fn position(error: &pest::error::Error<Rule>) -> usize {
    match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    }
}

/// What a rule that could have begun here is to a reader.
fn told(rule: Rule) -> Option<Expected> {
    Some(match rule {
        Rule::disjunction
        | Rule::conjunction
        | Rule::negation
        | Rule::clause
        | Rule::field
        | Rule::scope
        | Rule::name
        | Rule::name_word
        | Rule::dotted
        | Rule::sort
        | Rule::query => Expected::Field,
        Rule::operator
        | Rule::is_op
        | Rule::in_op
        | Rule::was_op
        | Rule::changed_op
        | Rule::emptiness
        | Rule::was
        | Rule::changed
        | Rule::membership
        | Rule::comparison => Expected::Operator,
        Rule::operand | Rule::word | Rule::argument => Expected::Value,
        Rule::list => Expected::List,
        Rule::empty => Expected::Empty,
        Rule::moment => Expected::Moment,
        Rule::person => Expected::Person,
        Rule::when
        | Rule::by
        | Rule::by_word
        | Rule::before
        | Rule::after
        | Rule::on
        | Rule::during
        | Rule::from
        | Rule::to
        | Rule::from_word
        | Rule::to_word => Expected::History,
        Rule::and_word | Rule::or_word => Expected::Junction,
        Rule::order_by | Rule::order_word => Expected::Order,
        Rule::direction => Expected::Direction,
        Rule::comma => Expected::Comma,
        Rule::close => Expected::Close,
        Rule::EOI => Expected::End,
        _ => return None,
    })
}

fn expected(error: &pest::error::Error<Rule>) -> Vec<Expected> {
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else { return Vec::new() };
    let mut found: Vec<Expected> = positives.iter().filter_map(|rule| told(*rule)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The word or sign that stands at a place.
fn token(text: &str, at: usize) -> Span {
    let rest = text.get(at..).unwrap_or_default();
    let skipped = rest.len() - rest.trim_start().len();
    let (start, rest) = (at + skipped, rest.trim_start());
    let sign = |c: char| "=!~<>&|".contains(c);
    let first = rest.chars().next();
    let length = match first {
        None => 0,
        Some(c) if sign(c) => rest.find(|c| !sign(c)).unwrap_or(rest.len()),
        Some(mark @ ('"' | '\'')) => rest.get(1..).and_then(|more| more.find(mark)).map_or(rest.len(), |at| at + 2),
        Some(c @ ('(' | ')' | ',')) => c.len_utf8(),
        Some(_) => rest.find(|c: char| c.is_whitespace() || sign(c) || "(),\"'".contains(c)).unwrap_or(rest.len()),
    };
    if length == 0 {
        // At the end there is nothing to underline: the end itself is meant.
        return Span { start: text.trim_end().len(), end: text.trim_end().len() };
    }
    Span { start, end: start + length }
}

fn mistake(text: &str, error: &pest::error::Error<Rule>) -> Mistake {
    let span = token(text, position(error));
    let found = text.get(span.start..span.end).unwrap_or_default();
    let expected = expected(error);
    if found.starts_with(['"', '\'']) && (found.len() == 1 || !found.ends_with(['"', '\''])) {
        return Mistake::new("not_closed", span, "This quotation mark is not closed.");
    }
    let words: Vec<&str> = expected.iter().map(|expected| expected.words()).collect();
    let listed = match words.as_slice() {
        [] => "something else".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    };
    let mut detail = if span.start == span.end {
        format!("The query ends here; {listed} is missing.")
    } else {
        format!("Expected here: {listed}.")
    };
    let wordy = expected.contains(&Expected::Junction) && found.starts_with(char::is_alphanumeric);
    if wordy {
        detail.push_str(" A value of several words stands in quotation marks.");
    }
    let before = text.get(..span.start).unwrap_or_default().trim_end();
    let doubled = before.ends_with(['=', '<', '>']) && span.start > 0 && found.starts_with(['=', '>', '<']);
    let (span, meant) = match found {
        "==" | "===" => (span, Some("=")),
        "<>" => (span, Some("!=")),
        "&&" | "&" => (span, Some("AND")),
        "||" | "|" => (span, Some("OR")),
        "!" => (span, Some("NOT")),
        _ if doubled => {
            let sign = before.len() - before.trim_end_matches(['=', '<', '>', '!']).len();
            let span = Span { start: before.len() - sign, end: span.end };
            (span, Some(if before.ends_with('<') && found.starts_with('>') { "!=" } else { "=" }))
        }
        _ => (span, None),
    };
    Mistake::new("syntax", span, detail).expecting(expected).meant(meant.map(str::to_owned))
}

fn span(pair: &Pair<'_, Rule>) -> Span {
    Span { start: pair.as_span().start(), end: pair.as_span().end() }
}

/// A quoted text without its marks, or a word as it is.
fn text_of(pair: Pair<'_, Rule>) -> String {
    match pair.as_rule() {
        Rule::double | Rule::single => {
            let (mut text, mut escaped) = (String::new(), false);
            for c in pair.as_str().chars() {
                if escaped || c != '\\' {
                    text.push(c);
                    escaped = false;
                } else {
                    escaped = true;
                }
            }
            text
        }
        Rule::word | Rule::name_word | Rule::dotted => pair.as_str().to_owned(),
        _ => pair.into_inner().next().map(text_of).unwrap_or_default(),
    }
}

fn says_not(operator: &str) -> bool {
    operator.split_whitespace().any(|word| word.eq_ignore_ascii_case("not"))
}

struct Reading {
    terms: usize,
}

impl Reading {
    fn query(&mut self, pair: Pair<'_, Rule>) -> Result<Query, Mistake> {
        let mut query = Query::default();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::disjunction => query.filter = Some(self.expr(part)?),
                Rule::order_by => query.order = sorts(part)?,
                _ => {}
            }
        }
        Ok(query)
    }

    fn expr(&mut self, pair: Pair<'_, Rule>) -> Result<Expr, Mistake> {
        let any = pair.as_rule() == Rule::disjunction;
        let mut parts = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::conjunction => parts.push(self.expr(part)?),
                Rule::negation => parts.push(self.negation(part)?),
                _ => {}
            }
        }
        Ok(match (parts.len(), any) {
            (1, _) => parts.swap_remove(0),
            (_, true) => Expr::Any(parts),
            (_, false) => Expr::All(parts),
        })
    }

    fn negation(&mut self, pair: Pair<'_, Rule>) -> Result<Expr, Mistake> {
        let whole = span(&pair);
        let mut nots = 0;
        let mut inner = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::not_word => nots += 1,
                Rule::disjunction => inner = Some(self.expr(part)?),
                Rule::clause => inner = Some(Expr::Clause(Box::new(self.clause(part)?))),
                _ => {}
            }
        }
        if nots > DEPTH {
            return Err(
                Mistake::new("too_deep", whole, format!("NOT stands at most {DEPTH} times in a row.")).limited(DEPTH)
            );
        }
        let inner = inner.ok_or_else(|| unread(whole))?;
        Ok((0..nots).fold(inner, |inner, _| Expr::Not(Box::new(inner))))
    }

    fn clause(&mut self, pair: Pair<'_, Rule>) -> Result<Clause, Mistake> {
        let whole = span(&pair);
        self.terms += 1;
        if self.terms > TERMS {
            return Err(
                Mistake::new("too_many", whole, format!("A query has at most {TERMS} conditions.")).limited(TERMS)
            );
        }
        let mut parts = pair.into_inner();
        let field = field_name(parts.next().ok_or_else(|| unread(whole))?);
        let test = parts.next().ok_or_else(|| unread(whole))?;
        Ok(Clause { field, test: test_of(test)? })
    }
}

/// The grammar gives each rule its parts; a tree without one cannot come from it.
fn unread(span: Span) -> Mistake {
    Mistake::new("syntax", span, "This cannot be read.")
}

fn field_name(pair: Pair<'_, Rule>) -> FieldName {
    let span = span(&pair);
    let mut field = FieldName { organization: false, name: String::new(), span };
    for part in pair.into_inner() {
        match part.as_rule() {
            Rule::scope => field.organization = true,
            _ => field.name = text_of(part),
        }
    }
    field
}

fn test_of(pair: Pair<'_, Rule>) -> Result<Test, Mistake> {
    let (rule, whole) = (pair.as_rule(), span(&pair));
    let mut parts = pair.into_inner();
    let sign = parts.next().ok_or_else(|| unread(whole))?;
    let (negated, sign_span) = (says_not(sign.as_str()), span(&sign));
    match rule {
        Rule::emptiness => Ok(Test::Empty { negated }),
        Rule::membership => Ok(Test::In { negated, any_of: operands(parts.next().ok_or_else(|| unread(whole))?)? }),
        Rule::was => {
            let any_of = operands(parts.next().ok_or_else(|| unread(whole))?)?;
            let mut bounds = Bounds::default();
            parts.try_for_each(|part| bounds.take(part))?;
            Ok(Test::Was { negated, any_of, when: bounds.when, by: bounds.by })
        }
        Rule::changed => {
            let mut bounds = Bounds::default();
            parts.try_for_each(|part| bounds.take(part))?;
            Ok(Test::Changed { from: bounds.from, to: bounds.to, when: bounds.when, by: bounds.by })
        }
        _ => {
            let operator = Operator::ALL.iter().find(|(_, known)| *known == sign.as_str());
            let (operator, operand) = operator.zip(parts.next()).ok_or_else(|| unread(whole))?;
            Ok(Test::Compare { operator: operator.0, span: sign_span, operand: operand_of(operand) })
        }
    }
}

#[derive(Default)]
struct Bounds {
    from: Option<Operand>,
    to: Option<Operand>,
    by: Option<Operand>,
    when: Vec<When>,
}

impl Bounds {
    fn take(&mut self, part: Pair<'_, Rule>) -> Result<(), Mistake> {
        let (rule, whole) = (part.as_rule(), span(&part));
        let mut parts = part.into_inner();
        let word = parts.next().ok_or_else(|| unread(whole))?;
        let mut values =
            parts.filter(|part| matches!(part.as_rule(), Rule::moment | Rule::person | Rule::operand)).map(operand_of);
        let value = values.next().ok_or_else(|| unread(whole))?;
        let once = |held: &mut Option<Operand>| match held.replace(value.clone()) {
            Some(_) => Err(Mistake::new("twice", whole, "This is said twice; once is enough.")),
            None => Ok(()),
        };
        match rule {
            Rule::from => once(&mut self.from)?,
            Rule::to => once(&mut self.to)?,
            Rule::by => once(&mut self.by)?,
            _ => self.when.push(match word.as_rule() {
                Rule::before => When::Before(value),
                Rule::after => When::After(value),
                Rule::on => When::On(value),
                _ => When::During(value, values.next().ok_or_else(|| unread(whole))?),
            }),
        }
        Ok(())
    }
}

fn operands(pair: Pair<'_, Rule>) -> Result<Vec<Operand>, Mistake> {
    let whole = span(&pair);
    if pair.as_rule() == Rule::operand {
        return Ok(vec![operand_of(pair)]);
    }
    let listed: Vec<Operand> =
        pair.into_inner().filter(|part| part.as_rule() == Rule::operand).map(operand_of).collect();
    if listed.len() > LIST_ITEMS {
        return Err(
            Mistake::new("too_many", whole, format!("A list has at most {LIST_ITEMS} values.")).limited(LIST_ITEMS)
        );
    }
    Ok(listed)
}

fn operand_of(pair: Pair<'_, Rule>) -> Operand {
    let span = span(&pair);
    let Some(inner) = pair.into_inner().next() else { return Operand { kind: OperandKind::Empty, span } };
    let kind = match inner.as_rule() {
        Rule::empty => OperandKind::Empty,
        Rule::function => {
            let (mut name, mut argument) = (String::new(), None);
            for part in inner.into_inner() {
                match part.as_rule() {
                    Rule::function_name => name = part.as_str().trim_end_matches('(').trim_end().to_owned(),
                    Rule::argument => argument = Some(text_of(part)),
                    _ => {}
                }
            }
            OperandKind::Function { name, argument }
        }
        _ => OperandKind::Text(text_of(inner)),
    };
    Operand { kind, span }
}

fn sorts(pair: Pair<'_, Rule>) -> Result<Vec<Sort>, Mistake> {
    let whole = span(&pair);
    let mut sorts = Vec::new();
    for part in pair.into_inner().filter(|part| part.as_rule() == Rule::sort) {
        let mut parts = part.into_inner();
        let field = field_name(parts.next().ok_or_else(|| unread(whole))?);
        let descending = parts.next().is_some_and(|word| word.as_str().eq_ignore_ascii_case("desc"));
        sorts.push(Sort { field, descending });
    }
    if sorts.len() > SORTS {
        return Err(Mistake::new("too_many", whole, format!("A query sorts by at most {SORTS} fields.")).limited(SORTS));
    }
    Ok(sorts)
}
