//! The server: how long it takes to be ready, what it weighs at rest, and a verified read beside nginx `return 200`.
//!
//! A hundred sites join a server of ours, and their agents read customers' values from it; nginx answers the same paths
//! with a body of the same length. Both are driven by wrk in turns; what is compared is requests per CPU-second of the
//! server alone. Start at [`measure`].

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use crate::Options;
use crate::cpu;
use crate::report::{Report, Rounds};
use crate::sites::{Server, Sites, Target};

/// A server that is not ready by then is not going to be.
const READY_TIME: Duration = Duration::from_secs(60);
/// Between two tries to reach it.
const TRY: Duration = Duration::from_millis(2);
/// How long it is left alone before its memory is read.
const REST: Duration = Duration::from_secs(5);
/// A server that is still at work by then does not end.
const SETTLED_TIME: Duration = Duration::from_secs(300);
/// One that spent less than a twentieth of this long is at rest.
const QUIET: Duration = Duration::from_secs(3);
/// Sites joined to the server that is read from.
pub(crate) const TENANTS: usize = 100;
/// wrk's connections: enough to keep two cores busy.
pub(crate) const CONNECTIONS: &str = "32";

/// Ends its process when it goes.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn of(child: Child) -> Self {
        Self(child)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM lets the server finish; nginx's master ends its workers.
        if let Some(pid) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.0.wait();
    }
}

fn authority(origin: &str) -> Result<&str> {
    origin.strip_prefix("http://").map(|rest| rest.trim_end_matches('/')).context("the origin must be http://host:port")
}

/// Length of the body of a page that must be there.
pub(crate) fn page(origin: &str, path: &str) -> Result<usize> {
    match get(origin, path, &[])? {
        (200, length) => Ok(length),
        (status, _) => Err(anyhow!("{path} answers {status}")),
    }
}

/// Status and body length of a GET.
fn get(origin: &str, path: &str, headers: &[String]) -> Result<(u16, usize)> {
    let authority = authority(origin)?;
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n{headers}\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let head = answer.windows(4).position(|at| at == b"\r\n\r\n").context("not an answer of HTTP")?;
    let text = String::from_utf8_lossy(&answer);
    let status = text.split_whitespace().nth(1).and_then(|status| status.parse().ok()).context("no status")?;
    Ok((status, answer.len() - head - 4))
}

pub(crate) fn ready(origin: &str, path: &str, since: Instant) -> Result<Duration> {
    while since.elapsed() < READY_TIME {
        if get(origin, path, &[]).is_ok_and(|(status, _)| status == 200) {
            return Ok(since.elapsed());
        }
        std::thread::park_timeout(TRY);
    }
    Err(anyhow!("{origin}{path} did not answer 200"))
}

/// Waits until a server has done what its sites' joining brings: their customers are read, their indexes written.
pub(crate) fn settled(pid: u32) -> Result<()> {
    let since = Instant::now();
    while since.elapsed() < SETTLED_TIME {
        let before = cpu::of_tree(pid)?;
        std::thread::park_timeout(QUIET);
        if cpu::of_tree(pid)?.saturating_sub(before) * 20 < QUIET {
            return Ok(());
        }
    }
    Err(anyhow!("the server was still at work after {} s", SETTLED_TIME.as_secs()))
}

/// The program that is measured.
pub(crate) fn program(options: &Options) -> Result<PathBuf> {
    Ok(match &options.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?.with_file_name("steward"),
    })
}

/// Starts the server of this configuration and waits until it is ready.
pub(crate) fn serve(options: &Options, server: &Server) -> Result<(Running, Duration)> {
    let program = program(options)?;
    let since = Instant::now();
    let child = Command::new(&program)
        .arg("serve")
        .arg("--config")
        .arg(&server.file)
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}: `make bench` builds it", program.display()))?;
    let running = Running(child);
    let time = ready(&server.origin, "/readyz", since)?;
    Ok((running, time))
}

