//! `steward site`: sites, Cloud and Data Center, that are joined by an account's token, and no Forge app. It looks before it keeps, says what is
//! missing and how to mend it, and never takes a secret from its arguments. A server that runs beside it takes each
//! change up by itself.

#![expect(clippy::print_stdout, reason = "this is the program's voice on a terminal")]

mod ask;
mod sign_in;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use futures::FutureExt;
use host::{Hook, Host, Joining, Listed, Login, Look, Mode, OauthClient, Probed};
use kernel::{Actor, Clock, Cx, RequestId, Standing, SystemClock, TenantId};
use serde_json::json;
use store::tenants::State;
use url::Url;
use vault::Vault;

use crate::cli::{stores, told};
use crate::config::Config;
use crate::join::StoreShelf;
use crate::keys::{RootKeys, Transit};

/// What is done with sites.
#[derive(Subcommand)]
pub(crate) enum Action {
    /// Join a Jira Cloud site with an account's API token, or a Jira Data Center with a personal access token
    Add(Add),
    /// List the sites that are joined, however
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Look whether the account of a site still has what Steward needs
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

/// What a command has open.
struct Desk {
    config: Config,
    host: Host,
    clock: Arc<dyn Clock>,
    databases: Vec<store::Store>,
}

impl Desk {
    /// Opens what is there; a database that is older than this program is brought up to date, as at a start.
    async fn open(file: &Path) -> anyhow::Result<Self> {
        let config = Config::read(file)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keys = RootKeys::open(&config.data, &clock)?;
        let (store, shelf) = stores(&config).await?;
        for database in [&store, &shelf] {
            database.migrate().await.map_err(told)?;
        }
        let joined = Arc::new(StoreShelf { shelf: shelf.clone(), store: store.clone() });
        let vault = Vault::with_roots(joined, keys.roots);
        vault.prove(clock.now()).await.map_err(told)?;
        let mut of_host = config.host().map_err(told)?;
        of_host.operator = keys.services.iter().map(Transit::way).collect();
        let host = Host::new(of_host, store.clone(), vault, clock.clone()).map_err(told)?;
        Ok(Self { config, host, clock, databases: vec![store, shelf] })
    }

    /// A look at the site of an address.
    fn look(&self, typed: &str) -> anyhow::Result<Look> {
        let of_host = self.config.host().map_err(told)?;
        let address = Joining::address_in(of_host.networks, typed).map_err(said)?;
        Look::at(&address, of_host.networks, &of_host.user_agent, self.clock.clone()).map_err(said)
    }

    /// Ends a look: what it called is written on the outward-call ledger.
    async fn looked(&self, look: &Look) -> anyhow::Result<()> {
        self.host.door.note_made(&look.way()).await.map_err(told)
    }

    /// The context of an operator at the command line.
    fn cx(&self, tenant: TenantId) -> Cx {
        let actor = Actor::System("operator");
        Cx::mint(tenant, actor, Standing::default(), self.clock.clone(), RequestId::fresh())
    }

    fn joining(&self) -> &Joining {
        &self.host.joining
    }

    /// Writes what was called, and lets go.
    async fn close(self) -> anyhow::Result<()> {
        self.host.door.flush().await.map_err(told)?;
        for database in self.databases {
            database.close().await;
        }
        Ok(())
    }

    /// Where Jira sends a tenant's webhooks.
    fn hook_url(&self, tenant: TenantId) -> anyhow::Result<Url> {
        Ok(self.config.server.origin.join(&format!("hooks/{tenant}"))?)
    }

    fn sign_in_url(&self, tenant: TenantId) -> anyhow::Result<Url> {
        Ok(self.config.server.origin.join(&format!("sign-in/{tenant}"))?)
    }

    fn callback(&self) -> anyhow::Result<Url> {
        Ok(self.config.server.origin.join("sign-in/callback")?)
    }
}

/// A fault as its public half: it says what to do, and quotes nothing.
fn said(fault: kernel::Fault) -> anyhow::Error {
    match fault.fields().first() {
        Some(field) => anyhow!("{}: {}", field.pointer.trim_start_matches('/'), field.detail),
        None if fault.kind() == kernel::Kind::Broken => told(fault),
        None => anyhow!("{}", fault.text()),
    }
}

/// Whether it names the site of this id and this address: by either, or by its host alone.
pub(crate) fn is_named(id: &str, address: Option<&str>, named: &str) -> bool {
    let named = named.trim().trim_end_matches('/');
    let address = address.map(|address| address.trim_end_matches('/'));
    let host = address.and_then(|address| address.split_once("://")).map(|(_, host)| host);
    id == named || address == Some(named) || host == Some(named)
}

/// The site that an address or an id names, among those that are served.
fn find<'a>(all: &'a [Listed], named: &str) -> anyhow::Result<&'a Listed> {
    let is_it = |listed: &&Listed| {
        let address = address_of(listed).map(Url::as_str);
        listed.state != State::Gone && is_named(&listed.tenant.to_string(), address, named)
    };
    all.iter().find(is_it).ok_or_else(|| anyhow!("no site is joined as {named}; `steward site list` shows them"))
}

