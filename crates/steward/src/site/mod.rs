//! `steward site`: sites, Cloud and Data Center, that are joined by an account's token, and no Forge app. It looks before it keeps, says what is
//! missing and how to mend it, and never takes a secret from its arguments. It lists and leaves others too, if they are silent. A server that runs beside it takes each
//! change up by itself.

#![expect(clippy::print_stdout, reason = "this is the program's voice on a terminal")]

mod ask;
mod desk;
mod sign_in;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use futures::FutureExt;
use host::{Hook, Listed, Login, Look, Mode, OauthClient, Probed, Telling};
use kernel::TenantId;
use serde_json::json;
use store::tenants::State;
use url::Url;

use self::desk::{Desk, address_of, find_by_token, find_to_leave, said};
use crate::cli::told;
use crate::config::Config;

pub(crate) use self::desk::is_named;

/// What is done with sites.
#[derive(Subcommand)]
pub(crate) enum Action {
    /// Join a Jira Cloud site with an account's or a service account's API token, or a Jira Data Center with a personal access token
    Add(Add),
    /// List the sites that are joined, however
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Look whether the account of a site still has what Steward needs, and put back a webhook that is missing
    Check {
        /// The site's address or id; all that were joined by a token, when left out
        site: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Put another account or token in the place of the one that a site was joined with
    Token {
        /// The site's address or id
        site: String,
        #[command(flatten)]
        account: Account,
    },
    /// Say through which OAuth client people of a site sign in
    SignIn {
        /// The site's address or id
        site: String,
        #[command(flatten)]
        client: Client,
    },
    /// Leave a site: nothing of it can be read from that moment on, and its data is destroyed
    Remove {
        /// The site's address or id
        site: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args)]
pub(crate) struct Add {
    /// The site's address, such as https://name.atlassian.net or https://jira.example.com
    #[arg(long)]
    address: Option<String>,
    #[command(flatten)]
    account: Account,
    #[command(flatten)]
    client: Client,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct Account {
    /// The e-mail address of the account that Steward calls Jira Cloud with; a Data Center's token says whose it is
    #[arg(long, value_name = "E-MAIL")]
    account: Option<String>,
    /// A file that holds its API token or personal access token, or - for standard input
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Client {
    /// The client id of an OAuth 2.0 integration, from developer.atlassian.com, or of a Data Center's application link
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// A file that holds the client's secret, or - for standard input
    #[arg(long, value_name = "FILE", requires = "client")]
    secret_file: Option<PathBuf>,
}

/// Where an account's tokens are.
fn tokens_at(mode: Mode) -> &'static str {
    match mode {
        Mode::DataCenter => "in Jira, in the account's profile, Personal Access Tokens",
        _ => "at id.atlassian.com, or a service account's at admin.atlassian.com",
    }
}

/// Does what is asked for.
pub(crate) async fn run(file: &Path, action: Action) -> anyhow::Result<ExitCode> {
    match action {
        Action::Add(add) => self::add(file, add).await,
        Action::List { json } => list(file, json).await,
        Action::Check { site, json } => check(file, site.as_deref(), json).await,
        Action::Token { site, account } => token(file, &site, &account).await,
        Action::SignIn { site, client } => sign_in::sign_in(file, &site, &client).await,
        Action::Remove { site, yes } => remove(file, &site, yes).await,
    }
}

async fn add(file: &Path, add: Add) -> anyhow::Result<ExitCode> {
    // What is wrong with the configuration is told before anything is asked for.
    Config::read(file)?;
    let address = ask::text(add.address.clone(), "--address", "Address of the site")?;
    let desk = Desk::open(file).await?;
    let mut look = desk.look(&address)?;
    let added = recognise_and_join(&desk, &mut look, &add).boxed().await;
    desk.looked(&look).await?;
    desk.close().await?;
    added
}

/// What kind of Jira it is decides what is asked for.
async fn recognise_and_join(desk: &Desk, look: &mut Look, add: &Add) -> anyhow::Result<ExitCode> {
    let deployment = look.recognise().await.map_err(said)?;
    let login = ask::login(&add.account, deployment)?;
    let client = ask::client_if_wanted(&add.client)?;
    join(desk, look, &login, client.as_ref(), add.json).await
}

async fn join(
    desk: &Desk,
    look: &mut Look,
    login: &Login,
    client: Option<&OauthClient>,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let probed = look.probe(login).await.map_err(said)?;
    if !as_json {
        print!("{}", table::probes(&probed));
    }
    if !probed.is_enough() {
        if as_json {
            println!("{}", json!({"joined": false, "checks": table::json(&probed)}));
        } else {
            println!("\nNothing was joined, and nothing kept. Mend what is missing and run this again.");
        }
        return Ok(ExitCode::FAILURE);
    }
    let proven = match client {
        Some(client) => Some(sign_in::prove(desk, probed.deployment, &probed.site, client).boxed().await?),
        None => None,
    };
    let cx = desk.cx(TenantId::fresh());
    let joined = desk.joining().join(&cx, &probed, login, client).await.map_err(said)?;
    let (hook, page) = (desk.hook_url(cx.tenant())?, desk.sign_in_url(cx.tenant())?);
    let told = Hook { url: &hook, secret: &joined.hook_secret };
    let telling = look.register_hooks(login, told).await.unwrap_or_default();
    if as_json {
        println!(
            "{}",
            json!({
                "joined": true, "id": cx.tenant().to_string(), "address": probed.site, "cloudId": probed.cloud,
                "deployment": table::deployment(probed.deployment),
                "webhook": telling.accounts, "issueWebhook": telling.issues, "webhookUrl": hook,
                "signIn": client.map(|_| &page),
                "signInProven": proven, "signInCallback": desk.callback()?, "checks": table::json(&probed),
            })
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!("\n{} is joined. A running server takes it up within half a minute and reads its customers.", probed.site);
    for by_hand in look.hooks_by_hand(login, told, telling).await.map_err(said)? {
        println!("\n{}", table::by_hand(&by_hand));
    }
    if proven == Some(false) {
        println!("\n{}", sign_in::UNPROVEN);
    }
    match client {
        Some(_) => println!("\nPeople sign in at {page}\nThe OAuth client's redirect URL must be {}", desk.callback()?),
        None => {
            println!(
                "\nNext, so that people can sign in and an administrator can set it up: `steward site sign-in {}`",
                probed.site
            )
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(file: &Path, as_json: bool) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(file).await?;
    let all = desk.joining().list().await.map_err(told)?;
    let silent = desk.silent(&all).await?;
    if as_json {
        println!("{}", table::sites_json(&all, &silent));
    } else if all.is_empty() {
        println!(
            "No site is joined yet. `steward site add` joins one by a token; a Forge app joins the site that installs it."
        );
    } else {
        print!("{}", table::sites(&all, &silent));
    }
    desk.close().await?;
    Ok(ExitCode::SUCCESS)
}

async fn check(file: &Path, site: Option<&str>, as_json: bool) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(file).await?;
    let all = desk.joining().list().await.map_err(told)?;
    let chosen: Vec<&Listed> = match site {
        Some(named) => vec![find_by_token(&all, named)?],
        None => all.iter().filter(|one| one.mode.is_by_operator() && one.state == State::Active).collect(),
    };
    if chosen.is_empty() && !as_json {
        println!("No site was joined by a token.");
    }
    let (mut good, mut answers) = (true, Vec::new());
    for listed in chosen {
        let address = address_of(listed).context("a site without an address")?.clone();
        let looked = look_again(&desk, listed).await;
        good &= looked.as_ref().is_ok_and(Looked::is_good);
        match looked {
            Ok(Looked { probed, before, now }) if as_json => {
                // What cannot be seen is neither there nor missing.
                let [webhook, of_issues] = [now.accounts, now.issues].map(|stands| before.map(|_| stands));
                answers.push(json!({
                    "address": address, "webhook": webhook, "issueWebhook": of_issues, "checks": table::json(&probed),
                }));
            }
            Ok(Looked { probed, before, now }) => {
                println!("{address}");
                print!("{}", table::probes(&probed));
                print!("{}", table::hooks(before, now));
            }
            Err(error) if as_json => answers.push(json!({"address": address, "error": error.to_string()})),
            Err(error) => println!("{address}\n  {error}"),
        }
        let heard = desk.joining().heard_at(&desk.cx(listed.tenant)).await.map_err(said)?;
        match answers.last_mut().and_then(serde_json::Value::as_object_mut) {
            Some(answer) => drop(answer.insert("webhookCameAt".to_owned(), json!(heard.map(|at| at.to_string())))),
            None => println!("{}", table::heard(heard, &desk.hook_url(listed.tenant)?)),
        }
    }
    if as_json {
        println!("{}", serde_json::Value::from(answers));
    }
    desk.close().await?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a site that is joined says of its account now, and which webhooks stood and stand.
struct Looked {
    probed: Probed,
    /// None where the account may not look.
    before: Option<Telling>,
    now: Telling,
}

impl Looked {
    fn is_good(&self) -> bool {
        self.probed.is_enough() && (self.before.is_none() || self.now.accounts)
    }
}

/// Looks at a site that is joined. A webhook that is missing is asked for again: a site that was joined by an earlier version
/// has fewer.
async fn look_again(desk: &Desk, listed: &Listed) -> anyhow::Result<Looked> {
    let address = address_of(listed).context("a site without an address")?;
    let cx = desk.cx(listed.tenant);
    let login = desk.joining().login(&cx).await.map_err(said)?;
    let secret = desk.joining().hook_secret(&cx).await.map_err(said)?;
    let url = desk.hook_url(listed.tenant)?;
    let mut look = desk.look(address.as_str())?;
    let seen = Box::pin(async {
        look.recognise().await?;
        let probed = look.probe(&login).await?;
        let hook = Hook { url: &url, secret: &secret };
        let before = look.has_hooks(&login, hook).await?;
        let now = match before {
            Some(_) if probed.is_enough() => look.register_hooks(&login, hook).await?,
            before => before.unwrap_or_default(),
        };
        Ok(Looked { probed, before, now })
    })
    .await;
    desk.looked(&look).await?;
    seen.map_err(said)
}

async fn token(file: &Path, named: &str, account: &Account) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(file).await?;
    let all = desk.joining().list().await.map_err(told)?;
    let listed = find_by_token(&all, named)?;
    let address = address_of(listed).context("a site without an address")?.clone();
    let mut look = desk.look(address.as_str())?;
    let probed = Box::pin(async {
        let deployment = look.recognise().await.map_err(said)?;
        let login = ask::login(account, deployment)?;
        let probed = look.probe(&login).await.map_err(said)?;
        anyhow::Ok((login, probed))
    })
    .await;
    desk.looked(&look).await?;
    let (login, probed) = probed?;
    print!("{}", table::probes(&probed));
    let known = listed.known.as_ref().context("a site that is not served")?;
    let replaced = probed.is_enough() && known.cloud == probed.cloud;
    if replaced {
        let moves = desk.joining().replace(&desk.cx(listed.tenant), &probed, &login).await.map_err(said)?;
        let taken =
            if moves { "a running server takes it within half a minute" } else { "the next call to Jira takes it" };
        println!("\nThe token was replaced; {taken}. Now revoke the old one {}.", tokens_at(listed.mode));
    } else {
        println!("\nNothing was replaced: the account before it stays.");
    }
    desk.close().await?;
    Ok(if replaced { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn remove(file: &Path, named: &str, yes: bool) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(file).await?;
    let all = desk.joining().list().await.map_err(told)?;
    let listed = find_to_leave(&desk, &all, named).await?;
    // Events tell no address: where no page of ours was opened there is none.
    let address = address_of(listed).map_or_else(|| listed.tenant.to_string(), Url::to_string);
    let sure = yes
        || ask::confirm(
            &format!("Leave {address}? Every field, value and history of it is destroyed, for good."),
            "--yes",
        )?;
    if !sure {
        println!("Nothing was changed.");
        return Ok(ExitCode::FAILURE);
    }
    let cx = desk.cx(listed.tenant);
    // A site whose credential is missing or opens no more is left as any other; its webhooks stay behind then.
    let login = desk.joining().login(&cx).await.ok();
    let secret = desk.joining().hook_secret(&cx).await.ok();
    let hook = desk.hook_url(listed.tenant)?;
    desk.joining().leave(&cx).await.map_err(said)?;
    println!("{address} left. Nothing of it can be read any more, on other nodes within half a minute.");
    println!("A running server now destroys its keys and rows; one that is stopped does so at its start.");
    if !listed.mode.is_by_operator() {
        println!("If its app is still installed in Jira, uninstall it there: its next call finds no site here.");
        desk.close().await?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut dropped = 0;
    if let (Some(login), Some(secret)) = (&login, &secret) {
        let mut look = desk.look(&address)?;
        if look.recognise().await.is_ok() {
            dropped = look.drop_hooks(login, Hook { url: &hook, secret }).await.unwrap_or(0);
        }
        desk.looked(&look).await?;
    }
    if dropped == 0 {
        println!(
            "The webhooks to {hook} could not be taken away, or were not there: look in Jira's settings, System, Webhooks."
        );
    }
    println!("Revoke the account's token {}.", tokens_at(listed.mode));
    desk.close().await?;
    Ok(ExitCode::SUCCESS)
}