/// Start-up time and memory at rest, with nothing and with [`TENANTS`] sites; then reads of their values.
pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let new = tempfile::tempdir()?;
    let sites = Sites::start(TENANTS)?;
    let folder = tempfile::tempdir()?;
    let joined = Server::configure(folder.path(), &sites.running)?;
    let (running, _) = serve(options, &joined)?;
    let reads = sites.join(&joined.origin)?;
    drop(running);

    report.section(
        "Start-up and memory at rest",
        &format!(
            "steward serve, {} times each, in turns; memory after {} s without a request",
            options.rounds,
            REST.as_secs()
        ),
    );
    let (mut first, mut none, mut many) = (Starts::default(), Starts::default(), Starts::default());
    for round in 0..options.rounds {
        let fresh = new.path().join(round.to_string());
        std::fs::create_dir(&fresh)?;
        let fresh = Server::configure(&fresh, &[])?;
        first.push(options, &fresh)?;
        none.push(options, &fresh)?;
        many.push(options, &joined)?;
    }
    report.line(&format!("| | first start, nothing there | with no site | with {TENANTS} sites |\n|---|---|---|---|"));
    for (name, figure) in [
        ("from its start to `/readyz`, ms", (|starts| starts.millis.show(0)) as fn(&Starts) -> String),
        ("CPU spent until then, ms", |starts| starts.spent.show(0)),
        ("resident at rest, MiB", |starts| starts.resident.show(1)),
        ("of that its own share (PSS), MiB", |starts| starts.share.show(1)),
    ] {
        report.line(&format!("| {name} | {} | {} | {} |", figure(&first), figure(&none), figure(&many)));
    }
    read(options, report, &joined, &reads)
}

/// Figures of several starts of one server.
#[derive(Default)]
struct Starts {
    millis: Rounds,
    spent: Rounds,
    resident: Rounds,
    share: Rounds,
}

impl Starts {
    fn push(&mut self, options: &Options, server: &Server) -> Result<()> {
        let (running, time) = serve(options, server)?;
        self.millis.push(time.as_secs_f64() * 1e3);
        self.spent.push(cpu::of_tree(running.0.id())?.as_secs_f64() * 1e3);
        std::thread::park_timeout(REST);
        let (resident, share) = cpu::memory_kib(running.0.id())?;
        self.resident.push(resident as f64 / 1024.0);
        self.share.push(share as f64 / 1024.0);
        Ok(())
    }
}

pub(crate) fn nginx(folder: &Path, port: u16, body: usize) -> Result<Running> {
    let here = folder.display();
    let config = format!(
        "daemon off; worker_processes 1; pid {here}/pid; error_log {here}/error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; keepalive_requests 1000000000;\n\
         client_body_temp_path {here}; proxy_temp_path {here}; fastcgi_temp_path {here}; uwsgi_temp_path {here};\n\
         scgi_temp_path {here};\n\
         server {{ listen 127.0.0.1:{port}; location / {{ default_type application/json; return 200 '{}'; }} }} }}\n",
        "x".repeat(body)
    );
    let path = folder.join("nginx.conf");
    std::fs::write(&path, config)?;
    let child = Command::new("nginx").arg("-c").arg(&path).arg("-p").arg(folder).stderr(Stdio::null()).spawn();
    child.map(Running).context("nginx is missing")
}

