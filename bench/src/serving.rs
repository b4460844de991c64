//! The server: how long it takes to be ready, what it weighs at rest, and a verified read beside nginx `return 200`.
//!
//! The read needs a server with data in it and a file of paths, one a line; nginx answers the same paths with a body of
//! the same length. Both are driven by wrk in turns; what is compared is requests per CPU-second of the server alone.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use crate::Options;
use crate::cpu;
use crate::report::{Report, Rounds};

/// A server that is not ready by then is not going to be.
const READY_TIME: Duration = Duration::from_secs(60);
/// Between two tries to reach it.
const TRY: Duration = Duration::from_millis(2);
/// How long it is left alone before its memory is read.
const REST: Duration = Duration::from_secs(5);
/// wrk's connections: enough to keep two cores busy.
const CONNECTIONS: &str = "32";

/// Ends its process when it goes.
struct Running(Child);

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

fn launch(command: &str) -> Result<Running> {
    let mut words = command.split_whitespace();
    let program = words.next().context("an empty command")?;
    let child = Command::new(program).args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    child.map(Running).with_context(|| format!("cannot start `{command}`"))
}

fn ready(origin: &str, path: &str, since: Instant) -> Result<Duration> {
    while since.elapsed() < READY_TIME {
        if get(origin, path, &[]).is_ok_and(|(status, _)| status == 200) {
            return Ok(since.elapsed());
        }
        std::thread::park_timeout(TRY);
    }
    Err(anyhow!("{origin}{path} did not answer 200"))
}

pub(crate) fn start(options: &Options, report: &mut Report) -> Result<()> {
    let (Some(command), Some(origin)) = (&options.serve, &options.origin) else {
        report.section("Start-up and memory at rest", "bench start --serve COMMAND --origin URL");
        report.line("Not measured: no server was given.");
        return Ok(());
    };
    let (mut millis, mut spent, mut rss, mut pss) =
        (Rounds::default(), Rounds::default(), Rounds::default(), Rounds::default());
    for _ in 0..options.rounds {
        let since = Instant::now();
        let server = launch(command)?;
        millis.push(ready(origin, "/readyz", since)?.as_secs_f64() * 1e3);
        spent.push(cpu::of_tree(server.0.id())?.as_secs_f64() * 1e3);
        std::thread::park_timeout(REST);
        let (resident, share) = cpu::memory_kib(server.0.id())?;
        rss.push(resident as f64 / 1024.0);
        pss.push(share as f64 / 1024.0);
    }
    report.section("Start-up and memory at rest", command);
    report.line("| | |\n|---|---|");
    report.line(&format!("| from its start to `/readyz`, ms | {} |", millis.show(0)));
    report.line(&format!("| CPU spent until then, ms | {} |", spent.show(0)));
    report.line(&format!("| resident after {} s of rest, MiB | {} |", REST.as_secs(), rss.show(1)));
    report.line(&format!("| of that its own share (PSS), MiB | {} |", pss.show(1)));
    Ok(())
}

fn nginx(folder: &Path, port: u16, body: usize) -> Result<Running> {
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
fn drive(origin: &str, script: &Path, seconds: u64, pid: u32) -> Result<(f64, f64)> {
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

/// wrk's script: the paths in turns, each with the headers.
fn script(folder: &Path, paths: &[&str], headers: &[String]) -> Result<std::path::PathBuf> {
    let list: String = paths.iter().map(|path| format!("{path:?},")).collect();
    let headers: String = headers
        .iter()
        .filter_map(|header| header.split_once(": "))
        .map(|(name, value)| format!("wrk.headers[{name:?}] = {value:?}\n"))
        .collect();
    let text = format!(
        "local paths = {{{list}}}\nlocal at = 0\n{headers}\
         request = function()\n  at = at % #paths + 1\n  return wrk.format('GET', paths[at])\nend\n"
    );
    let path = folder.join("paths.lua");
    std::fs::write(&path, text)?;
    Ok(path)
}

pub(crate) fn read(options: &Options, report: &mut Report) -> Result<()> {
    let title = "A verified read beside nginx `return 200`";
    let (Some(origin), Some(file)) = (&options.origin, &options.paths) else {
        report.section(title, "bench read --origin URL --pid PID --paths FILE --header 'Authorization: Bearer …'");
        report.line("Not measured: no server was given.");
        return Ok(());
    };
    let server = match (&options.serve, options.pid) {
        (_, Some(pid)) => (pid, None),
        (Some(command), None) => {
            let since = Instant::now();
            let running = launch(command)?;
            ready(origin, "/readyz", since)?;
            (running.0.id(), Some(running))
        }
        (None, None) => return Err(anyhow!("say which process the server is: --pid, or --serve")),
    };
    let list = std::fs::read_to_string(file)?;
    let paths: Vec<&str> = list.lines().filter(|line| !line.is_empty()).collect();
    let mut body = 0;
    for path in &paths {
        let (status, length) = get(origin, path, &options.header)?;
        if status != 200 {
            return Err(anyhow!("{path} answers {status}"));
        }
        body += length;
    }
    let body = body / paths.len().max(1);

    let folder = tempfile::tempdir()?;
    let script = script(folder.path(), &paths, &options.header)?;
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
        let (cpu, clock) = drive(origin, &script, seconds, server.0)?;
        ours.push(cpu);
        ours_clock.push(clock);
    }
    report.section(title, &format!("wrk -t1 -c{CONNECTIONS} -d{seconds}s over {} paths, in turns", paths.len()));
    report.line("| | requests per CPU-second | requests per second | of nginx |\n|---|---|---|---|");
    report.line(&format!(
        "| nginx, the same length of body ({body} bytes) | {} | {} | 1 |",
        its.show(0),
        its_clock.show(0)
    ));
    report.line(&format!("| Steward | {} | {} | {} |", ours.show(0), ours_clock.show(0), ours.over(&its).show(3)));
    drop(server);
    Ok(())
}
