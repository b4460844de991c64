//! /panel: what stands beside an issue.

use axum::extract::State;
use kernel::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{Person, Problem, ProblemBody, Query, Reply, Way};

use crate::Room;
use crate::actions::directory;
use crate::actions::panel::{self, PersonRole};
use crate::http::entitlements::{EntitlementView, Showing, today};
use crate::http::fields::FieldView;
use crate::http::people::{CountsView, CustomerView};
use crate::http::sections::SectionView;
use crate::http::values::{ValueSetView, authors};
use crate::model::Permission;

pub(crate) fn routes() -> OpenApiRouter<Room> {
    OpenApiRouter::new().routes(routes!(read_panel))
}

/// Which issue, and whom of its people.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PanelQuery {
    /// Issue id or key.
    issue: String,
    /// Whose fields; the reporter's if left out.
    #[param(value_type = Option<String>)]
    person: Option<AccountId>,
}

/// The issue.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct IssueView {
    /// Its id.
    id: String,
    /// Its key.
    key: String,
    /// Its project.
    project_id: String,
}

/// Somebody of the issue.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct IssuePersonView {
    /// Their account.
    account_id: String,
    /// Their name, as Jira has it.
    display_name: Option<String>,
    /// What they are to the issue.
    roles: Vec<PersonRole>,
}

/// An organization of the person, with its fields' values.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PanelOrganization {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// Its requests.
    counts: Option<CountsView>,
    /// Its values.
    values: ValueSetView,
    /// What it is entitled to, by the names of the products.
    entitlements: Vec<EntitlementView>,
}

/// The person whose fields are shown.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SelectedView {
    /// The person; where the issue names one who was merged, the one who was kept.
    customer: CustomerView,
    /// Whom the issue names, where they were merged into this person.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_account_id: Option<String>,
    /// Their requests; null when Jira could not be asked just now.
    counts: Option<CountsView>,
    /// Their time zone.
    local_time_zone: Option<String>,
    /// Their language.
    locale: Option<String>,
    /// Their values.
    values: ValueSetView,
    /// Their organizations; at most 20.
    organizations: Vec<PanelOrganization>,
    /// How many more organizations they have.
    more_organizations: usize,
}

/// What stands beside an issue.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PanelView {
    /// The issue.
    issue: IssueView,
    /// Its reporter and participants: the first 200, and whoever is looked at.
    people: Vec<IssuePersonView>,
    /// How many more there are; where more than 1,000 take part, at least so many.
    more_people: usize,
    /// Sections of both entities.
    sections: Vec<SectionView>,
    /// Fields of both entities that apply to this project.
    fields: Vec<FieldView>,
    /// The person whose fields are shown; null when the issue has none.
    selected: Option<SelectedView>,
    /// What the caller may do.
    permissions: Vec<Permission>,
}

/// Read what stands beside an issue
#[utoipa::path(get, path = "/panel", tag = "panel", params(PanelQuery),
    responses((status = 200, body = PanelView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
#[web::boxed]
async fn read_panel(
    State(room): State<Room>,
    Person(caller): Person,
    Query(query): Query<PanelQuery>,
) -> Result<Reply, Problem> {
    let panel = panel::read_panel(&caller.cx, &room, &query.issue, query.person).await?;
    let accounts: Vec<AccountId> = panel.people.iter().map(|person| person.account.clone()).collect();
    let names = directory::names(&caller.cx, &room, &accounts).await?;
    let mut writers = Vec::new();
    if let Some(selected) = &panel.selected {
        writers.extend(selected.values.values.iter().map(|value| &value.updated_by));
        for organization in &selected.organizations {
            writers.extend(organization.values.values.iter().map(|value| &value.updated_by));
            writers.extend(organization.entitlements.iter().map(|entitlement| &entitlement.updated_by));
        }
    }
    let authors = authors(&caller.cx, &room, writers.into_iter()).await?;
    let today = today(&caller.cx, &room, caller.from.time_zone.as_deref()).await?;
    let showing = Showing { products: &panel.products, today, authors: Some(&authors) };
    let shown = Reply::shown(Way::Panel, |exit| PanelView {
        issue: IssueView {
            id: panel.issue.id.to_string(),
            key: panel.issue.key,
            project_id: panel.issue.project.to_string(),
        },
        people: panel
            .people
            .into_iter()
            .map(|person| IssuePersonView {
                display_name: names.get(&person.account).map(|name| name.peek().name.clone()),
                account_id: person.account.to_string(),
                roles: person.roles,
            })
            .collect(),
        more_people: panel.more_people,
        sections: panel.sections.into_iter().map(|section| SectionView::of(section, exit)).collect(),
        fields: panel.fields.into_iter().map(|field| FieldView::of(field, exit)).collect(),
        selected: panel.selected.map(|selected| {
            let customer = CustomerView::of(selected.customer, exit);
            SelectedView {
                local_time_zone: selected.time_zone,
                locale: selected.locale,
                counts: selected.counts.map(CountsView::from),
                values: ValueSetView::of(selected.values, &authors, exit),
                organizations: selected
                    .organizations
                    .into_iter()
                    .map(|organization| PanelOrganization {
                        id: organization.id.to_string(),
                        name: organization.name.release(exit),
                        counts: organization.counts.map(CountsView::from),
                        values: ValueSetView::of(organization.values, &authors, exit),
                        entitlements: EntitlementView::of_all(organization.entitlements, &showing, exit),
                    })
                    .collect(),
                merged_account_id: selected.merged.map(|account| account.to_string()),
                more_organizations: selected.more_organizations,
                customer,
            }
        }),
        permissions: panel.permissions.into_iter().collect(),
    });
    Ok(shown.recorded(&caller.cx, &room.shared).await?)
}
