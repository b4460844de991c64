//! The meaning of a query: names become fields, values become what their field's type makes of them, dates become
//! moments. Pure: people's names were looked up before (`people`, `settle_people`), and now is a value.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, Zoned};
use kernel::AccountId;

use super::ast::{self, Operand, OperandKind, Operator, When};
use super::catalogue::{BuiltIn, Catalogue, Kind, Known, Named};
use super::mistake::Mistake;
use super::moment::{self, Moment};
use super::text::{self, fold, nearest};
use super::typed::{Comparison, Field, Node, Own, Says, Scalar, Sort, Test, Typed, Wanted, Window};
use super::{PEOPLE, WORDS};
use crate::rules::phone;

/// The function that means whoever asks.
pub(crate) const CURRENT_USER: &str = "currentUser";

fn named_people<'q>(query: &'q mut ast::Query, catalogue: &Catalogue<'_>) -> Vec<&'q mut Operand> {
    let mut people = Vec::new();
    for clause in query.clauses_mut() {
        let user = catalogue.find(&clause.field).is_ok_and(|field| field.kind() == Kind::User);
        match &mut clause.test {
            test if user => {
                // Both borrows are of different parts of the test.
                match test {
                    ast::Test::Was { any_of, by, .. } => people.extend(any_of.iter_mut().chain(by.iter_mut())),
                    ast::Test::Changed { from, to, by, .. } => {
                        people.extend(from.iter_mut().chain(to.iter_mut()).chain(by.iter_mut()));
                    }
                    other => people.extend(other.values_mut()),
                }
            }
            test => people.extend(test.by_mut()),
        }
    }
    people
}

/// The texts of a query that name people, each once.
pub(crate) fn people(query: &ast::Query, catalogue: &Catalogue<'_>) -> Result<BTreeSet<String>, Mistake> {
    let mut query = query.clone();
    let mut named = BTreeSet::new();
    for operand in named_people(&mut query, catalogue) {
        if let OperandKind::Text(text) = &operand.kind {
            named.insert(text.clone());
        }
        if named.len() > PEOPLE {
            let detail = format!("A query names at most {PEOPLE} people.");
            return Err(Mistake::new("too_many", operand.span, detail).limited(PEOPLE));
        }
    }
    Ok(named)
}

/// Puts account ids where people are named. `found` has who is called so, for each text.
pub(crate) fn settle_people(
    query: &mut ast::Query,
    catalogue: &Catalogue<'_>,
    found: &BTreeMap<String, Vec<AccountId>>,
) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for operand in named_people(query, catalogue) {
        let OperandKind::Text(text) = &operand.kind else { continue };
        match found.get(text).map(Vec::as_slice).unwrap_or_default() {
            [one] => operand.kind = OperandKind::Text(one.as_str().to_owned()),
            [] => mistakes.push(Mistake::new(
                "unknown_person",
                operand.span,
                "Jira knows nobody of this name. Write the name as Jira shows it, the e-mail address, or the accountId.",
            )),
            _ => mistakes.push(Mistake::new(
                "ambiguous_person",
                operand.span,
                "Several people are called so. Write the e-mail address or the accountId.",
            )),
        }
    }
    mistakes
}

/// Gives a query its meaning. Each mistake is told, not only the first.
pub(crate) fn resolve(
    query: &ast::Query,
    catalogue: &Catalogue<'_>,
    viewer: &str,
    now: &Zoned,
) -> Result<Typed, Vec<Mistake>> {
    let mut resolving = Resolving { catalogue, viewer, now, mistakes: Vec::new() };
    let filter = query.filter.as_ref().and_then(|filter| resolving.node(filter));
    let order = query.order.iter().filter_map(|sort| resolving.sort(sort)).collect();
    if resolving.mistakes.is_empty() { Ok(Typed { filter, order, now: now.clone() }) } else { Err(resolving.mistakes) }
}

struct Resolving<'r, 'f> {
    catalogue: &'r Catalogue<'f>,
    viewer: &'r str,
    now: &'r Zoned,
    mistakes: Vec<Mistake>,
}

fn field(named: &Named<'_>) -> Field {
    match named {
        Named::BuiltIn(built_in, _) => Field::BuiltIn(*built_in),
        Named::Own(known) => Field::Own(Own {
            id: known.id,
            kind: known.kind.into(),
            default: known.body.default.clone(),
            options: known
                .body
                .options
                .iter()
                .map(|option| (option.id.clone(), fold(&option.label).to_string()))
                .collect(),
            turning: known.body.turning,
        }),
    }
}

