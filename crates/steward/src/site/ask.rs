//! What a command still needs: asked for on a terminal, an error elsewhere. A secret comes from a file, from standard
//! input, or is typed unseen; never from the arguments, which every user of the machine can read.

use std::io::{IsTerminal, Read};
use std::path::Path;

use anyhow::{Context, anyhow};
use dialoguer::{Confirm, Input, Password};
use host::{Deployment, Login, OauthClient};
use zeroize::Zeroizing;

use super::desk::said;
use super::{Account, Client};

/// More is no secret, but a file that was meant for something else.
const SECRET_BYTES: u64 = 16 * 1024;

fn on_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// What was given, or what is typed now.
pub(super) fn text(given: Option<String>, option: &str, question: &str) -> anyhow::Result<String> {
    match given {
        Some(text) => Ok(text),
        None if on_terminal() => Ok(Input::new().with_prompt(question).interact_text()?),
        None => Err(anyhow!("{option} is needed: nobody can be asked here")),
    }
}

/// A secret: from a file, from standard input (`-`), or typed unseen.
fn secret(file: Option<&Path>, option: &str, question: &str) -> anyhow::Result<Zeroizing<String>> {
    let bounded = |from: &mut dyn Read, name: &str| {
        let mut text = Zeroizing::new(String::new());
        from.take(SECRET_BYTES + 1).read_to_string(&mut text).with_context(|| format!("{name} cannot be read"))?;
        if text.len() as u64 > SECRET_BYTES {
            return Err(anyhow!("{name} is longer than {SECRET_BYTES} bytes: it holds something else than a secret"));
        }
        Ok(text)
    };
    match file {
        Some(file) if file == Path::new("-") => bounded(&mut std::io::stdin(), "standard input"),
        Some(file) => {
            let name = file.display().to_string();
            bounded(&mut std::fs::File::open(file).with_context(|| format!("{name} cannot be read"))?, &name)
        }
        None if on_terminal() => Ok(Zeroizing::new(Password::new().with_prompt(question).interact()?)),
        None => Err(anyhow!("{option} is needed: nobody can be asked here; - reads standard input")),
    }
}

/// The account and its token; of a Data Center the token alone.
pub(super) fn login(given: &Account, deployment: Deployment) -> anyhow::Result<Login> {
    if deployment == Deployment::DataCenter {
        let token = secret(given.token_file.as_deref(), "--token-file", "Personal access token that Steward uses")?;
        return Login::personal(&token).map_err(said);
    }
    let account = text(given.account.clone(), "--account", "E-mail address of the account that Steward uses")?;
    let token = secret(given.token_file.as_deref(), "--token-file", "Its API token")?;
    Login::new(&account, &token).map_err(said)
}

/// The client that people sign in through.
pub(super) fn client(given: &Client) -> anyhow::Result<OauthClient> {
    let id = text(given.client.clone(), "--client", "Client id")?;
    let secret = secret(given.secret_file.as_deref(), "--secret-file", "Its secret")?;
    OauthClient::new(&id, &secret).map_err(said)
}

/// The same, if it was named: signing in can be set up later.
pub(super) fn client_if_wanted(given: &Client) -> anyhow::Result<Option<OauthClient>> {
    given.client.is_some().then(|| client(given)).transpose()
}

/// A yes, typed now.
pub(super) fn confirm(question: &str, option: &str) -> anyhow::Result<bool> {
    if !on_terminal() {
        return Err(anyhow!("{option} is needed: nobody can be asked here"));
    }
    Ok(Confirm::new().with_prompt(question).default(false).interact()?)
}
