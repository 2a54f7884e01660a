//! Networks of IP addresses (RFC 4632, RFC 4291 §2.3).

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// Reads an address, or a network in CIDR form. IPv4 in IPv6 notation becomes IPv4, as the
/// canonical addresses that it is compared with.
pub(crate) fn parse_network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse().ok()?,
    };
    Some(canonical(network))
}

fn canonical(network: IpNet) -> IpNet {
    const MAPPED: u8 = 96;

    let length = network.prefix_len().checked_sub(MAPPED);
    match (network, network.addr().to_canonical(), length) {
        (IpNet::V6(_), IpAddr::V4(address), Some(length)) => {
            Ipv4Net::new(address, length).map_or(network, IpNet::V4)
        }
        _ => network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_addresses_are_read() {
        for (text, network) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.0.0.1", "10.0.0.1/32"),
            ("fd00::/8", "fd00::/8"),
            ("::1", "::1/128"),
            ("::ffff:10.1.0.0/112", "10.1.0.0/16"),
            ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ] {
            assert_eq!(parse_network(text), network.parse().ok(), "{text}");
        }
        for text in ["", "internal.example", "10.0.0.0/33", "10.0.0.0/", "10.0.0.1:80", "[::1]"] {
            assert_eq!(parse_network(text), None, "{text}");
        }
    }
}
