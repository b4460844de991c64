//! What a shell and a reader get of the command line: completions and manual pages, made from the commands themselves.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap_complete::Shell;

/// Writes the completions of a shell.
pub(crate) fn completions(mut command: clap::Command, shell: Shell, to: &mut dyn Write) {
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, to);
}

/// Writes a page for each command into a folder: `steward.1`, `steward-serve.1` …
pub(crate) fn pages(command: clap::Command, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    clap_mangen::generate_to(command, folder).with_context(|| format!("cannot write to {}", folder.display()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeSet;

    use clap::ValueEnum;

    use super::*;
    use crate::cli::described;

    /// Every command by its whole name, `steward-jobs-run`, with the options of its own.
    fn commands(command: &clap::Command, path: &str, found: &mut Vec<(String, Vec<String>)>) {
        let options = command.get_arguments().filter(|argument| !argument.is_hide_set());
        let options = options.filter_map(|argument| argument.get_long()).map(|long| format!("--{long}")).collect();
        found.push((path.to_owned(), options));
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            commands(inner, &format!("{path}-{}", inner.get_name()), found);
        }
    }

    fn all() -> Vec<(String, Vec<String>)> {
        let mut found = Vec::new();
        commands(&described(), "steward", &mut found);
        assert!(found.len() > 10, "the commands were not found");
        found
    }

    #[test]
    fn every_command_and_option_has_its_page() {
        let folder = tempfile::tempdir().unwrap();
        pages(described(), folder.path()).unwrap();
        let written: BTreeSet<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        for (name, options) in all() {
            let page = format!("{name}.1");
            assert!(written.contains(&page), "{page}: {written:?}");
            let text = std::fs::read_to_string(folder.path().join(&page)).unwrap().replace("\\-", "-");
            for option in options {
                assert!(text.contains(&option), "{page} lacks {option}");
            }
        }
    }

    #[test]
    fn every_shell_completes_every_command_and_option() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            completions(described(), *shell, &mut script);
            let script = String::from_utf8(script).unwrap();
            for (name, options) in all() {
                let word = name.rsplit('-').next().unwrap();
                assert!(script.contains(word), "{shell}: {name}");
                for option in options {
                    assert!(script.contains(option.trim_start_matches('-')), "{shell}: {name} {option}");
                }
            }
        }
    }
}
