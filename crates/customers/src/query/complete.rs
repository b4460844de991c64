//! What may stand where somebody is typing. The grammar itself says what kind of thing may follow (`parse`), the
//! catalogue which ones there are.

use serde::Serialize;
use utoipa::ToSchema;

use super::ast::{Clause, Expr, Operand, Span, Test, field_word, quoted};
use super::catalogue::{BuiltIn, Catalogue, Kind, Known, Named, built_in};
use super::mistake::Expected;
use super::moment::FUNCTIONS;
use super::parse::{expected_at_end, parse};
use super::resolve::CURRENT_USER;
use super::text::fold;

/// More than a list on a screen shows is not read.
pub(crate) const OFFERED: usize = 50;

/// What kind of thing is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Offer {
    /// A field.
    Field,
    /// A sign or word between field and value.
    Operator,
    /// A value.
    Value,
    /// A function.
    Function,
    /// Another word of the language.
    Keyword,
}

/// One thing that may stand there.
pub(crate) struct Item {
    pub(crate) offer: Offer,
    /// As a reader knows it.
    pub(crate) label: String,
    /// As it is put into the query.
    pub(crate) insert: String,
    /// The type of a field.
    pub(crate) kind: Option<Kind>,
}

impl Item {
    /// A value, as it stands in a query.
    pub(crate) fn value(label: &str) -> Self {
        Self { offer: Offer::Value, label: label.to_owned(), insert: quoted(label, false), kind: None }
    }
}

/// What the catalogue does not know, by what was typed of it.
pub(crate) enum Wants {
    People(String),
    Organizations(String),
    Projects(String),
}

/// What may stand at a place, and what of the text it would replace.
pub(crate) struct Completion {
    pub(crate) replaces: Span,
    pub(crate) items: Vec<Item>,
    /// What else may stand there.
    pub(crate) wants: Option<Wants>,
}

/// Words of a name that somebody may type without its quotation marks.
const PHRASE_WORDS: usize = 4;

/// What may stand at the byte `cursor`.
pub(crate) fn complete(text: &str, cursor: usize, catalogue: &Catalogue<'_>) -> Completion {
    let replaces = word_at(text, cursor);
    let offered = offered(text, replaces, cursor, catalogue);
    if offered.items.is_empty() && offered.wants.is_none() {
        return phrase(text, replaces, cursor, catalogue).unwrap_or(offered);
    }
    offered
}

