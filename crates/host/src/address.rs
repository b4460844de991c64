//! Which addresses the door may connect to: pure rules.
//!
//! Asked twice for each call: for the URL as written, and in the resolver for every address that a name leads to,
//! so that a name cannot change its mind in between. It must never look a name up. Start at [`judge`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What the operator allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Networks {
    /// Private networks: RFC 1918, carrier-grade NAT, unique local addresses.
    pub private: bool,
    /// This machine, also by plain HTTP.
    pub loopback: bool,
}

/// What an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Reachable by everyone.
    Public,
    /// This machine.
    Loopback,
    /// Behind somebody's wall.
    Private,
    /// Where clouds tell machines their secrets: never.
    Metadata,
    /// Multicast, documentation, unspecified, reserved: nothing of ours lives there.
    Unusable,
}

/// Metadata services outside 169.254.0.0/16: Alibaba, Oracle, Azure's wire server.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(168, 63, 129, 16)];
/// The same in IPv6: Amazon's and Google's.
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254), Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254)];

/// What kind of place an address is.
pub fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(v4) => place_v4(v4),
        IpAddr::V6(v6) => place_v6(v6),
    }
}

/// Whether the door may connect there.
pub fn judge(address: IpAddr, networks: Networks) -> bool {
    match place(address) {
        Place::Public => true,
        Place::Loopback => networks.loopback,
        Place::Private => networks.private,
        Place::Metadata | Place::Unusable => false,
    }
}

fn place_v4(address: Ipv4Addr) -> Place {
    let [a, b, c, _] = address.octets();
    if METADATA_V4.contains(&address) || address.is_link_local() {
        return Place::Metadata;
    }
    match (a, b, c) {
        (127, ..) => Place::Loopback,
        (10, ..) | (192, 168, _) => Place::Private,
        (172, second, _) if (16..32).contains(&second) => Place::Private,
        (100, second, _) if (64..128).contains(&second) => Place::Private,
        // This network, protocol assignments, documentation, 6to4 relays, benchmarking, multicast, reserved.
        (0, ..) | (192, 0, 0 | 2) | (198, 51, 100) | (203, 0, 113) | (192, 88, 99) | (198, 18 | 19, _) => {
            Place::Unusable
        }
        (first, ..) if first >= 224 => Place::Unusable,
        _ => Place::Public,
    }
}

fn place_v6(address: Ipv6Addr) -> Place {
    if METADATA_V6.contains(&address) {
        return Place::Metadata;
    }
    if let Some(inner) = embedded_v4(address) {
        return match place_v4(inner) {
            // A public address in disguise is still a disguise, except the plain mapped form.
            Place::Public if address.to_ipv4_mapped().is_none() => Place::Unusable,
            known => known,
        };
    }
    let [first, second, ..] = address.segments();
    if address.is_loopback() {
        Place::Loopback
    } else if address.is_unicast_link_local() {
        Place::Metadata
    } else if address.is_unique_local() {
        Place::Private
    } else if first & 0xe000 != 0x2000 || (first == 0x2001 && second == 0x0db8) || (first == 0x2001 && second < 0x0200)
    {
        // Only 2000::/3 is handed out; documentation and the special block 2001::/23 lie within it.
        Place::Unusable
    } else {
        Place::Public
    }
}

/// The IPv4 address that an IPv6 one carries: mapped, compatible, NAT64 (both prefixes), 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return Some(mapped);
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7] = address.segments();
    let join = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match (s0, s1, s2, s3, s4, s5) {
        (0, 0, 0, 0, 0, 0) if !address.is_loopback() && !address.is_unspecified() => Some(join(s6, s7)),
        (0x64, 0xff9b, 0 | 1, ..) => Some(join(s6, s7)),
        (0x2002, ..) => Some(join(s1, s2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Place) {
        assert_eq!(place(text.parse().unwrap()), expected, "{text}");
    }

    #[test]
    fn places() {
        check("104.192.142.1", Place::Public);
        check("2600:1f18::1", Place::Public);
        check("::ffff:104.192.142.1", Place::Public);
        check("127.0.0.1", Place::Loopback);
        check("127.255.0.9", Place::Loopback);
        check("::1", Place::Loopback);
        check("::ffff:127.0.0.1", Place::Loopback);
        check("10.1.2.3", Place::Private);
        check("172.16.0.1", Place::Private);
        check("172.31.255.255", Place::Private);
        check("172.32.0.1", Place::Public);
        check("192.168.1.1", Place::Private);
        check("100.64.0.1", Place::Private);
        check("100.128.0.1", Place::Public);
        check("fc00::1", Place::Private);
        check("fd12:3456::1", Place::Private);
        check("::ffff:10.0.0.1", Place::Private);
        check("64:ff9b::10.0.0.1", Place::Private);
        check("2002:0a00:0001::1", Place::Private);
        check("169.254.169.254", Place::Metadata);
        check("169.254.0.1", Place::Metadata);
        check("100.100.100.200", Place::Metadata);
        check("192.0.0.192", Place::Metadata);
        check("168.63.129.16", Place::Metadata);
        check("fd00:ec2::254", Place::Metadata);
        check("fd20:ce::254", Place::Metadata);
        check("fe80::1", Place::Metadata);
        check("::ffff:169.254.169.254", Place::Metadata);
        check("::169.254.169.254", Place::Metadata);
        check("64:ff9b::a9fe:a9fe", Place::Metadata);
        check("64:ff9b:1::a9fe:a9fe", Place::Metadata);
        check("2002:a9fe:a9fe::1", Place::Metadata);
        check("64:ff9b::8.8.8.8", Place::Unusable);
        check("0.0.0.0", Place::Unusable);
        check("::", Place::Unusable);
        check("224.0.0.1", Place::Unusable);
        check("255.255.255.255", Place::Unusable);
        check("192.0.2.1", Place::Unusable);
        check("198.18.0.1", Place::Unusable);
        check("ff02::1", Place::Unusable);
        check("2001:db8::1", Place::Unusable);
        check("2001::1", Place::Unusable);
        check("fec0::1", Place::Unusable);
    }

    #[test]
    fn what_the_operator_allows() {
        let judged = |text: &str, private, loopback| judge(text.parse().unwrap(), Networks { private, loopback });
        assert!(judged("104.192.142.1", false, false));
        assert!(!judged("10.0.0.1", false, true));
        assert!(judged("10.0.0.1", true, false));
        assert!(!judged("127.0.0.1", true, false));
        assert!(judged("127.0.0.1", false, true));
        assert!(!judged("169.254.169.254", true, true));
        assert!(!judged("0.0.0.0", true, true));
    }

    proptest::proptest! {
        #[test]
        fn no_disguise_opens_what_the_plain_form_does_not(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let [a, b, c, d] = v4.octets().map(u16::from);
            let (high, low) = (a << 8 | b, c << 8 | d);
            let forms = [
                v4.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            ];
            for networks in [Networks::default(), Networks { private: true, loopback: false }] {
                if !judge(IpAddr::V4(v4), networks) {
                    for form in forms {
                        proptest::prop_assert!(!judge(IpAddr::V6(form), networks));
                    }
                }
            }
        }
    }
}
