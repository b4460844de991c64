//! Where people stand in Data Center's answers: pure. A person is an object that has a key, a name and a name to show; nothing
//! else in these answers has all three.

use serde_json::{Map, Value};

use super::Named;
use kernel::AccountId;

fn text<'v>(object: &'v Map<String, Value>, field: &str) -> Option<&'v str> {
    object.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn person(object: &Map<String, Value>) -> Option<Named> {
    object.get("displayName")?;
    Some(Named { key: text(object, "key")?.to_owned(), name: text(object, "name")?.to_owned() })
}

/// The people of an answer, in the order in which they stand there.
pub(super) fn people(answer: &Value) -> Vec<Named> {
    let mut found = Vec::new();
    let mut next = vec![answer];
    while let Some(value) = next.pop() {
        match value {
            Value::Object(object) => {
                found.extend(person(object));
                next.extend(object.values());
            }
            Value::Array(items) => next.extend(items),
            _ => {}
        }
    }
    found
}

/// Writes the id of each person where Cloud has it. `accounts` are in the order of [`people`].
pub(super) fn identify(answer: &mut Value, accounts: &[AccountId]) {
    let mut accounts = accounts.iter();
    let mut next = vec![answer];
    while let Some(value) = next.pop() {
        match value {
            Value::Object(object) => {
                if person(object).is_some()
                    && let Some(account) = accounts.next()
                {
                    // Text has nothing in it, so that the order in which one goes on stays.
                    object.insert("accountId".to_owned(), account.as_str().into());
                }
                next.extend(object.values_mut());
            }
            Value::Array(items) => next.extend(items),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use serde_json::json;

    #[test]
    fn people_are_found_wherever_they_stand_and_nobody_else() {
        #[track_caller]
        fn check(answer: Value, expected: &[&str]) {
            let mut answer = answer;
            let found: Vec<String> = people(&answer).iter().map(|named| named.key.clone()).collect();
            let mut sorted = found.clone();
            sorted.sort();
            assert_eq!(sorted, expected, "{answer}");
            let ids: Vec<AccountId> = found.iter().map(|key| AccountId::new(format!("id-{key}")).unwrap()).collect();
            identify(&mut answer, &ids);
            let mut seen = Vec::new();
            let mut next = vec![&answer];
            while let Some(value) = next.pop() {
                match value {
                    Value::Object(object) => {
                        if let (Some(id), Some(name)) = (text(object, "accountId"), text(object, "name")) {
                            seen.push(format!("{id} {name}"));
                        }
                        next.extend(object.values());
                    }
                    Value::Array(items) => next.extend(items),
                    _ => {}
                }
            }
            seen.sort();
            let wanted: Vec<String> = expected.iter().map(|key| format!("id-{key} name-{key}")).collect();
            assert_eq!(seen, wanted, "each has its own id");
        }
        let user = |key: &str| json!({"key": key, "name": format!("name-{key}"), "displayName": "Private", "emailAddress": "p@x.example"});
        check(user("a"), &["a"]);
        check(json!([user("b"), user("a")]), &["a", "b"]);
        check(
            json!({"id": "1", "key": "HELP-1", "fields": {"project": {"key": "HELP", "name": "Help"}, "reporter": user("r"),
                "assignee": user("q"), "status": {"name": "Open"}}}),
            &["q", "r"],
        );
        check(json!({"values": [{"author": user("x"), "parts": [user("y")]}]}), &["x", "y"]);
        check(json!({"key": "K", "name": "no name to show"}), &[]);
        check(json!({"key": "", "name": "n", "displayName": "d"}), &[]);
        check(json!({"name": "n", "displayName": "a role's actor"}), &[]);
        check(json!("text"), &[]);
    }
}