fn negate(node: Node, negated: bool) -> Node {
    if negated { Node::Not(Box::new(node)) } else { node }
}

impl Resolving<'_, '_> {
    /// Keeps a mistake and goes on.
    fn keep<T>(&mut self, result: Result<T, Mistake>) -> Option<T> {
        result.map_err(|mistake| self.mistakes.push(mistake)).ok()
    }

    fn node(&mut self, expr: &ast::Expr) -> Option<Node> {
        let all = |this: &mut Self, parts: &[ast::Expr]| -> Vec<Node> {
            parts.iter().filter_map(|part| this.node(part)).collect()
        };
        match expr {
            ast::Expr::All(parts) => Some(Node::All(all(self, parts))),
            ast::Expr::Any(parts) => Some(Node::Any(all(self, parts))),
            ast::Expr::Not(inner) => self.node(inner).map(|inner| Node::Not(Box::new(inner))),
            ast::Expr::Clause(clause) => {
                let result = self.clause(clause);
                self.keep(result)
            }
        }
    }

    fn sort(&mut self, sort: &ast::Sort) -> Option<Sort> {
        let named = self.catalogue.find(&sort.field);
        let named = self.keep(named)?;
        let reason = match (sort.field.organization, named.kind()) {
            (true, _) => Some("A customer can have several organizations, so their fields give no order."),
            (_, _) if matches!(named, Named::BuiltIn(built_in, _) if built_in.is_entitlement()) => {
                Some("An organization can have several entitlements, so they give no order.")
            }
            (_, Kind::Project) => Some("A customer can be in several projects, so they give no order."),
            (_, Kind::User) => Some("People are kept by id here, which gives no order that a reader could follow."),
            _ => None,
        };
        if let Some(reason) = reason {
            self.mistakes.push(Mistake::new("not_sortable", sort.field.span, reason));
            return None;
        }
        Some(Sort { field: field(&named), descending: sort.descending })
    }

    fn clause(&mut self, clause: &ast::Clause) -> Result<Node, Mistake> {
        let named = self.catalogue.find(&clause.field)?;
        let test = |says| Node::Test(Test { organization: clause.field.organization, field: field(&named), says });
        match &clause.test {
            ast::Test::Empty { negated } => Ok(negate(test(Says::Present), !negated)),
            ast::Test::In { negated, any_of } => {
                Ok(negate(test(Says::AnyOf(self.wanted_of(&named, any_of)?)), *negated))
            }
            ast::Test::Compare { operator, span, operand } => {
                let says = match operator {
                    Operator::Equal | Operator::Unequal => Says::AnyOf(self.wanted(&named, operand)?),
                    Operator::Contains | Operator::Lacks => looked_for(&named, *span, operand)?,
                    _ => self.ordered(&named, *operator, *span, operand)?,
                };
                Ok(negate(test(says), matches!(operator, Operator::Unequal | Operator::Lacks)))
            }
            ast::Test::Was { negated, any_of, when, by } => {
                check_history(&named, clause)?;
                let any_of = self.wanted_of(&named, any_of)?;
                let says = Says::Was { any_of, window: self.window(when)?, by: self.by(by.as_ref())? };
                Ok(negate(test(says), *negated))
            }
            ast::Test::Changed { from, to, when, by } => {
                check_history(&named, clause)?;
                let side = |side: &Option<Operand>| side.as_ref().map(|value| self.wanted(&named, value)).transpose();
                let (from, to) = (side(from)?, side(to)?);
                Ok(test(Says::Changed { from, to, window: self.window(when)?, by: self.by(by.as_ref())? }))
            }
        }
    }

