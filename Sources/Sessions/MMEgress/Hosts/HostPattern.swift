package import MMCore

/// A host that an owner lists: a name, or `*.name` for every name below it; with a port where it isn't 443.
package struct HostPattern: Sendable, Hashable, CustomStringConvertible {
    private let name: PlainHostName
    private let coversBelow: Bool

    /// One host.
    package init(_ name: PlainHostName) {
        self.name = name
        coversBelow = false
    }

    /// Reads a pattern; nil for anything else than a plain name, or the names below one of at least two parts.
    package init?(_ text: String) {
        coversBelow = text.hasPrefix("*.")
        guard let name = PlainHostName(coversBelow ? text.dropFirst(2) : text[...]) else { return nil }
        if coversBelow, name.isAddress || !name.host.utf8.contains(UInt8(ascii: ".")) { return nil }
        self.name = name
    }

    /// The pattern as it is written.
    package var description: String { (coversBelow ? "*." : "") + name.description }

    /// Whether its owner wrote a port.
    var hasPort: Bool { name.port != nil }

    /// Whether it covers a host and port.
    func covers(host: String, port: UInt16) -> Bool {
        guard (name.port ?? 443) == port else { return false }
        return coversBelow ? host.hasSuffix("." + name.host) : host == name.host
    }
}
