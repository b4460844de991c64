//! The directory: who is a customer, which organizations there are, who belongs where. A cache of the host's.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;
use kernel::{AccountId, OrganizationId, ProjectId, Result, RowName, Sealed};
use store::{Scoped, args};

use crate::model::{Entity, Owner};

const CUSTOMER_PUT: &str = "INSERT INTO customer (tenant, account, synced_at) VALUES {rows} \
     ON CONFLICT (tenant, account) DO UPDATE SET synced_at = excluded.synced_at";
const CUSTOMER_MADE: &str = "INSERT INTO customer (tenant, account, synced_at, made) VALUES {rows} \
     ON CONFLICT (tenant, account) DO UPDATE SET synced_at = excluded.synced_at, made = excluded.made";
const CUSTOMER_UNSEEN: &str = "SELECT account FROM customer WHERE tenant = $1 AND made AND synced_at < $2 AND account > $3 \
     UNION SELECT owner FROM customer_value WHERE tenant = $1 AND owner > $3 AND NOT EXISTS (SELECT 1 FROM customer \
     WHERE tenant = $1 AND account = customer_value.owner AND synced_at >= $2) ORDER BY 1 LIMIT $4";
const CUSTOMER_LIST: &str = "SELECT account FROM customer WHERE tenant = $1 AND account > $2 ORDER BY account LIMIT $3";
const CUSTOMER_GET: &str = "SELECT account FROM customer WHERE tenant = $1 AND account = $2";
const CUSTOMER_KNOWN: &str = "WITH asked (tenant, account) AS (VALUES {rows}) \
     SELECT held.account AS id FROM asked CROSS JOIN customer AS held \
     WHERE asked.tenant = $1 AND held.tenant = asked.tenant AND held.account = asked.account";
const CUSTOMER_DROP_OLD: &str = "DELETE FROM customer WHERE tenant = $1 AND synced_at < $2";
const ORGANIZATION_PUT: &str = "INSERT INTO organization (tenant, organization, name, synced_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (tenant, organization) DO UPDATE SET name = excluded.name, synced_at = excluded.synced_at";
const ORGANIZATION_GET: &str = "SELECT name FROM organization WHERE tenant = $1 AND organization = $2";
const ORGANIZATION_KNOWN: &str = "WITH asked (tenant, organization) AS (VALUES {rows}) \
     SELECT held.organization AS id FROM asked CROSS JOIN organization AS held \
     WHERE asked.tenant = $1 AND held.tenant = asked.tenant AND held.organization = asked.organization";
const ORGANIZATION_LIST: &str = "SELECT organization, name FROM organization WHERE tenant = $1 \
     AND organization > $2 ORDER BY organization LIMIT $3";
const ORGANIZATION_DROP_OLD: &str = "DELETE FROM organization WHERE tenant = $1 AND synced_at < $2";
const MEMBERSHIP_PUT: &str = "INSERT INTO membership (tenant, organization, account, synced_at) VALUES {rows} \
     ON CONFLICT (tenant, organization, account) DO UPDATE SET synced_at = excluded.synced_at";
const MEMBERSHIP_LIST: &str = "SELECT organization, account FROM membership WHERE tenant = $1 \
     AND (organization > $2 OR (organization = $2 AND account > $3)) ORDER BY organization, account LIMIT $4";
const MEMBERSHIP_GET: &str = "SELECT account FROM membership WHERE tenant = $1 AND organization = $2 AND account = $3";
const MEMBERSHIP_KNOWN: &str = "WITH asked (tenant, organization, account) AS (VALUES {rows}) \
     SELECT held.account FROM asked CROSS JOIN membership AS held WHERE asked.tenant = $1 AND held.tenant = asked.tenant \
     AND held.organization = asked.organization AND held.account = asked.account";
const MEMBERSHIP_DELETE: &str = "DELETE FROM membership WHERE tenant = $1 AND organization = $2 AND account = $3";
const MEMBERSHIP_OLD: &str = "SELECT organization, account FROM membership WHERE tenant = $1 AND synced_at < $2 \
     ORDER BY organization, account LIMIT $3";
const PROJECT_CUSTOMER_PUT: &str = "INSERT INTO project_customer (tenant, project, account, synced_at) \
     VALUES {rows} ON CONFLICT (tenant, project, account) DO UPDATE SET synced_at = excluded.synced_at";
const PROJECT_CUSTOMER_GET: &str =
    "SELECT account FROM project_customer WHERE tenant = $1 AND project = $2 AND account = $3";
const PROJECTS_OF_CUSTOMER: &str = "SELECT project FROM project_customer WHERE tenant = $1 AND account = $2";
const PROJECT_CUSTOMER_LIST: &str = "SELECT project, account FROM project_customer WHERE tenant = $1 \
     AND (project > $2 OR (project = $2 AND account > $3)) ORDER BY project, account LIMIT $4";