/// The same, if it was joined by a token.
fn find_by_token<'a>(all: &'a [Listed], named: &str) -> anyhow::Result<&'a Listed> {
    let listed = find(all, named)?;
    match listed.mode {
        Mode::CloudToken | Mode::DataCenter => Ok(listed),
        Mode::Forge => {
            Err(anyhow!("{named} is joined by its Forge app: it has no token, and leaves by uninstalling the app"))
        }
        Mode::Connect => {
            Err(anyhow!("{named} is joined by its Connect app: it has no token, and leaves by uninstalling the app"))
        }
    }
}

/// Where an account's tokens are.
fn tokens_at(mode: Mode) -> &'static str {
    match mode {
        Mode::DataCenter => "in Jira, in the account's profile, Personal Access Tokens",
        _ => "at id.atlassian.com",
    }
}

fn address_of(listed: &Listed) -> Option<&Url> {
    listed.known.as_ref().and_then(|known| known.site.url.as_ref())
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
    look: &Look,
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
    let registered = look.register_hook(login, told).await.unwrap_or(false);
    if as_json {
        println!(
            "{}",
            json!({
                "joined": true, "id": cx.tenant().to_string(), "address": probed.site, "cloudId": probed.cloud,
                "deployment": table::deployment(probed.deployment),
                "webhook": registered, "webhookUrl": hook, "signIn": client.map(|_| &page),
                "signInProven": proven, "signInCallback": desk.callback()?, "checks": table::json(&probed),
            })
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!("\n{} is joined. A running server takes it up within half a minute and reads its customers.", probed.site);
    if !registered {
        let by_hand = look.hook_by_hand(login, told).await.map_err(said)?;
        println!(
            "\nJira did not take the webhook. In Jira's settings, System, Webhooks, make one:\n  URL     {}\n  Secret  {}\n  Events  {}",
            by_hand.url,
            by_hand.secret.as_deref().unwrap_or("none: this version does not sign, so keep the URL to yourself"),
            Look::hook_events().join(", ")
        );
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
    if as_json {
        println!("{}", table::sites_json(&all));
    } else if all.is_empty() {
        println!(
            "No site is joined yet. `steward site add` joins one by a token; a Forge app joins the site that installs it."
        );
    } else {
        print!("{}", table::sites(&all));
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
        good &= looked.as_ref().is_ok_and(|(probed, hook)| probed.is_enough() && *hook);
        match looked {
            Ok((probed, hook)) if as_json => {
                answers.push(json!({"address": address, "webhook": hook, "checks": table::json(&probed)}));
            }
            Ok((probed, hook)) => {
                println!("{address}");
                print!("{}", table::probes(&probed));
                println!("{}", table::hook(hook));
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

/// What a site that is joined says of its account now, and whether its webhook stands.
async fn look_again(desk: &Desk, listed: &Listed) -> anyhow::Result<(Probed, bool)> {
    let address = address_of(listed).context("a site without an address")?;
    let cx = desk.cx(listed.tenant);
    let login = desk.joining().login(&cx).await.map_err(said)?;
    let secret = desk.joining().hook_secret(&cx).await.map_err(said)?;
    let url = desk.hook_url(listed.tenant)?;
    let mut look = desk.look(address.as_str())?;
    let seen = Box::pin(async {
        look.recognise().await?;
        let probed = look.probe(&login).await?;
        let hook = look.has_hook(&login, Hook { url: &url, secret: &secret }).await?;
        Ok((probed, hook))
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
        desk.joining().replace(&desk.cx(listed.tenant), &login).await.map_err(said)?;
        println!(
            "\nThe token was replaced; the next call to Jira takes it. Now revoke the old one {}.",
            tokens_at(listed.mode)
        );
    } else {
        println!("\nNothing was replaced: the account before it stays.");
    }
    desk.close().await?;
    Ok(if replaced { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn remove(file: &Path, named: &str, yes: bool) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(file).await?;
    let all = desk.joining().list().await.map_err(told)?;
    let listed = find_by_token(&all, named)?;
    let address = address_of(listed).context("a site without an address")?.clone();
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
    // A site whose credential is missing or opens no more is left as any other; its webhook stays behind then.
    let login = desk.joining().login(&cx).await.ok();
    let secret = desk.joining().hook_secret(&cx).await.ok();
    let hook = desk.hook_url(listed.tenant)?;
    desk.joining().leave(&cx).await.map_err(said)?;
    println!("{address} left. Nothing of it can be read any more, on other nodes within half a minute.");
    println!("A running server now destroys its keys and rows; one that is stopped does so at its start.");
    let mut dropped = 0;
    if let (Some(login), Some(secret)) = (&login, &secret) {
        let mut look = desk.look(address.as_str())?;
        if look.recognise().await.is_ok() {
            dropped = look.drop_hooks(login, Hook { url: &hook, secret }).await.unwrap_or(0);
        }
        desk.looked(&look).await?;
    }
    if dropped == 0 {
        println!(
            "The webhook to {hook} could not be taken away, or was not there: look in Jira's settings, System, Webhooks."
        );
    }
    println!("Revoke the account's token {}.", tokens_at(listed.mode));
    desk.close().await?;
    Ok(ExitCode::SUCCESS)
}
