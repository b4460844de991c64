//! Fields of issues that values can be copied into: which there are, what one issue has in them, and writing them.

use kernel::{Fault, Result};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::{IssueRef, Jira};
use crate::markup::Document;

/// Fields of a site that are looked at; Jira itself advises against more than some thousand.
const FIELDS: usize = 5_000;
/// Jira's bound for a line of text.
const LINE_CHARS: usize = 255;
/// Jira's bound for a text of several lines.
const PARAGRAPH_CHARS: usize = 32_767;
/// Jira's bound for a label.
const LABEL_CHARS: usize = 255;

/// What a field of an issue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IssueFieldKind {
    /// One line of text.
    Line,
    /// Lines of text.
    Paragraph,
    /// An address of a page.
    Url,
    /// A number.
    Number,
    /// A day.
    Date,
    /// An instant.
    DateTime,
    /// One of its options, by name.
    Select,
    /// Some of its options, by name.
    MultiSelect,
    /// Labels.
    Labels,
}

/// A field of issues, as the site has it.
pub struct IssueField {
    /// Its id: `labels`, `customfield_10050`.
    pub id: String,
    /// Its name, which administrators gave it.
    pub name: String,
    /// What it holds.
    pub kind: IssueFieldKind,
}

#[derive(Deserialize)]
struct Told {
    id: String,
    #[serde(default)]
    name: String,
    schema: Option<Schema>,
}

#[derive(Deserialize)]
struct Schema {
    custom: Option<String>,
    system: Option<String>,
}

impl Schema {
    /// None for fields that have rules of their own (people, versions, what apps make).
    fn kind(&self) -> Option<IssueFieldKind> {
        if self.system.as_deref() == Some("labels") {
            return Some(IssueFieldKind::Labels);
        }
        let kind = self.custom.as_deref()?.strip_prefix("com.atlassian.jira.plugin.system.customfieldtypes:")?;
        Some(match kind {
            "textfield" => IssueFieldKind::Line,
            "textarea" => IssueFieldKind::Paragraph,
            "url" => IssueFieldKind::Url,
            "float" => IssueFieldKind::Number,
            "datepicker" => IssueFieldKind::Date,
            "datetime" => IssueFieldKind::DateTime,
            "select" | "radiobuttons" => IssueFieldKind::Select,
            "multiselect" | "multicheckboxes" => IssueFieldKind::MultiSelect,
            "labels" => IssueFieldKind::Labels,
            _ => return None,
        })
    }
}

#[derive(Deserialize)]
struct OneIssue {
    #[serde(default)]
    fields: Map<String, Value>,
}

impl Jira<'_> {
    /// The fields of the site's issues that a value can be copied into, by name.
    pub async fn issue_fields(&self) -> Result<Vec<IssueField>> {
        let told: Vec<Told> = self.call(Call::get("/rest/api/3/field")).await?;
        let known = told.into_iter().take(FIELDS).filter_map(|field| {
            let kind = field.schema.as_ref()?.kind()?;
            Some(IssueField { id: field.id, name: field.name, kind })
        });
        let mut known: Vec<IssueField> = known.collect();
        known.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(known)
    }

    /// Those of some fields that hold nothing on an issue, or are not on it.
    pub async fn empty_fields<'f>(&self, issue: &IssueRef, fields: &[&'f str]) -> Result<Vec<&'f str>> {
        let call = Call::get("/rest/api/3/issue/{issue}").place(issue.as_str()).query("fields", fields.join(","));
        let found: OneIssue = self.call(call).await?;
        let is_empty = |value: &Value| match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(all) => all.is_empty(),
            _ => false,
        };
        Ok(fields.iter().copied().filter(|id| found.fields.get(*id).is_none_or(is_empty)).collect())
    }

    /// What is to be written into a field of this kind for texts that say it; none where it does not fit: `too_long`, or nothing of that kind.
    pub async fn field_value(&self, kind: IssueFieldKind, said: &[Value]) -> Result<Value> {
        let data_center = self.is_data_center().await?;
        shape(kind, said, data_center)
    }

    /// Writes fields of an issue, all or none.
    pub async fn edit_issue(&self, issue: &IssueRef, fields: Map<String, Value>) -> Result<()> {
        let call = Call::new(Method::PUT, "/rest/api/3/issue/{issue}")
            .place(issue.as_str())
            .writes(issue.as_str())
            .body(json!({"fields": fields}));
        self.tell(call).await
    }
}

