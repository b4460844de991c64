//! `steward site sign-in`: through which client people of a site sign in. What is typed is shown to the authorization server
//! before it is kept, since a wrong secret would otherwise be found out by the first person who tries.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use futures::FutureExt;
use host::{ClientLook, Deployment, Mode, OauthClient};
use url::Url;

use super::desk::{Desk, find_by_token, said};
use super::{Client, ask};
use crate::cli::told;

/// Said where the answer was neither a yes nor a no.
pub(super) const UNPROVEN: &str = "Jira did not say whether it knows this client. Sign in once to see that it does.";

/// Whether the authorization server knows a client of the site at this base; nothing of it may be kept on an error.
pub(super) async fn prove(
    desk: &Desk,
    deployment: Deployment,
    site: &Url,
    client: &OauthClient,
) -> anyhow::Result<bool> {
    let of_host = desk.config.host().map_err(told)?;
    let authority = match deployment {
        Deployment::Cloud => &of_host.sign_in,
        Deployment::DataCenter => site,
    };
    let look = ClientLook::at(deployment, authority, of_host.networks, &of_host.user_agent, desk.clock.clone());
    let look = look.map_err(said)?;
    let proven = look.prove(client, &desk.callback()?).await;
    desk.host.door.note_made(&look.way()).await.map_err(told)?;
    proven.map_err(said)
}

pub(super) async fn sign_in(file: &Path, named: &str, client: &Client) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(file).await?;
    let kept = prove_and_keep(&desk, named, client).boxed().await;
    desk.close().await?;
    kept.map(|()| ExitCode::SUCCESS)
}

async fn prove_and_keep(desk: &Desk, named: &str, client: &Client) -> anyhow::Result<()> {
    let all = desk.joining().list().await.map_err(told)?;
    let listed = find_by_token(&all, named)?;
    let known = listed.known.as_ref().context("a site that is not served")?;
    let deployment = match listed.mode {
        Mode::DataCenter => Deployment::DataCenter,
        _ => Deployment::Cloud,
    };
    match deployment {
        Deployment::DataCenter => println!(
            "In Jira: Administration, Applications, Application links, Create link, External application, Incoming.\nIts redirect URL is\n  {}\nand its permission is Read.",
            desk.callback()?
        ),
        Deployment::Cloud => println!(
            "At developer.atlassian.com, in an OAuth 2.0 integration: its callback is\n  {}\nand its permissions are Jira API (read:jira-work, read:jira-user) and Jira Service Management API (read:servicedesk-request).",
            desk.callback()?
        ),
    }
    let client = ask::client(client)?;
    let proven = prove(desk, deployment, &known.site.api_base, &client).boxed().await?;
    desk.joining().set_client(&desk.cx(listed.tenant), &client).await.map_err(said)?;
    if !proven {
        println!("{UNPROVEN}");
    }
    println!("People sign in at {}", desk.sign_in_url(listed.tenant)?);
    Ok(())
}