/// Who types `account man` means a name of several words, which will stand in quotation marks.
fn phrase(text: &str, word: Span, cursor: usize, catalogue: &Catalogue<'_>) -> Option<Completion> {
    let mut start = word.start;
    for _ in 0..PHRASE_WORDS {
        let before = text.get(..start)?;
        let earlier = before.trim_end();
        start = earlier
            .rfind(|c| !is_bare(c))
            .map_or(0, |at| at + earlier.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
        if earlier.len() == before.len() || start == earlier.len() {
            return None;
        }
        let wanted = fold(text.get(start..cursor)?);
        let mut found = offered(text, Span { start, ..word }, cursor, catalogue);
        found.items.retain(|item| item.label.contains(' ') && fold(&item.label).starts_with(wanted.as_str()));
        if !found.items.is_empty() {
            return Some(found);
        }
    }
    None
}

fn is_bare(c: char) -> bool {
    !c.is_whitespace() && !"\"'(),=!~<>".contains(c)
}

fn offered(text: &str, replaces: Span, cursor: usize, catalogue: &Catalogue<'_>) -> Completion {
    let before = text.get(..replaces.start).unwrap_or_default();
    let typed = text.get(replaces.start..cursor.min(text.len())).unwrap_or_default();
    let mut items = Vec::new();
    let expected = expected_at_end(before);
    let is = |wanted: Expected| expected.contains(&wanted);
    let clause = clause_at(before);
    if is(Expected::Field) {
        fields(catalogue, is_order(before), &mut items);
    }
    if is(Expected::Operator) {
        operators(before, catalogue, &mut items);
    }
    if is(Expected::Moment) {
        moments(true, &mut items);
    } else if is(Expected::Person) {
        person(&mut items);
    } else if (is(Expected::Value) || is(Expected::List))
        && let Some(clause) = &clause
    {
        values(clause, catalogue, &mut items);
    }
    if is(Expected::History) {
        let changed = clause_before(before).is_some_and(|clause| matches!(clause.test, Test::Changed { .. }));
        let words = ["FROM", "TO", "BEFORE", "AFTER", "ON", "DURING (", "BY"];
        words.into_iter().skip(if changed { 0 } else { 2 }).for_each(|word| items.push(keyword(word)));
    }
    for (wanted, words) in [
        (Expected::Junction, &["AND", "OR"][..]),
        (Expected::Order, &["ORDER BY"]),
        (Expected::Direction, &["DESC"]),
        (Expected::Comma, &[","]),
        (Expected::Close, &[")"]),
    ] {
        if is(wanted) {
            words.iter().for_each(|word| items.push(keyword(word)));
        }
    }
    if is(Expected::Field) && !is_order(before) && !typed.is_empty() {
        items.push(keyword("NOT"));
    }
    let bare = typed.replace(['"', '\''], "");
    let valued = clause
        .as_ref()
        .filter(|_| is(Expected::Value) || is(Expected::List))
        .and_then(|clause| catalogue.find(&clause.field).ok());
    let wants = match valued.map(|named| named.kind()) {
        _ if is(Expected::Person) => Some(Wants::People(bare)),
        Some(Kind::User) => Some(Wants::People(bare)),
        Some(Kind::Organization) => Some(Wants::Organizations(bare)),
        Some(Kind::Project) => Some(Wants::Projects(bare)),
        _ => None,
    };
    Completion { replaces, items: narrowed(items, typed), wants }
}

fn keyword(word: &str) -> Item {
    Item { offer: Offer::Keyword, label: word.trim_end_matches(" (").to_owned(), insert: word.to_owned(), kind: None }
}

/// The word that the cursor is in or behind: with its quotation mark, and with `organization.` before it.
fn word_at(text: &str, cursor: usize) -> Span {
    let cursor = cursor.min(text.len());
    let (mut start, mut quote, mut escaped) = (0, None, false);
    for (at, c) in text.char_indices().take_while(|(at, _)| *at < cursor) {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => (quote, start) = (None, at + 1),
            (Some(_), _) => {}
            (None, '"' | '\'') => {
                // What stands right before a quotation mark is a scope, or a mistake.
                if !text.get(start..at).is_some_and(|scope| scope.eq_ignore_ascii_case("organization.")) {
                    start = at;
                }
                quote = Some(c);
            }
            (None, c) if is_bare(c) => {}
            (None, c) => start = at + c.len_utf8(),
        }
    }
    let rest = text.get(cursor..).unwrap_or_default();
    let more = match quote {
        // Up to where the quotation ends; if it does not, what follows is not known to belong to it.
        Some(open) => rest.find(open).map_or(0, |at| at + 1),
        None if start == cursor => 0,
        None => rest.find(|c| !is_bare(c)).unwrap_or(rest.len()),
    };
    Span { start, end: cursor + more }
}

/// What is in the middle of being typed, finished in the ways that the grammar may want.
fn finished(before: &str, endings: &[&str]) -> Option<Expr> {
    let open = before.matches('(').count();
    (0..=open.min(super::DEPTH)).find_map(|missing| {
        endings.iter().find_map(|ending| parse(&format!("{before}{ending}{}", ")".repeat(missing))).ok()?.filter)
    })
}

/// The last clause of a tree.
fn last(expr: Expr) -> Option<Clause> {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.into_iter().next_back().and_then(last),
        Expr::Not(inner) => last(*inner),
        Expr::Clause(clause) => Some(*clause),
    }
}

/// The clause whose value is about to be typed.
fn clause_at(before: &str) -> Option<Clause> {
    finished(before, &["x", "(x)"]).and_then(last)
}

/// The clause that was just typed.
fn clause_before(before: &str) -> Option<Clause> {
    finished(before, &[""]).and_then(last)
}

fn is_order(before: &str) -> bool {
    // Only there can a field stand at the end of a whole query.
    parse(&format!("{before}x")).is_ok_and(|query| !query.order.is_empty())
}

fn fields(catalogue: &Catalogue<'_>, for_order: bool, items: &mut Vec<Item>) {
    let mut offer = |scope: &str, name: &str, kind: Kind, orders: bool| {
        if !for_order || (orders && kind != Kind::User && scope.is_empty()) {
            let insert = format!("{scope}{}", field_word(name));
            items.push(Item { offer: Offer::Field, label: format!("{scope}{name}"), insert, kind: Some(kind) });
        }
    };
    for (organization, scope) in [(false, ""), (true, "organization.")] {
        let (entity, own) = catalogue.scope(organization);
        if organization && catalogue.entity == entity {
            continue;
        }
        for Known { kind, body, .. } in own {
            offer(scope, &body.name, (*kind).into(), true);
        }
        for (built_in, name, kind) in built_in(entity) {
            offer(scope, name, *kind, !built_in.is_entitlement() && *kind != Kind::Project);
        }
    }
}