/// A value as Jira takes it. What is said is one text, number, truth, day or instant, or several.
fn shape(kind: IssueFieldKind, said: &[Value], data_center: bool) -> Result<Value> {
    let first = said.first().unwrap_or(&Value::Null);
    Ok(match kind {
        IssueFieldKind::Line | IssueFieldKind::Url => Value::String(within(listed(said), LINE_CHARS)?),
        IssueFieldKind::Paragraph => {
            let document = Document::from_text(&within(listed(said), PARAGRAPH_CHARS)?);
            if data_center { document.to_wiki().into() } else { document.to_adf() }
        }
        IssueFieldKind::Number | IssueFieldKind::Date => first.clone(),
        IssueFieldKind::DateTime => {
            let at: Option<jiff::Timestamp> = first.as_str().and_then(|text| text.parse().ok());
            // Jira's own form, whose offset has no colon.
            at.map_or(Value::Null, |at| at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string().into())
        }
        IssueFieldKind::Select => json!({"value": text(first)}),
        IssueFieldKind::MultiSelect => said.iter().map(|one| json!({"value": text(one)})).collect(),
        IssueFieldKind::Labels => {
            // A label is one word.
            let labels =
                said.iter().map(|one| within(text(one).split_whitespace().collect::<Vec<_>>().join("_"), LABEL_CHARS));
            labels.map(|label| label.map(Value::String)).collect::<Result<Vec<_>>>()?.into()
        }
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "Yes".to_owned(),
        Value::Bool(false) => "No".to_owned(),
        other => other.to_string(),
    }
}

fn listed(said: &[Value]) -> String {
    said.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn within(text: String, chars: usize) -> Result<String> {
    if text.chars().count() > chars {
        return Err(Fault::invalid("too_long", format!("The field in Jira holds {chars} characters at most.")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn values_have_jiras_shapes() {
        #[track_caller]
        fn check(kind: IssueFieldKind, said: Value, expected: Value) {
            assert_eq!(shape(kind, said.as_array().unwrap(), false).unwrap(), expected);
        }
        check(IssueFieldKind::Line, json!(["Gold"]), json!("Gold"));
        check(IssueFieldKind::Line, json!(["Gold", true, 3]), json!("Gold, Yes, 3"));
        check(IssueFieldKind::Number, json!([3.5]), json!(3.5));
        check(IssueFieldKind::Date, json!(["2026-01-31"]), json!("2026-01-31"));
        check(IssueFieldKind::DateTime, json!(["2026-01-31T13:45Z"]), json!("2026-01-31T13:45:00.000+0000"));
        check(IssueFieldKind::Select, json!(["Gold", "Silver"]), json!({"value": "Gold"}));
        check(IssueFieldKind::MultiSelect, json!(["Gold", "Silver"]), json!([{"value": "Gold"}, {"value": "Silver"}]));
        check(IssueFieldKind::Labels, json!(["Very  important"]), json!(["Very_important"]));
        let lines = shape(IssueFieldKind::Paragraph, &[json!("a\nb")], true).unwrap();
        assert_eq!(lines, Document::from_text("a\nb").to_wiki());
        let long = shape(IssueFieldKind::Line, &[json!("x".repeat(256))], false);
        assert_eq!(long.map_err(|fault| fault.code()), Err("too_long"));
    }

    #[test]
    fn only_plain_fields_are_offered() {
        let kind = |schema: Value| serde_json::from_value::<Schema>(schema).unwrap().kind();
        let custom = |name: &str| {
            kind(json!({"type": "x", "custom": format!("com.atlassian.jira.plugin.system.customfieldtypes:{name}")}))
        };
        assert_eq!(custom("textfield"), Some(IssueFieldKind::Line));
        assert_eq!(custom("userpicker"), None);
        assert_eq!(kind(json!({"type": "array", "system": "labels"})), Some(IssueFieldKind::Labels));
        assert_eq!(kind(json!({"type": "string", "system": "summary"})), None);
        assert_eq!(
            kind(json!({"type": "array", "custom": "com.atlassian.servicedesk:sd-customer-organizations"})),
            None
        );
    }
}
