import MMSystem

/// Which names and pages reach a server: one rule for every address of this product.
///
/// A web page is nobody's program. A page that made its name point to this machine (DNS rebinding) sends that name; one of
/// another server of this machine sends that server's port; and what a browser sends for a page elsewhere says so.
package struct PageRule: Sendable {
    /// Why a request is refused.
    package struct Refusal: Error, Sendable, Hashable {
        /// 421 for a name that isn't served, 403 for a foreign page.
        package let status: Int
        /// What its sender is told.
        package let message: String
    }

    private let names: Set<String>
    private let mapped: Set<String>
    private let admitsNumericHosts: Bool
    private let isMapped: Bool

    /// A rule.
    /// - Parameters:
    ///   - names: the server's own names, in small letters.
    ///   - mapped: those of them whose port a proxy may have changed.
    ///   - admitsNumericHosts: whether every numeric address is a name of it.
    ///   - isMapped: whether all ports may have been changed on the way, as in a network of containers.
    package init(names: Set<String>, mapped: Set<String> = [], admitsNumericHosts: Bool = false, isMapped: Bool = false)
    {
        self.names = names
        self.mapped = mapped
        self.admitsNumericHosts = admitsNumericHosts
        self.isMapped = isMapped
    }

    /// Why a request is refused; `nil` for one of a program, or of a page of this server.
    package func refusal(of request: HTTPServerRequest) -> Refusal? {
        guard let host = request.headers["Host"], let name = HostName(host), isOwn(name, request) else {
            return Refusal(status: 421, message: "This server doesn't serve this host name.")
        }
        let origins = request.headers.values(for: "Origin")
        guard origins.allSatisfy({ isOwn(page: $0, host: host) }),
            !origins.isEmpty || !isForeign(request.headers["Sec-Fetch-Site"]) || isFollowedLink(request)
        else {
            return Refusal(status: 403, message: "Pages of this origin may not use this server.")
        }
        return nil
    }

    private func isOwn(_ name: HostName, _ request: HTTPServerRequest) -> Bool {
        guard names.contains(name.text) || (admitsNumericHosts && name.isNumeric) else { return false }
        guard let port = name.port, case .tcp(_, _, let own) = request.peer else { return true }
        return port == own || isMapped || mapped.contains(name.text)
    }

    /// Whether a page was served here: at the address and port that the request came to, since another server of this machine
    /// is somebody else's; or under a name that was allowed, whose port a proxy may have changed.
    private func isOwn(page origin: String, host: String) -> Bool {
        let text = origin.lowercased()
        guard let scheme = ["http://", "https://"].first(where: { text.hasPrefix($0) }) else { return false }
        let authority = String(text.dropFirst(scheme.count))
        guard let name = HostName(authority) else { return false }
        return authority == host.lowercased() || mapped.contains(name.text)
    }

    /// Whether a browser says that the request is for a page of another site, or of another server of this one.
    private func isForeign(_ site: String?) -> Bool {
        guard let site = site?.lowercased() else { return false }
        return site != "same-origin" && site != "none"
    }

    /// Whether a person followed a link to a page here, which the page before gets nothing of.
    private func isFollowedLink(_ request: HTTPServerRequest) -> Bool {
        ["GET", "HEAD"].contains(request.method) && request.headers["Sec-Fetch-Mode"]?.lowercased() == "navigate"
            && request.headers["Sec-Fetch-Dest"]?.lowercased() == "document"
    }
}

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
        let digits = rest.dropFirst()
        let isPort =
            rest.utf8.first == UInt8(ascii: ":") && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
            && UInt16(digits) != nil
        guard rest.isEmpty || isPort, !name.isEmpty, !name.utf8.contains(where: Self.isForbidden) else { return nil }
        text = String(name)
        port = isPort ? UInt16(digits) : nil
    }

    /// Whether a byte ends a name in an address, or stands before it.
    private static func isForbidden(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "@"), UInt8(ascii: "?"), UInt8(ascii: "#"), 0x20: true
        default: false
        }
    }

    /// Whether it is an IP address: a name that no page of the web can have made up.
    package var isNumeric: Bool {
        if text.hasPrefix("["), text.hasSuffix("]") { return IPAddress(String(text.dropFirst().dropLast())) != nil }
        return IPAddress(text)?.isV4 ?? false
    }
}
