//! The register of data classes as a page: docs/data.md is what this makes, and a test compares them.

use std::fmt::Write;

use kernel::{Audience, DataClass, Export, KeyClass, Registry, Retention};

fn audience(of: Audience) -> &'static str {
    match of {
        Audience::Nobody => "nobody; the program alone",
        Audience::Tenant => "the tenant's people, by permission",
        Audience::TenantAndSubject => "the tenant's people, by permission, and the person it is about",
        Audience::Operators => "operators of the server",
    }
}

fn retention(of: Retention) -> String {
    match of {
        Retention::Tenancy => "with the tenant: unreadable at once, gone within 30 days".to_owned(),
        Retention::Days(days) => format!("{days} days at most"),
        Retention::Minutes(minutes) => format!("{minutes} minutes at most"),
        Retention::Server => "with the server".to_owned(),
    }
}

fn export(of: Export) -> &'static str {
    match of {
        Export::Never => "never",
        Export::Tenant => "the tenant",
        Export::TenantAndSubject => "the tenant, and the person it is about",
    }
}

fn keys(of: KeyClass) -> &'static str {
    match of {
        KeyClass::Data => "sealed, data keys",
        KeyClass::Credential => "sealed, credential keys",
        KeyClass::Names => "sealed, keys of the week",
        KeyClass::Index => "keyed hash",
    }
}

fn class(page: &mut String, class: &DataClass) -> std::fmt::Result {
    writeln!(page, "\n## {}\n\n{}\n", class.name, class.purpose)?;
    writeln!(page, "| | |\n|---|---|")?;
    writeln!(page, "| who may see it | {} |", audience(class.audience))?;
    writeln!(page, "| until when | {} |", retention(class.retention))?;
    writeln!(page, "| where | {} |", if class.regional { "in the tenant's region" } else { "anywhere" })?;
    writeln!(page, "| who gets a copy | {} |\n", export(class.export))
}

/// The page, for the main database and the key shelf.
pub fn data_map(databases: &[(&str, &Registry)]) -> String {
    let mut page = String::from(
        "# Every class of data held\n\nGenerated from the registry of data classes by `steward data-map`; a test \
         compares it. A column is in the clear unless it says that it is sealed.\n",
    );
    for (name, registry) in databases {
        // Writing to a String does not fail.
        let _ = writeln!(page, "\n# {name}");
        for (kind, columns) in registry.classes().into_values() {
            let _ = class(&mut page, kind);
            for column in columns {
                let how = column.sealed.map_or("in the clear", keys);
                let _ = writeln!(page, "- `{}.{}` — {how}", column.table, column.name);
            }
        }
    }
    page
}
