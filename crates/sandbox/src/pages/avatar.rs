//! Avatars: a coloured disc with the person's initials, as SVG.
//!
//! Drawn here because a sandbox may fetch nothing from outside. Start reading at [`svg`].

use super::document::escape;

/// Backgrounds with a contrast of at least 4.5 to white text.
const COLOURS: [&str; 8] = ["#0055CC", "#1F845A", "#5E4DB2", "#943D73", "#206A83", "#AE2E24", "#974F0C", "#44546F"];

/// First letters of the first and the last word; of a name without spaces, its first letter.
#[must_use]
pub(super) fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphabetic()));
    let first = words.next();
    let last = words.next_back();
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

/// A disc for this person; the same id always has the same colour.
#[must_use]
pub(super) fn svg(id: &str, name: &str) -> String {
    let colour = colour(id);
    picture(&format!("<circle cx=\"24\" cy=\"24\" r=\"24\" fill=\"{colour}\"/>"), &initials(name))
}

/// A tile for a project.
#[must_use]
pub(super) fn tile(id: &str, key: &str) -> String {
    let colour = colour(id);
    let letters: String = key.chars().take(2).collect();
    picture(&format!("<rect width=\"48\" height=\"48\" rx=\"8\" fill=\"{colour}\"/>"), &letters)
}

fn colour(id: &str) -> &'static str {
    let sum = id.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    COLOURS.get(sum % COLOURS.len()).unwrap_or(&COLOURS[0])
}

fn picture(ground: &str, letters: &str) -> String {
    let mut text = String::new();
    escape(letters, &mut text);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 48 48\" width=\"48\" height=\"48\">{ground}\
         <text x=\"24\" y=\"24\" dy=\".36em\" text-anchor=\"middle\" fill=\"#fff\" font-size=\"19\" \
         font-weight=\"600\" font-family=\"system-ui,sans-serif\">{text}</text></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_of_many_scripts() {
        let rows =
            [("Ana María López", "AL"), ("李伟", "李"), ("محمد علي", "مع"), ("(x) y", "XY"), ("", ""), ("ßeta", "SS")];
        for (name, expected) in rows {
            assert_eq!(initials(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_text() {
        assert!(svg("1", "<script> &x").contains(">SX<"));
    }
}
