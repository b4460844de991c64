//! Sealing and opening small values: the vault as rooms use it, `openssl speed -evp aes-256-gcm` as the peer, and the
//! bare cipher in this process as the limit. Between the limit and the vault stand the steps of its cost.

use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::aead::{AES_256_GCM, AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use jiff::Timestamp;
use kernel::{AccountId, Audience, Column, DataClass, Export, KeyClass, Retention, RowName, TenantId, sealed_column};
use vault::{Exit, Keys, Place, Subject};

use crate::Options;
use crate::cpu;
use crate::report::{Report, Rounds};
use crate::shelf::{self, fault};

/// Plaintext sizes in bytes, with what the vault is to reach of OpenSSL's rate.
const SIZES: [(usize, f64); 2] = [(256, 0.45), (1024, 0.6)];
/// Operations between two looks at the clock.
const BATCH: u32 = 1000;
/// As long as what the vault binds a person's value to.
const ASSOCIATED_BYTES: usize = 270;

static CLASS: DataClass = DataClass {
    name: "customer-value",
    purpose: "What is measured.",
    audience: Audience::Nobody,
    retention: Retention::Server,
    regional: false,
    export: Export::Never,
};
static COLUMN: Column = sealed_column("customer_value", "value", KeyClass::Data, &CLASS);

type Turn<'a> = (&'static str, Box<dyn FnMut() -> Result<()> + 'a>);

fn place() -> Place {
    Place::new(
        &COLUMN,
        RowName::new().uuid(TenantId::SERVER.0).text("5b10ac8d82e05b22cc7d4ef5").uuid(TenantId::SERVER.0),
    )
}

/// Bytes per CPU-second of `deed`, which handles `bytes` at a time.
fn rate(bytes: usize, seconds: u64, deed: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
    let goal = Duration::from_secs(seconds);
    let (start, mut done) = (cpu::own(), 0u64);
    loop {
        for _ in 0..BATCH {
            deed()?;
        }
        done += u64::from(BATCH);
        let spent = cpu::own().saturating_sub(start);
        if spent >= goal {
            return Ok(done as f64 * bytes as f64 / spent.as_secs_f64());
        }
    }
}

fn openssl(bytes: usize, seconds: u64) -> Result<f64> {
    let output = Command::new("openssl")
        .args(["speed", "-mr", "-evp", "aes-256-gcm", "-bytes", &bytes.to_string(), "-seconds", &seconds.to_string()])
        .output()
        .context("openssl is missing")?;
    // `+F:number:AES-256-GCM:bytes per second of user time`
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find(|line| line.starts_with("+F:"))
        .and_then(|line| line.rsplit(':').next())
        .and_then(|figure| figure.trim().parse().ok())
        .context("openssl speed said nothing that can be read")
}

fn bare_key(algorithm: &'static aws_lc_rs::aead::Algorithm) -> Result<LessSafeKey> {
    Ok(LessSafeKey::new(UnboundKey::new(algorithm, &[7; 32]).map_err(|_| anyhow!("no key"))?))
}

fn bare(key: &LessSafeKey, nonce: [u8; 12], associated: &[u8], buffer: &mut [u8]) -> Result<()> {
    let tag = key
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated), buffer)
        .map_err(|_| anyhow!("sealing failed"))?;
    let _ = black_box(tag);
    Ok(())
}

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let vault = shelf::vault(folder.path())?;
    let tenant = TenantId::fresh();
    let person = AccountId::new("5b10ac8d82e05b22cc7d4ef5").map_err(fault)?;
    let ask =
        || runtime.block_on(vault.keys_of(tenant, KeyClass::Data, Subject::Person(&person), Timestamp::UNIX_EPOCH));
    let keys = ask().map_err(fault)?;

    report.section(
        "Seal and open",
        "openssl speed -evp aes-256-gcm -bytes N -seconds 1, in turns with the vault's Keys::seal and Keys::open",
    );
    report.line(
        "`openssl speed` keeps one key and nonce and makes no tag: it is the cipher alone. The vault makes, for each \
         value, JSON of it, a random nonce, 270 bytes of associated data, a key of its own (GCM-SIV), a tag and a header.\n",
    );
    for (bytes, goal) in SIZES {
        size(options, report, &keys, bytes, goal)?;
    }

    report.line("### Keys\n");
    let mut cached = Rounds::default();
    let mut derived = Rounds::default();
    for _ in 0..options.rounds {
        cached.push(1e6 / rate(1, options.seconds, &mut || ask().map(drop).map_err(fault))?);
        derived.push(
            1e6 / rate(1, options.seconds, &mut || {
                runtime.block_on(vault.forget(tenant));
                ask().map(drop).map_err(fault)
            })?,
        );
    }
    report.line("| a subject's keys | µs of CPU |\n|---|---|");
    report.line(&format!("| held in memory | {} |", cached.show(2)));
    report.line(&format!(
        "| derived anew (read from a shelf in memory, unwrapped, HKDF for record and hash, two key schedules) | {} |",
        derived.show(1)
    ));
    Ok(())
}

