//! `${VAR}` and `${VAR:-default}` in paths, and what a relative path is relative to.

use std::path::Path;

/// The path with its variables filled in, made absolute from `folder`. As in a shell, the default also stands in for a
/// variable that is set but empty; a dollar sign without brace is plain.
///
/// # Errors
/// A sentence naming the variable that is not set, or the brace that is not closed.
pub(super) fn path(text: &str, folder: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let expanded = variables(text, variable)?;
    if expanded.is_empty() {
        return Err("found an empty path, expected a file, a folder or a pattern such as \"orders/*.csv\"".to_owned());
    }
    folder
        .join(&expanded)
        .into_os_string()
        .into_string()
        .map_err(|_| "the folder of the config has a name that is not UTF-8; move the config or use absolute paths".to_owned())
}

fn variables(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        expanded.push_str(&rest[..start]);
        let inside = &rest[start + 2..];
        let end = inside.find('}').ok_or_else(|| format!("found `${{` without `}}` in {text:?}, expected ${{NAME}} or ${{NAME:-default}}"))?;
        let (name, default) = match inside[..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&inside[..end], None),
        };
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(format!("found the variable name {name:?}, expected letters, digits and _ as in ${{NAME}} or ${{NAME:-default}}"));
        }
        match (variable(name), default) {
            (Some(value), _) if !value.is_empty() => expanded.push_str(&value),
            (_, Some(default)) => expanded.push_str(default),
            (Some(_), None) => {}
            (None, None) => return Err(format!("the environment variable {name} is not set; set it or write ${{{name}:-default}}")),
        }
        rest = &inside[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn expand(text: &str) -> Result<String, String> {
        let variable = |name: &str| match name {
            "DATA" => Some("/data".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        path(text, Path::new("/config"), &variable)
    }

    #[test]
    fn variables_defaults_and_relative_paths_are_filled_in() {
        for (text, path) in [
            ("orders/*.csv", "/config/orders/*.csv"),
            ("/x.csv", "/x.csv"),
            ("${DATA}/x.csv", "/data/x.csv"),
            ("${DATA:-y}/x.csv", "/data/x.csv"),
            ("${NONE:-../public}/x.csv", "/config/../public/x.csv"),
            ("${EMPTY:-here}/x.csv", "/config/here/x.csv"),
            ("a${EMPTY}b", "/config/ab"),
            ("cost$5.csv", "/config/cost$5.csv"),
            ("${DATA}${NONE:-}/é", "/data/é"),
        ] {
            assert_eq!(expand(text).as_deref(), Ok(path), "{text}");
        }
    }

    #[test]
    fn an_unset_variable_is_named() {
        assert_eq!(expand("${NONE}/x").unwrap_err(), "the environment variable NONE is not set; set it or write ${NONE:-default}");
        assert!(expand("${NONE/x").unwrap_err().contains("without `}`"));
        assert!(expand("${}/x").unwrap_err().contains("variable name"));
        assert!(expand("").unwrap_err().contains("empty path"));
        assert!(expand("${EMPTY}").unwrap_err().contains("empty path"));
    }
}
