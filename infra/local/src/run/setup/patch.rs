//! Changes lines of the configuration and leaves every other one, comments included, as people wrote it.

/// The text of `connections.toml` in which fields of a connection's object are fed by these properties.
///
/// # Errors
/// When the mapping is not written as a table of its own, one field a line.
pub(super) fn mapped(text: &str, connection: &str, object: &str, pairs: &[(&str, &str)]) -> Result<String, String> {
    let header = format!("[connection.{connection}.map.{object}]");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_header = |line: &String| line.split('#').next().unwrap_or_default().trim() == header;
    let Some(at) = lines.iter().position(is_header) else {
        if text.lines().any(|line| line.trim_start().starts_with(&format!("map.{object}"))) {
            return Err(format!("write the mapping of `{connection}` as a table of its own, under `{header}`"));
        }
        lines.push(String::new());
        lines.push(header);
        lines.extend(pairs.iter().map(|(field, property)| format!("{field} = \"{property}\"")));
        return Ok(lines.join("\n") + "\n");
    };
    for (field, property) in pairs {
        let end = lines[at + 1..].iter().position(|line| line.trim_start().starts_with('[')).map(|n| at + 1 + n);
        let end = end.unwrap_or(lines.len());
        let is_it = |line: &String| line.split_once('=').is_some_and(|(key, _)| key.trim() == *field);
        match lines[at + 1..end].iter().position(is_it) {
            Some(n) => lines[at + 1 + n] = fed(&lines[at + 1 + n], property)?,
            None => {
                let last = lines[at + 1..end].iter().rposition(|line| is_entry(line)).map_or(at, |n| at + 1 + n);
                lines.insert(last + 1, format!("{field} = \"{property}\""));
            }
        }
    }
    Ok(lines.join("\n") + "\n")
}

fn is_entry(line: &str) -> bool {
    !line.trim_start().starts_with('#') && line.contains('=')
}

/// The line with another value; what stands behind it stays.
fn fed(line: &str, property: &str) -> Result<String, String> {
    let parts: Vec<&str> = line.splitn(3, '"').collect();
    match parts[..] {
        [before, _, after] => Ok(format!("{before}\"{property}\"{after}")),
        _ => Err(format!("the line `{}` is not understood: write it as `field = \"property\"`", line.trim())),
    }
}

/// The text of `connections.toml` in which `[connection.{name}]` stands: the shipped lines without their `#`, else new ones at
/// the end.
pub(super) fn connected(text: &str, name: &str, tool: &str) -> String {
    let header = format!("[connection.{name}]");
    let plain = |line: &str| line.trim_start_matches('#').trim().to_owned();
    if text.lines().any(|line| line.split('#').next().unwrap_or_default().trim() == header) {
        return text.to_owned();
    }
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    match lines.iter().position(|line| plain(line) == header) {
        Some(at) => {
            let tools = format!("tool = \"{tool}\"");
            let is_tool = lines.get(at + 1).is_some_and(|line| plain(line) == tools);
            lines[at] = header;
            if is_tool {
                lines[at + 1] = tools;
            } else {
                lines.insert(at + 1, tools);
            }
        }
        None => lines.extend([String::new(), header, format!("tool = \"{tool}\"")]),
    }
    lines.join("\n") + "\n"
}

/// The text of `modes.toml` in which scores may be written to records.
pub(super) fn writing_back(text: &str) -> String {
    if text.lines().any(|line| line.trim() == "[most.write-back]") {
        return text.to_owned();
    }
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!(
        "{text}{end}\n# The score, the band and why, on every account's company in HubSpot; let out by `barometer golive`.\n[most.write-back]\nhubspot = \"live\"\n"
    )
}

/// The lines that are other ones, `-` before and `+` now; empty where nothing is.
pub(super) fn difference(before: &str, now: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), now.lines().collect());
    // The longest common lines, from the end.
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let both = if old[i] == new[j] { common[i + 1][j + 1] + 1 } else { 0 };
            common[i][j] = both.max(common[i + 1][j]).max(common[i][j + 1]);
        }
    }
    let (mut i, mut j, mut text) = (0, 0, String::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[i + 1][j] >= common[i][j + 1]) {
            text.push_str(&format!("-{}\n", old[i]));
            i += 1;
        } else {
            text.push_str(&format!("+{}\n", new[j]));
            j += 1;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# Ours.\n[connection.crm]\ntool = \"hubspot-app\"\n\n[connection.crm.map.company]\n\
        csm = \"owner\"   # who looks after it\n# tier = \"x\"\n\n[watch]\nwhen = \"true\"\n";

    #[test]
    fn a_line_is_changed_and_a_new_one_stands_with_the_others() {
        let now = mapped(FILE, "crm", "company", &[("csm", "csm_email"), ("renews_on", "renewal_date")]).unwrap();
        assert_eq!(
            difference(FILE, &now),
            "-csm = \"owner\"   # who looks after it\n+csm = \"csm_email\"   # who looks after it\n\
             +renews_on = \"renewal_date\"\n"
        );
        assert!(now.contains("renews_on = \"renewal_date\"\n# tier = \"x\"\n\n[watch]"), "{now}");
        assert_eq!(mapped(&now, "crm", "company", &[("csm", "csm_email")]), Ok(now.clone()));
    }

    #[test]
    fn a_mapping_that_is_not_there_is_added_and_one_that_cannot_be_changed_is_told() {
        let now = mapped("[connection.crm]\ntool = \"x\"\n", "crm", "company", &[("arr", "arr")]).unwrap();
        assert!(now.ends_with("\n\n[connection.crm.map.company]\narr = \"arr\"\n"), "{now}");
        let inline = "[connection.crm]\nmap.company = { arr = \"a\" }\n";
        assert!(mapped(inline, "crm", "company", &[("arr", "b")]).unwrap_err().contains("a table of its own"));
    }

    #[test]
    fn a_connection_loses_its_marks_of_a_comment_or_is_added() {
        let shipped = "# Clicks.\n# [connection.slack]\n# tool = \"slack\"\n\n[watch]\n";
        let now = connected(shipped, "slack", "slack");
        assert_eq!(now, "# Clicks.\n[connection.slack]\ntool = \"slack\"\n\n[watch]\n");
        assert_eq!(connected(&now, "slack", "slack"), now, "once");
        let theirs = "[connection.slack]  # clicks\npublic_url = \"https://a.example\"\ntool = \"slack\"\n";
        assert_eq!(connected(theirs, "slack", "slack"), theirs, "what people wrote stays");
        let added = connected("[watch]\n", "slack", "slack");
        assert_eq!(added, "[watch]\n\n[connection.slack]\ntool = \"slack\"\n");
    }

    #[test]
    fn scores_are_allowed_once() {
        let once = writing_back("[redirect]\nslack = \"#x\"\n");
        assert_eq!(writing_back(&once), once);
        assert!(once.ends_with("[most.write-back]\nhubspot = \"live\"\n"));
    }
}
