import MMSystem

/// The name in a Host header, and its port (RFC 9110, section 7.2).
package struct HostName: Sendable, Hashable {
    /// The name in small letters; an IPv6 address in its brackets.
    package let text: String
    /// The port; `nil` where none is said.
    package let port: UInt16?

    /// The name of a header's value; `nil` for what can't be one.
    package init?(_ header: String) {
        let all = header.lowercased()
        var name = Substring(all)
        var rest: Substring = ""
        if all.hasPrefix("["), let end = all.firstIndex(of: "]") {
            name = all[...end]
            rest = all[all.index(after: end)...]
        } else if let colon = all.firstIndex(of: ":") {
            name = all[..<colon]
            rest = all[colon...]
        }
        let isPort = rest.first == ":" && rest.dropFirst().allSatisfy(\.isNumber) && UInt16(rest.dropFirst()) != nil
        guard rest.isEmpty || isPort, !name.isEmpty, !name.contains(where: { "/@?# ".contains($0) }) else { return nil }
        text = String(name)
        port = isPort ? UInt16(rest.dropFirst()) : nil
    }

    /// Whether it is an IP address: a name that no page of the web can have made up.
    package var isNumeric: Bool {
        if text.hasPrefix("["), text.hasSuffix("]") { return IPAddress(String(text.dropFirst().dropLast())) != nil }
        return IPAddress(text)?.isV4 ?? false
    }
}
