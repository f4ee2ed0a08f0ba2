//! Slurm's lists of hosts.

/// The first host of a list such as `gpu[03-05,9],login`; `None` if it is not one.
pub fn first_host(list: &str) -> Option<String> {
    let mut host = String::new();
    let mut rest = list.trim();
    while let Some(end) = rest.find(['[', ',']) {
        host.push_str(&rest[..end]);
        let Some(inside) = rest[end..].strip_prefix('[') else { return valid(host) };
        let close = inside.find(']')?;
        let first = inside[..close].split([',', '-']).next()?;
        if first.is_empty() || !first.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        host.push_str(first);
        rest = &inside[close + 1..];
    }
    host.push_str(rest);
    valid(host)
}

fn valid(host: String) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (!host.is_empty() && host.bytes().all(allowed)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_host_of_every_form_is_found() {
        for (list, expected) in [
            ("node7", "node7"),
            ("node7,node9", "node7"),
            ("gpu[03-05,9],login", "gpu03"),
            ("gpu-a[4,7-9]", "gpu-a4"),
            ("rack[1-2]node[3-4].example.org", "rack1node3.example.org"),
        ] {
            assert_eq!(first_host(list).as_deref(), Some(expected), "{list}");
        }
        for wrong in ["", ",", "gpu[", "gpu[]", "gpu[a-b]", "gpu]", "a b", "[-3]"] {
            assert_eq!(first_host(wrong), None, "{wrong}");
        }
    }
}