fn size(options: &Options, report: &mut Report, keys: &Keys, bytes: usize, goal: f64) -> Result<()> {
    // With its two quotes the JSON is as long as it is to be.
    let value = "x".repeat(bytes - 2);
    let sealed = keys.seal(&place(), &value).map_err(fault)?;
    let (gcm, siv) = (bare_key(&AES_256_GCM)?, bare_key(&AES_256_GCM_SIV)?);
    let associated = [7; ASSOCIATED_BYTES];
    let json = serde_json::to_vec(&value)?;
    let seal = || keys.seal(&place(), &value).map(|sealed| drop(black_box(sealed))).map_err(fault);
    let open = || keys.open(&place(), &sealed).map(|open| drop(black_box(open))).map_err(fault);
    let exit = Exit::audited();
    let release = || keys.open(&place(), &sealed).map(|open| drop(black_box(open.release(&exit)))).map_err(fault);
    let write = || Ok(serde_json::to_vec(&value).map(|json| drop(black_box(json)))?);
    let read = || Ok(serde_json::from_slice::<String>(&json).map(|value| drop(black_box(value)))?);
    let mut buffers = vec![vec![7u8; bytes]; 4];
    let [one, two, three, four] = buffers.as_mut_slice() else { return Err(anyhow!("four buffers")) };
    let fresh_nonce = || {
        let mut nonce = [0; 12];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| anyhow!("no randomness"))?;
        Ok::<_, anyhow::Error>(nonce)
    };
    let mut turns: Vec<Turn<'_>> = vec![
        ("limit: AES-256-GCM in place, one nonce, with its tag", Box::new(|| bare(&gcm, [1; 12], b"", one))),
        ("AES-256-GCM-SIV instead", Box::new(|| bare(&siv, [1; 12], b"", two))),
        ("and associated data of 270 bytes", Box::new(|| bare(&siv, [1; 12], &associated, three))),
        (
            "and a random nonce, drawn for each (the vault draws 64 at once)",
            Box::new(|| bare(&siv, fresh_nonce()?, &associated, four)),
        ),
        ("JSON alone, written", Box::new(write)),
        ("JSON alone, read", Box::new(read)),
        ("**the vault seals** (JSON, nonce, binding, header, GCM-SIV, tag)", Box::new(seal)),
        ("**the vault opens** for a reply", Box::new(release)),
        ("the vault opens for a look and wipes the value, byte by byte", Box::new(open)),
    ];
    let mut peer = Rounds::default();
    let mut own = vec![Rounds::default(); turns.len()];
    for _ in 0..options.rounds {
        peer.push(openssl(bytes, options.seconds)?);
        for ((_, deed), rounds) in turns.iter_mut().zip(&mut own) {
            rounds.push(rate(bytes, options.seconds, deed)?);
        }
    }
    report.line(&format!("### {bytes} bytes, {} rounds (goal: {goal} of OpenSSL's rate)\n", options.rounds));
    report.line("| | MB per CPU-second | ns a value | of OpenSSL |\n|---|---|---|---|");
    let row = |name: &str, rounds: &Rounds| {
        let ns = bytes as f64 / rounds.median() * 1e9;
        let mega: Rounds = rounds.over(&Rounds::constant(1e6, options.rounds));
        format!("| {name} | {} | {ns:.0} | {} |", mega.show(0), rounds.over(&peer).show(2))
    };
    report.line(&row("peer: `openssl speed`", &peer));
    for ((name, _), rounds) in turns.iter().zip(&own) {
        report.line(&row(name, rounds));
    }
    report.line("");
    Ok(())
}

impl Rounds {
    fn constant(value: f64, rounds: usize) -> Self {
        let mut constant = Self::default();
        (0..rounds).for_each(|_| constant.push(value));
        constant
    }
}