/// Requests per CPU-second of the process `pid`, and per second of the clock.
pub(crate) fn drive(origin: &str, script: &Path, seconds: u64, pid: u32) -> Result<(f64, f64)> {
    let before = cpu::of_tree(pid)?;
    let output = Command::new("wrk")
        .args(["-t1", "-c", CONNECTIONS, "-d", &format!("{seconds}s"), "-s"])
        .arg(script)
        .arg(origin)
        .output()
        .context("wrk is missing")?;
    let spent = cpu::of_tree(pid)?.saturating_sub(before).as_secs_f64();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let field = |name: &str| {
        said.lines()
            .find_map(|line| line.trim().strip_prefix(name))
            .and_then(|rest| rest.split_whitespace().next())
            .map(str::to_owned)
    };
    if said.contains("Non-2xx") || said.contains("Socket errors") {
        return Err(anyhow!("not every answer was a success:\n{said}"));
    }
    let total = said
        .lines()
        .find(|line| line.contains(" requests in "))
        .and_then(|line| line.split_whitespace().next())
        .and_then(|number| number.parse::<f64>().ok())
        .context("wrk said nothing that can be read")?;
    let per_second = field("Requests/sec:").and_then(|number| number.parse().ok()).unwrap_or(f64::NAN);
    Ok((total / spent.max(0.01), per_second))
}

/// wrk's script: the reads in turns, each with its own site's token.
fn script(folder: &Path, reads: &[Target]) -> Result<PathBuf> {
    let list: String = reads.iter().map(|read| format!("{{{:?}, {:?}}},\n", read.path, read.token)).collect();
    let text = format!(
        "local reads = {{{list}}}\nlocal made = {{}}\nlocal at = 0\n\
         init = function()\n  for i, read in ipairs(reads) do\n    \
         made[i] = wrk.format('GET', read[1], {{['Authorization'] = 'Bearer ' .. read[2], ['Host'] = wrk.host}})\n  end\nend\n\
         request = function()\n  at = at % #made + 1\n  return made[at]\nend\n"
    );
    let path = folder.join("reads.lua");
    std::fs::write(&path, text)?;
    Ok(path)
}

fn read(options: &Options, report: &mut Report, server: &Server, reads: &[Target]) -> Result<()> {
    let (running, _) = serve(options, server)?;
    settled(running.pid())?;
    let mut body = 0;
    for read in reads {
        let (status, length) = get(&server.origin, &read.path, &[format!("Authorization: Bearer {}", read.token)])?;
        if status != 200 {
            return Err(anyhow!("{} answers {status}", read.path));
        }
        body += length;
    }
    let body = body / reads.len().max(1);

    let folder = tempfile::tempdir()?;
    let script = script(folder.path(), reads)?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let peer_origin = format!("http://127.0.0.1:{port}");
    let peer = nginx(folder.path(), port, body)?;
    ready(&peer_origin, "/", Instant::now())?;

    let (mut ours, mut its, mut ours_clock, mut its_clock) =
        (Rounds::default(), Rounds::default(), Rounds::default(), Rounds::default());
    // A CPU's ticks are 10 ms: a turn of three seconds is read to a third of a hundredth.
    let seconds = options.seconds.max(3);
    for _ in 0..options.rounds {
        let (cpu, clock) = drive(&peer_origin, &script, seconds, peer.0.id())?;
        its.push(cpu);
        its_clock.push(clock);
        let (cpu, clock) = drive(&server.origin, &script, seconds, running.0.id())?;
        ours.push(cpu);
        ours_clock.push(clock);
    }
    report.section(
        "A verified read beside nginx `return 200`",
        &format!("wrk -t1 -c{CONNECTIONS} -d{seconds}s over {} customers of {TENANTS} sites, in turns", reads.len()),
    );
    report.line(
        "Each read: the session's token looked up and its person's rights checked, the customer found in that site's \
         directory, the site's definitions and the customer's twelve values read from SQLite and unsealed under the site's and \
         the customer's keys, JSON.\n",
    );
    report.line("| | requests per CPU-second | requests per second | of nginx |\n|---|---|---|---|");
    report.line(&format!(
        "| nginx, the same length of body ({body} bytes) | {} | {} | 1 |",
        its.show(0),
        its_clock.show(0)
    ));
    report.line(&format!("| Steward | {} | {} | {} |", ours.show(0), ours_clock.show(0), ours.over(&its).show(3)));
    Ok(())
}
