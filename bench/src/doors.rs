//! The doors in: a page of Connect's, proven by HS256 and the hash of its request, beside the same by Atlassian's own
//! framework, `atlassian-connect-express` with its store in memory, beside nginx `return 200`, and beside axum that looks at
//! nothing; and a call that Forge's RS256 invocation token proves, each token good once.
//!
//! A hundred sites, whose pages are opened in turns. Tokens live for minutes, so each round has its own. Start at [`measure`].

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, anyhow};

use crate::report::{Report, Rounds};
use crate::serving::{CONNECTIONS, Running, TENANTS, drive, nginx, page, ready, serve, settled};
use crate::sites::{CONNECT_APP, Server, Sites};
use crate::{Options, bare, cpu};

/// The key of the framework's app, and its page that asks the site for nothing.
const FOREIGN: &str = "com.example.foreign";
const FOREIGN_PAGE: &str = "bare";
/// Our page that an agent opens.
const OUR_PAGE: &str = "customers-page";
/// Calls with invocation tokens in a round: as many as are signed well before the first of them ends.
const INVOCATIONS: usize = 1_500;

/// Starts the framework's app, which the contract tests have, on a free port.
fn framework(install_keys: &str) -> Result<(Running, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/contract/ace");
    if !folder.join("node_modules").exists() {
        let npm = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
        let installed = Command::new("npm").args(npm).current_dir(&folder).status().context("npm is missing")?;
        anyhow::ensure!(installed.success(), "npm ci failed in {}", folder.display());
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut app = Command::new("node")
        .arg("app.js")
        .current_dir(&folder)
        .env("PORT", port.to_string())
        .env("NODE_ENV", "production")
        .env("CONNECT_KEYS_CDN_URL", install_keys.trim_end_matches('/'))
        .stdout(Stdio::piped())
        .spawn()
        .context("node is missing")?;
    let said = app.stdout.take().context("no output")?;
    let running = Running::of(app);
    let mut lines = BufReader::new(said).lines();
    lines.next().ok_or_else(|| anyhow!("the framework's app ended"))??;
    // What it says on is read, so that it never waits to be heard.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    Ok((running, format!("http://127.0.0.1:{port}")))
}

/// wrk's script: pages in turns, each at its signed address.
fn script(folder: &Path, name: &str, pages: &[String]) -> Result<PathBuf> {
    let list: String = pages.iter().map(|page| format!("{page:?},\n")).collect();
    let text = format!(
        "local pages = {{{list}}}\nlocal at = 0\n\
         request = function()\n  at = at % #pages + 1\n  return wrk.format('GET', pages[at])\nend\n"
    );
    let path = folder.join(name);
    std::fs::write(&path, text)?;
    Ok(path)
}

/// A page's address below its server.
fn targets(origin: &str, urls: Vec<String>) -> Result<Vec<String>> {
    let below = |url: String| url.strip_prefix(origin).map(str::to_owned).context("a page of somebody else's");
    urls.into_iter().map(below).collect()
}

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let sites = Sites::start(TENANTS)?;
    let folder = tempfile::tempdir()?;
    let server = Server::configure(folder.path(), &sites.running)?;
    let (ours, _) = serve(options, &server)?;
    let keys = sites.running.first().context("no site")?.connect().install_keys_url();
    let (peer, peer_origin) = framework(&keys)?;
    sites.connect(&format!("{}/connect/atlassian-connect.json", server.origin))?;
    sites.connect(&format!("{peer_origin}/atlassian-connect.json"))?;
    sites.install_forge(&server.origin)?;
    settled(ours.pid())?;

    let of_ours = || targets(&server.origin, sites.pages(CONNECT_APP, OUR_PAGE)?);
    let of_peer = || targets(&peer_origin, sites.pages(FOREIGN, FOREIGN_PAGE)?);
    let first = of_ours()?.into_iter().next().context("no page")?;
    let body = page(&server.origin, &first)?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let limit_origin = format!("http://127.0.0.1:{port}");
    let limit = nginx(folder.path(), port, body)?;
    ready(&limit_origin, "/", Instant::now())?;

    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let bare_origin = format!("http://127.0.0.1:{port}");
    let bare = bare::start(port, body)?;
    ready(&bare_origin, "/", Instant::now())?;

    let seconds = options.seconds.max(3);
    let (mut nginx_cpu, mut bare_cpu, mut ours_cpu) = (Rounds::default(), Rounds::default(), Rounds::default());
    let (mut peer_cpu, mut forge_cpu) = (Rounds::default(), Rounds::default());
    for _ in 0..options.rounds {
        let pages = of_ours()?;
        let script_ours = script(folder.path(), "ours.lua", &pages)?;
        nginx_cpu.push(drive(&limit_origin, &script_ours, seconds, limit.pid())?.0);
        bare_cpu.push(drive(&bare_origin, &script_ours, seconds, bare.pid())?.0);
        ours_cpu.push(drive(&server.origin, &script_ours, seconds, ours.pid())?.0);
        let script_peer = script(folder.path(), "peer.lua", &of_peer()?)?;
        peer_cpu.push(drive(&peer_origin, &script_peer, seconds, peer.pid())?.0);
        let tokens = sites.invocations(INVOCATIONS)?;
        let before = cpu::of_tree(ours.pid())?;
        sites.invoke(&server.origin, "/api/v1/me", tokens)?;
        let spent = cpu::of_tree(ours.pid())?.saturating_sub(before).as_secs_f64();
        forge_cpu.push(INVOCATIONS as f64 / spent.max(0.01));
    }
    report.section(
        "The doors in",
        &format!(
            "wrk -t1 -c{CONNECTIONS} -d{seconds}s over the pages of {TENANTS} sites; {INVOCATIONS} invocation tokens a round, {CONNECTIONS} at once"
        ),
    );
    report.line(
        "A page of Connect's: the site found by the token's issuer, its secret opened at most some seconds ago, HS256 and the hash of the request verified, \
         the page sent. The framework's: the same, its secrets in memory in the clear, and a short JSON sent. Forge's: RS256 under a key that \
         is known, the token used up on disk, in one transaction with those that come meanwhile, the person's rights of the last minute, and a short JSON sent.\n",
    );
    report.line("| | requests per CPU-second | of nginx | of axum | of the framework |\n|---|---|---|---|---|");
    report.line(&format!("| nginx, the same length of body ({body} bytes) | {} | 1 | | |", nginx_cpu.show(0)));
    let row = |name: &str, rounds: &Rounds| {
        format!(
            "| {name} | {} | {} | {} | {} |",
            rounds.show(0),
            rounds.over(&nginx_cpu).show(3),
            rounds.over(&bare_cpu).show(3),
            rounds.over(&peer_cpu).show(2)
        )
    };
    report.line(&row("axum, the same body to everybody", &bare_cpu));
    report.line(&row("atlassian-connect-express, page", &peer_cpu));
    report.line(&row("Steward, page of Connect's", &ours_cpu));
    report.line(&row("Steward, invocation of Forge's", &forge_cpu));
    report.line(&format!("\nOf a page of Connect's, an invocation of Forge's: {}.", forge_cpu.over(&ours_cpu).show(3)));
    Ok(())
}
