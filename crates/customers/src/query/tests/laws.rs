//! Laws that hold for every query, and texts that are none.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::company::Company;
use crate::query::ast::{self, Expr, Operand, OperandKind, Operator, Query, Span, When};
use crate::query::mistake::byte_at;
use crate::query::{LENGTH_CHARS, complete, is_query, parse};

fn words() -> BoxedStrategy<String> {
    prop_oneof![
        Just("and".to_owned()),
        Just("IS".to_owned()),
        Just(String::new()),
        Just("a\\b".to_owned()),
        Just("x\"y'z".to_owned()),
        Just("organization".to_owned()),
        "[A-Za-zäß0-9 .,:()=<>~!*+@-]{0,12}",
        "\\PC{0,6}",
    ]
    .boxed()
}

fn operands() -> BoxedStrategy<Operand> {
    let kind = prop_oneof![
        1 => Just(OperandKind::Empty),
        4 => words().prop_map(OperandKind::Text),
        1 => ("[a-zA-Z]{1,10}", proptest::option::of(words())).prop_map(|(name, argument)| OperandKind::Function { name, argument }),
    ];
    kind.prop_map(|kind| Operand { kind, span: Span::default() }).boxed()
}

fn filled(operand: Operand) -> Operand {
    match operand.kind {
        OperandKind::Empty => Operand { kind: OperandKind::Text("x".to_owned()), ..operand },
        _ => operand,
    }
}

fn field_names() -> impl Strategy<Value = ast::FieldName> {
    (any::<bool>(), words()).prop_map(|(organization, name)| ast::FieldName {
        organization,
        name,
        span: Span::default(),
    })
}

fn tests() -> BoxedStrategy<ast::Test> {
    let when = || {
        let moment = || operands().prop_map(filled);
        proptest::collection::vec(
            prop_oneof![
                moment().prop_map(When::Before),
                moment().prop_map(When::After),
                moment().prop_map(When::On),
                (moment(), moment()).prop_map(|(from, until)| When::During(from, until)),
            ],
            0..3,
        )
    };
    let by = || proptest::option::of(operands().prop_map(filled));
    let operator = (0..Operator::ALL.len()).prop_map(|at| Operator::ALL[at].0);
    prop_oneof![
        (operator, operands()).prop_map(|(operator, operand)| ast::Test::Compare {
            operator,
            span: Span::default(),
            operand
        }),
        (any::<bool>(), proptest::collection::vec(operands(), 1..4))
            .prop_map(|(negated, any_of)| ast::Test::In { negated, any_of }),
        any::<bool>().prop_map(|negated| ast::Test::Empty { negated }),
        (any::<bool>(), proptest::collection::vec(operands(), 1..3), when(), by())
            .prop_map(|(negated, any_of, when, by)| ast::Test::Was { negated, any_of, when, by }),
        (proptest::option::of(operands()), proptest::option::of(operands()), when(), by())
            .prop_map(|(from, to, when, by)| ast::Test::Changed { from, to, when, by }),
    ]
    .boxed()
}

fn trees(clause: impl Strategy<Value = Expr> + 'static) -> impl Strategy<Value = Expr> {
    clause.boxed().prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Expr::All),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Expr::Any),
            inner.prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
}

fn queries() -> impl Strategy<Value = Query> {
    let clause = (field_names(), tests()).prop_map(|(field, test)| Expr::Clause(Box::new(ast::Clause { field, test })));
    let sort = (field_names(), any::<bool>()).prop_map(|(field, descending)| ast::Sort { field, descending });
    (proptest::option::of(trees(clause)), proptest::collection::vec(sort, 0..3))
        .prop_map(|(filter, order)| Query { filter, order })
}

/// Trees of conditions that have a meaning in the company.
fn meaningful() -> impl Strategy<Value = Expr> {
    let clauses = [
        "tier = Gold",
        "tier != Gold",
        "tier IS EMPTY",
        "bikes > 0",
        "bikes <= -3",
        "renewal < 30d",
        "speaks IN (German, EMPTY)",
        "organization.country = DE",
        "organization.hours > 1",
        "tier WAS Silver",
        "tier CHANGED AFTER -7d",
        "name ~ anna",
        "plan = basic",
        "project = HELP",
        "project IN (hr, EMPTY)",
    ];
    trees((0..clauses.len()).prop_map(move |at| parse(clauses[at]).unwrap().filter.unwrap()))
}

fn found(company: &Company, filter: Expr) -> BTreeSet<String> {
    let typed = company.typed_tree(&mut Query { filter: Some(filter), order: Vec::new() }).unwrap();
    company.matching(&typed).into_iter().collect()
}

fn not(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(query in queries()) {
        let printed = query.to_string();
        if printed.chars().count() <= LENGTH_CHARS {
            prop_assert_eq!(parse(&printed).map_err(|mistake| format!("{mistake:?} in {printed}")), Ok(query));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}|[a-c \"'()=<>!~,.*\\\\]{0,40}", cursor in 0usize..70) {
        let company = Company::new();
        let _ = company.typed(&text);
        let _ = is_query(&text);
        let cursor = byte_at(&text, cursor);
        let offered = complete::complete(&text, cursor, &company.catalogue());
        prop_assert!(text.get(offered.replaces.start..offered.replaces.end).is_some());
        if let Err(mistake) = parse(&text) {
            prop_assert!(text.get(mistake.span.start..mistake.span.end).is_some());
        }
    }

    #[test]
    fn not_is_the_complement(filter in meaningful()) {
        let company = Company::new();
        let everybody: BTreeSet<String> = company.customers.iter().map(|record| record.own.id.clone()).collect();
        let (yes, no) = (found(&company, filter.clone()), found(&company, not(filter.clone())));
        prop_assert!(yes.is_disjoint(&no));
        prop_assert_eq!(yes.union(&no).cloned().collect::<BTreeSet<_>>(), everybody);
        prop_assert_eq!(found(&company, not(not(filter))), yes);
    }

    #[test]
    fn de_morgan_holds(a in meaningful(), b in meaningful()) {
        let company = Company::new();
        let left = not(Expr::All(vec![a.clone(), b.clone()]));
        let right = Expr::Any(vec![not(a.clone()), not(b.clone())]);
        prop_assert_eq!(found(&company, left), found(&company, right));
        let left = not(Expr::Any(vec![a.clone(), b.clone()]));
        prop_assert_eq!(found(&company, left), found(&company, Expr::All(vec![not(a), not(b)])));
    }

    #[test]
    fn a_printed_query_means_the_same(filter in meaningful()) {
        let company = Company::new();
        let printed = parse(&filter.to_string()).unwrap().filter.unwrap();
        prop_assert_eq!(found(&company, printed), found(&company, filter));
    }
}