    fn window(&self, when: &[When]) -> Result<Window, Mistake> {
        let mut window = Window::default();
        for bound in when {
            let (from, until) = match bound {
                When::Before(moment) => (None, self.edge(moment, false)?),
                When::After(moment) => (self.edge(moment, true)?, None),
                When::On(moment) => {
                    let day = Moment::Day(moment::read(moment, self.now)?.day(self.now));
                    (day.begins(self.now), day.ends(self.now))
                }
                When::During(from, until) => (self.edge(from, false)?, self.edge(until, true)?),
            };
            window.from = window.from.max(from);
            window.until = match (window.until, until) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        Ok(window)
    }

    /// The instant at which a moment begins, or the first one after it.
    fn edge(&self, operand: &Operand, after: bool) -> Result<Option<Timestamp>, Mistake> {
        let moment = moment::read(operand, self.now)?;
        let at = if after { moment.ends(self.now) } else { moment.begins(self.now) };
        at.map(Some).ok_or_else(|| Mistake::new("date", operand.span, "This date lies beyond the calendar."))
    }

    fn by(&self, by: Option<&Operand>) -> Result<Option<String>, Mistake> {
        by.map(|by| self.person(by)).transpose()
    }

    fn person(&self, operand: &Operand) -> Result<String, Mistake> {
        match &operand.kind {
            OperandKind::Text(text) => Ok(text.clone()),
            OperandKind::Function { name, argument: None } if name.eq_ignore_ascii_case(CURRENT_USER) => {
                Ok(self.viewer.to_owned())
            }
            _ => Err(Mistake::new(
                "unknown_function",
                operand.span,
                "A person is expected here, or currentUser() for yourself.",
            )
            .meant(Some(format!("{CURRENT_USER}()")))),
        }
    }

    fn wanted_of(&self, named: &Named<'_>, operands: &[Operand]) -> Result<Vec<Wanted>, Mistake> {
        let mut wanted = Vec::new();
        for operand in operands {
            wanted.extend(self.wanted(named, operand)?);
        }
        Ok(wanted)
    }

    /// What one value means to a field; two options of one spelling are two.
    fn wanted(&self, named: &Named<'_>, operand: &Operand) -> Result<Vec<Wanted>, Mistake> {
        let one = |wanted| Ok(vec![wanted]);
        let wrong = |detail: &'static str| Err(Mistake::new("value", operand.span, detail));
        if operand.kind == OperandKind::Empty {
            return one(Wanted::Empty);
        }
        match named.kind() {
            Kind::Date | Kind::DateTime => return one(Wanted::Moment(moment::read(operand, self.now)?)),
            Kind::User => return one(Wanted::Exact(self.person(operand)?)),
            _ => {}
        }
        let OperandKind::Text(text) = &operand.kind else {
            return wrong("Functions give dates or people; this field holds neither.");
        };
        match named.kind() {
            Kind::Number => match number(text) {
                Some(number) => one(Wanted::Number(number)),
                None => wrong("This field holds numbers, written 12.5."),
            },
            Kind::Boolean => match fold(text).as_str() {
                "true" | "yes" => one(Wanted::Truth(true)),
                "false" | "no" => one(Wanted::Truth(false)),
                _ => wrong("This field holds true or false."),
            },
            Kind::Phone => {
                let country = match named {
                    Named::Own(known) => known.body.country.as_deref(),
                    Named::BuiltIn(..) => None,
                };
                match phone::read(text, country) {
                    Some(number) => one(Wanted::Exact(number)),
                    None if country.is_some() => wrong(
                        "This is no telephone number of the field's country, nor one with + and the country's code, such as +49 30 123456, in quotation marks if it has spaces.",
                    ),
                    None => wrong(
                        "Write + and the country's code first, such as +49 30 123456, in quotation marks if it has spaces, or give the field a country in its settings.",
                    ),
                }
            }
            Kind::Organization => one(Wanted::Organization { id: text.clone(), name: fold(text).to_string() }),
            Kind::Product => self.product(text, operand),
            Kind::Project => self.project(text, operand),
            Kind::Select | Kind::MultiSelect => match named {
                Named::Own(known) => options(known, text, operand),
                Named::BuiltIn(..) => wrong("This field has no options."),
            },
            Kind::Text | Kind::Date | Kind::DateTime | Kind::User => one(Wanted::Text(fold(text).to_string())),
        }
    }

    /// The product that is called so.
    fn product(&self, text: &str, operand: &Operand) -> Result<Vec<Wanted>, Mistake> {
        let wanted = fold(text);
        let products = &self.catalogue.products;
        let found = products.iter().find(|(id, name)| *fold(name) == *wanted || id.to_string() == text);
        if let Some((id, _)) = found {
            return Ok(vec![Wanted::Exact(id.to_string())]);
        }
        let meant = nearest(text, products.iter().map(|(_, name)| *name));
        Err(Mistake::new("unknown_product", operand.span, "There is no such product.")
            .meant(meant.map(|name| ast::quoted(name, false))))
    }

    /// The project that has this key, name or id.
    fn project(&self, text: &str, operand: &Operand) -> Result<Vec<Wanted>, Mistake> {
        let wanted = fold(text);
        let projects = &self.catalogue.projects;
        let found = projects.iter().find(|[id, key, _]| *id == text || *fold(key) == *wanted);
        if let Some([id, ..]) = found.or_else(|| projects.iter().find(|[.., name]| *fold(name) == *wanted)) {
            return Ok(vec![Wanted::Exact((*id).to_owned())]);
        }
        let meant = nearest(text, projects.iter().flat_map(|[_, key, name]| [*key, *name]));
        Err(Mistake::new("unknown_project", operand.span, "There is no such service project.")
            .meant(meant.map(|name| ast::quoted(name, false))))
    }

    fn ordered(
        &self,
        named: &Named<'_>,
        operator: Operator,
        sign: ast::Span,
        operand: &Operand,
    ) -> Result<Says, Mistake> {
        if !named.kind().is_ordered() {
            let meant = if named.kind().is_text() { "~" } else { "=" };
            return Err(Mistake::new("operator", sign, "Only numbers and dates are more or less than others.")
                .meant(Some(meant.to_owned())));
        }
        let comparison = match operator {
            Operator::Less => Comparison::Less,
            Operator::LessOrEqual => Comparison::LessOrEqual,
            Operator::Greater => Comparison::Greater,
            _ => Comparison::GreaterOrEqual,
        };
        match self.wanted(named, operand)?.as_slice() {
            [Wanted::Number(number)] => Ok(Says::Order(comparison, Scalar::Number(*number))),
            [Wanted::Moment(moment)] => Ok(Says::Order(comparison, Scalar::Moment(*moment))),
            _ => Err(Mistake::new("value", operand.span, "EMPTY is neither more nor less. Ask with IS EMPTY.")),
        }
    }
}

fn check_history(named: &Named<'_>, clause: &ast::Clause) -> Result<(), Mistake> {
    match named {
        Named::Own(_) => Ok(()),
        Named::BuiltIn(built_in, _) if *built_in == BuiltIn::Updated || built_in.is_entitlement() => Err(Mistake::new(
            "no_history",
            clause.field.span,
            "Queries look back on fields of your own only. The organization's page shows the history of its entitlements.",
        )),
        Named::BuiltIn(..) => Err(Mistake::new(
            "no_history",
            clause.field.span,
            "This comes from Jira, which tells no history of it. WAS and CHANGED are for fields of your own.",
        )),
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

/// The options that are called so; retired ones too, because values may still hold them.
fn options(known: &Known<'_>, text: &str, operand: &Operand) -> Result<Vec<Wanted>, Mistake> {
    let wanted = fold(text);
    let options = &known.body.options;
    let found: Vec<Wanted> = options
        .iter()
        .filter(|option| *fold(&option.label) == *wanted || option.id == text)
        .map(|option| Wanted::Exact(option.id.clone()))
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let meant = nearest(text, options.iter().map(|option| option.label.as_str()));
    Err(Mistake::new("unknown_option", operand.span, "This field has no such option.")
        .meant(meant.map(|label| ast::quoted(label, false))))
}

fn looked_for(named: &Named<'_>, sign: ast::Span, operand: &Operand) -> Result<Says, Mistake> {
    if !named.kind().is_text() {
        return Err(Mistake::new("operator", sign, "~ looks for words in a text; this field holds none.")
            .meant(Some("=".to_owned())));
    }
    let OperandKind::Text(text) = &operand.kind else {
        return Err(Mistake::new("value", operand.span, "~ takes the words to look for."));
    };
    if named.kind() == Kind::Phone {
        let groups = || text.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty());
        // Nothing but zeroes is what it is.
        let digits = Some(phone::joined(groups())).filter(|digits| !digits.is_empty());
        let digits = digits.unwrap_or_else(|| groups().collect());
        return if digits.is_empty() {
            Err(Mistake::new("value", operand.span, "Write digits of the number to look for."))
        } else {
            Ok(Says::Digits(digits))
        };
    }
    match text::wanted_words(text) {
        words if words.is_empty() => {
            Err(Mistake::new("value", operand.span, "Write at least one word or number to look for."))
        }
        words if words.len() > WORDS => {
            Err(Mistake::new("too_many", operand.span, format!("At most {WORDS} words are looked for at once."))
                .limited(WORDS))
        }
        words => Ok(Says::Contains(words)),
    }
}