/// How many rows there are, and when the newest was written: what was read from them stands while this does.
const STAMPS: [&str; 5] = [
    "SELECT COUNT(*) AS n, MAX(synced_at) AS newest FROM customer WHERE tenant = $1",
    "SELECT COUNT(*) AS n, MAX(synced_at) AS newest FROM organization WHERE tenant = $1",
    "SELECT COUNT(*) AS n, MAX(synced_at) AS newest FROM membership WHERE tenant = $1",
    "SELECT COUNT(*) AS n, MAX(synced_at) AS newest FROM project_customer WHERE tenant = $1",
    "SELECT COUNT(*) AS n, MAX(version) AS newest FROM customer_merge WHERE tenant = $1",
];
const MEMBERSHIP_DROP_OLD: &str = "DELETE FROM membership WHERE tenant = $1 AND synced_at < $2";
const PROJECT_CUSTOMER_DELETE: &str =
    "DELETE FROM project_customer WHERE tenant = $1 AND project = $2 AND account = $3";
const PROJECT_CUSTOMER_DROP_OLD: &str = "DELETE FROM project_customer WHERE tenant = $1 AND synced_at < $2";

/// The row's name of an organization in associated data.
pub(crate) fn organization_row(id: &OrganizationId) -> RowName {
    RowName::new().text(id.as_str())
}

/// Notes that these are customers.
pub(crate) async fn customers_put<'a>(
    scoped: &mut Scoped,
    accounts: impl IntoIterator<Item = &'a AccountId>,
    at: Timestamp,
) -> Result<()> {
    let rows = each_once(accounts).into_iter().map(|account| args![account, at]).collect();
    scoped.run_rows(CUSTOMER_PUT, rows).await.map(drop)
}

/// Notes that these were made from here: Jira has them, whether or not one of its lists does.
pub(crate) async fn customers_made<'a>(
    scoped: &mut Scoped,
    accounts: impl IntoIterator<Item = &'a AccountId>,
    at: Timestamp,
) -> Result<()> {
    let rows = each_once(accounts).into_iter().map(|account| args![account, at, true]).collect();
    scoped.run_rows(CUSTOMER_MADE, rows).await.map(drop)
}

/// Whom the last complete reading did not see, and who were made from here or have values, in the order of their ids.
pub(crate) async fn customers_unseen(
    scoped: &mut Scoped,
    since: Timestamp,
    after: &str,
    limit: u32,
) -> Result<Vec<AccountId>> {
    let rows = scoped.rows(CUSTOMER_UNSEEN, args![since, after, limit]).await?;
    rows.iter().map(|row| AccountId::new(row.text("account")?)).collect()
}

/// A page of Jira's may name somebody twice; a statement may not.
fn each_once<'a>(accounts: impl IntoIterator<Item = &'a AccountId>) -> BTreeSet<&'a AccountId> {
    accounts.into_iter().collect()
}

/// Accounts after `after`, in the order of their ids.
pub(crate) async fn customer_list(scoped: &mut Scoped, after: &str, limit: u32) -> Result<Vec<AccountId>> {
    scoped
        .rows(CUSTOMER_LIST, args![after, limit])
        .await?
        .iter()
        .map(|row| AccountId::new(row.text("account")?))
        .collect()
}

pub(crate) async fn customer_exists(scoped: &mut Scoped, account: &AccountId) -> Result<bool> {
    Ok(scoped.row(CUSTOMER_GET, args![account]).await?.is_some())
}

/// The ids of those of these owners of one kind that the directory knows.
pub(crate) async fn known_of(scoped: &mut Scoped, owners: &[Owner]) -> Result<HashSet<String>> {
    let Some(first) = owners.first() else { return Ok(HashSet::new()) };
    let text = match first.entity() {
        Entity::Customer => CUSTOMER_KNOWN,
        Entity::Organization => ORGANIZATION_KNOWN,
    };
    let keys: Vec<_> = owners.iter().map(|owner| args![owner.id()]).collect();
    scoped.rows_of(text, &keys).await?.iter().map(|row| row.text("id")).collect()
}

pub(crate) async fn organization_put(
    scoped: &mut Scoped,
    id: &OrganizationId,
    name: Sealed<String>,
    at: Timestamp,
) -> Result<()> {
    scoped.run(ORGANIZATION_PUT, args![id, name, at]).await.map(drop)
}

pub(crate) async fn organization_get(scoped: &mut Scoped, id: &OrganizationId) -> Result<Option<Sealed<String>>> {
    scoped.row(ORGANIZATION_GET, args![id]).await?.map(|row| row.sealed("name")).transpose()
}

/// Organizations after `after`, in the order of their ids.
pub(crate) async fn organization_list(
    scoped: &mut Scoped,
    after: &str,
    limit: u32,
) -> Result<Vec<(OrganizationId, Sealed<String>)>> {
    scoped
        .rows(ORGANIZATION_LIST, args![after, limit])
        .await?
        .iter()
        .map(|row| Ok((OrganizationId::new(row.text("organization")?)?, row.sealed("name")?)))
        .collect()
}