fn operators(before: &str, catalogue: &Catalogue<'_>, items: &mut Vec<Item>) {
    let Some(clause) = finished(before, &[" = x"]).and_then(last) else { return };
    let Ok(named) = catalogue.find(&clause.field) else { return };
    let kind = named.kind();
    let mut signs = vec!["=", "!="];
    if kind.is_text() {
        signs.extend(["~", "!~"]);
    }
    if kind.is_ordered() {
        signs.extend(["<", "<=", ">", ">="]);
    }
    if matches!(kind, Kind::Product | Kind::Project) {
        signs = vec!["=", "!=", "IN (", "NOT IN (", "IS EMPTY", "IS NOT EMPTY"];
    } else if matches!(kind, Kind::Select | Kind::MultiSelect) {
        // What people want of options most often comes first.
        signs = vec!["=", "!=", "IN (", "NOT IN (", "IS EMPTY", "IS NOT EMPTY", "~", "!~"];
    } else {
        signs.extend(["IN (", "NOT IN (", "IS EMPTY", "IS NOT EMPTY"]);
    }
    if matches!(named, Named::Own(_)) {
        signs.extend(["WAS", "WAS NOT", "WAS IN (", "CHANGED"]);
    }
    items.extend(signs.into_iter().map(|sign| Item { offer: Offer::Operator, ..keyword(sign) }));
}

fn function(insert: String) -> Item {
    Item { offer: Offer::Function, label: insert.clone(), insert, kind: None }
}

fn person(items: &mut Vec<Item>) {
    items.push(function(format!("{CURRENT_USER}()")));
}

fn moments(past: bool, items: &mut Vec<Item>) {
    let distances = if past { ["-7d", "-30d", "-1y"] } else { ["7d", "30d", "-7d"] };
    items.extend(distances.into_iter().map(Item::value));
    items.extend(FUNCTIONS.into_iter().map(|name| function(format!("{name}()"))));
}

fn values(clause: &Clause, catalogue: &Catalogue<'_>, items: &mut Vec<Item>) {
    let Ok(named) = catalogue.find(&clause.field) else { return };
    match named.kind() {
        Kind::Date | Kind::DateTime => moments(matches!(named, Named::BuiltIn(BuiltIn::Updated, _)), items),
        Kind::Boolean => items.extend(["true", "false"].into_iter().map(Item::value)),
        Kind::User => person(items),
        Kind::Select | Kind::MultiSelect => {
            if let Named::Own(known) = named {
                let taken = taken(&clause.test);
                let options = known.body.options.iter().filter(|option| !taken.contains(&*fold(&option.label)));
                items.extend(options.map(|option| Item::value(&option.label)));
            }
        }
        Kind::Product => {
            let taken = taken(&clause.test);
            let products = catalogue.products.iter().filter(|(_, name)| !taken.contains(&*fold(name)));
            items.extend(products.map(|(_, name)| Item::value(name)));
        }
        Kind::Text | Kind::Number | Kind::Phone | Kind::Organization | Kind::Project => {}
    }
    if !matches!(clause.test, Test::Compare { .. }) {
        items.push(keyword("EMPTY"));
    }
}

/// What a list holds already, without the value that stands for what is being typed.
fn taken(test: &Test) -> Vec<String> {
    let listed: &[Operand] = match test {
        Test::In { any_of, .. } | Test::Was { any_of, .. } => any_of,
        _ => &[],
    };
    listed
        .iter()
        .take(listed.len().saturating_sub(1))
        .filter_map(|operand| match &operand.kind {
            super::ast::OperandKind::Text(text) => Some(fold(text).to_string()),
            _ => None,
        })
        .collect()
}

/// What begins as it was typed, then what has it inside; not what stands there already.
fn narrowed(items: Vec<Item>, typed: &str) -> Vec<Item> {
    let wanted = fold(&typed.replace(['"', '\''], ""));
    if wanted.is_empty() {
        return items.into_iter().take(OFFERED).collect();
    }
    let (mut first, mut then) = (Vec::new(), Vec::new());
    for item in items {
        let label = fold(&item.label);
        if label.starts_with(wanted.as_str()) {
            first.push(item);
        } else if label.contains(wanted.as_str()) && item.offer != Offer::Keyword {
            then.push(item);
        }
    }
    first.extend(then);
    first.truncate(OFFERED);
    first
}
