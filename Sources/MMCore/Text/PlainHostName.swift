/// A host and optional port in a canonical spelling that can be compared.
package struct PlainHostName: Sendable, Hashable, CustomStringConvertible {
    /// The host in lower case; IPv6 addresses aren't supported.
    package let host: String
    /// The port, if one was written.
    package let port: UInt16?
    /// Whether the host is a dotted-decimal IPv4 address.
    package let isAddress: Bool

    /// Parses a text such as `graph.microsoft.com:443`.
    ///
    /// Deliberately strict: anything that clients or resolvers could read in two ways (other scripts, escapes, user
    /// information, numbers that stand for addresses, a trailing dot) is refused.
    package init?(_ text: some StringProtocol) {
        var name = Array(text.utf8)[...]
        var port: UInt16?
        if let colon = name.firstIndex(of: UInt8(ascii: ":")) {
            let digits = name[(colon + 1)...]
            guard !digits.isEmpty, digits.count <= 5, digits.first != UInt8(ascii: "0"),
                digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
                let number = UInt16(String(decoding: digits, as: UTF8.self))
            else { return nil }
            port = number
            name = name[..<colon]
        }
        let labels = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard !name.isEmpty, name.count <= 253, labels.allSatisfy(Self.isLabel) else { return nil }
        host = String(decoding: name, as: UTF8.self).lowercased()
        self.port = port
        // If the last label is a number, resolvers read the whole as an IPv4 address in one of its unusual forms.
        let isNumber = labels.last.map { last in
            last.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } || last.starts(with: "0x".utf8) || last.starts(with: "0X".utf8)
        }
        isAddress = isNumber ?? false
        if isAddress {
            let parts = host.split(separator: ".")
            guard parts.count == 4, parts.allSatisfy({ part in UInt8(part).map { String($0) == part } ?? false }) else {
                return nil
            }
        }
    }

    /// The host, followed by the port if one was written.
    package var description: String { port.map { "\(host):\($0)" } ?? host }

    private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
        guard let first = label.first, let last = label.last, label.count <= 63 else { return false }
        return first != UInt8(ascii: "-") && last != UInt8(ascii: "-")
            && label.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