/// Notes that these belong to an organization; answers those of whom it was not known.
pub(crate) async fn memberships_put<'a>(
    scoped: &mut Scoped,
    organization: &OrganizationId,
    accounts: impl IntoIterator<Item = &'a AccountId>,
    at: Timestamp,
) -> Result<Vec<AccountId>> {
    let accounts = each_once(accounts);
    let keys: Vec<_> = accounts.iter().map(|account| args![organization, *account]).collect();
    let known = scoped.rows_of(MEMBERSHIP_KNOWN, &keys).await?;
    let known = known.iter().map(|row| row.text("account")).collect::<Result<HashSet<String>>>()?;
    let rows = accounts.iter().map(|account| args![organization, *account, at]).collect();
    scoped.run_rows(MEMBERSHIP_PUT, rows).await?;
    Ok(accounts.into_iter().filter(|account| !known.contains(account.as_str())).cloned().collect())
}

/// Memberships after a place, in the order of organization and account.
pub(crate) async fn membership_list(
    scoped: &mut Scoped,
    after: (&str, &str),
    limit: u32,
) -> Result<Vec<(OrganizationId, AccountId)>> {
    scoped
        .rows(MEMBERSHIP_LIST, args![after.0, after.1, limit])
        .await?
        .iter()
        .map(|row| Ok((OrganizationId::new(row.text("organization")?)?, AccountId::new(row.text("account")?)?)))
        .collect()
}

pub(crate) async fn membership_exists(
    scoped: &mut Scoped,
    organization: &OrganizationId,
    account: &AccountId,
) -> Result<bool> {
    Ok(scoped.row(MEMBERSHIP_GET, args![organization, account]).await?.is_some())
}

/// Takes a member out; false when there was none.
pub(crate) async fn membership_delete(
    scoped: &mut Scoped,
    organization: &OrganizationId,
    account: &AccountId,
) -> Result<bool> {
    Ok(scoped.run(MEMBERSHIP_DELETE, args![organization, account]).await? > 0)
}

/// Memberships that the last complete reading did not see.
pub(crate) async fn membership_list_older(
    scoped: &mut Scoped,
    than: Timestamp,
    limit: u32,
) -> Result<Vec<(OrganizationId, AccountId)>> {
    scoped
        .rows(MEMBERSHIP_OLD, args![than, limit])
        .await?
        .iter()
        .map(|row| Ok((OrganizationId::new(row.text("organization")?)?, AccountId::new(row.text("account")?)?)))
        .collect()
}

/// Notes that these are a project's customers.
pub(crate) async fn project_customers_put<'a>(
    scoped: &mut Scoped,
    project: &ProjectId,
    accounts: impl IntoIterator<Item = &'a AccountId>,
    at: Timestamp,
) -> Result<()> {
    let rows = each_once(accounts).into_iter().map(|account| args![project.as_str(), account, at]).collect();
    scoped.run_rows(PROJECT_CUSTOMER_PUT, rows).await.map(drop)
}

/// Whether somebody is a project's customer, as the directory has it.
pub(crate) async fn project_customer_exists(
    scoped: &mut Scoped,
    project: &ProjectId,
    account: &AccountId,
) -> Result<bool> {
    Ok(scoped.row(PROJECT_CUSTOMER_GET, args![project.as_str(), account]).await?.is_some())
}

/// The service projects that somebody is a customer of, as the directory has it.
pub(crate) async fn projects_of_customer(scoped: &mut Scoped, account: &AccountId) -> Result<BTreeSet<ProjectId>> {
    let rows = scoped.rows(PROJECTS_OF_CUSTOMER, args![account]).await?;
    rows.iter().map(|row| ProjectId::new(row.text("project")?)).collect()
}

pub(crate) async fn project_customer_delete(
    scoped: &mut Scoped,
    project: &ProjectId,
    account: &AccountId,
) -> Result<()> {
    scoped.run(PROJECT_CUSTOMER_DELETE, args![project.as_str(), account]).await.map(drop)
}

/// Customers of projects after a place, in the order of project and account.
pub(crate) async fn project_customer_list(
    scoped: &mut Scoped,
    after: (&str, &str),
    limit: u32,
) -> Result<Vec<(ProjectId, AccountId)>> {
    scoped
        .rows(PROJECT_CUSTOMER_LIST, args![after.0, after.1, limit])
        .await?
        .iter()
        .map(|row| Ok((ProjectId::new(row.text("project")?)?, AccountId::new(row.text("account")?)?)))
        .collect()
}

/// Changes with customers, organizations, memberships, and who is a customer of which project.
pub(crate) async fn directory_stamp(scoped: &mut Scoped) -> Result<[(i64, Option<i64>); 5]> {
    let mut stamps = [(0, None); 5];
    for (stamp, words) in stamps.iter_mut().zip(STAMPS) {
        if let Some(row) = scoped.row(words, Vec::new()).await? {
            *stamp = (row.int("n")?, row.opt_int("newest")?);
        }
    }
    Ok(stamps)
}

/// Drops what the last complete reading did not see.
pub(crate) async fn directory_drop_older(scoped: &mut Scoped, than: Timestamp) -> Result<u64> {
    let mut gone = 0;
    for words in [CUSTOMER_DROP_OLD, ORGANIZATION_DROP_OLD, MEMBERSHIP_DROP_OLD, PROJECT_CUSTOMER_DROP_OLD] {
        gone += scoped.run(words, args![than]).await?;
    }
    Ok(gone)
}
