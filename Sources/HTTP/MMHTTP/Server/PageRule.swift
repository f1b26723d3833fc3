import MMSystem

/// The rule that decides which host names and web pages may reach a server; the same for every address of this product.
///
/// A web page must not act as a local program. A page that made its name point to this machine (DNS rebinding) sends
/// that name, a page of another server on this machine sends that server's port, and browsers mark requests for pages
/// of other sites.
package struct PageRule: Sendable {
    /// The reason why a request is refused.
    package struct Refusal: Error, Sendable, Hashable {
        /// 421 for a name that isn't served, 403 for a foreign page.
        package let status: Int
        /// The message for the sender.
        package let message: String
    }

    private let names: Set<String>
    private let mapped: Set<String>
    private let admitsNumericHosts: Bool
    private let isMapped: Bool

    /// Creates a rule.
    /// - Parameters:
    ///   - names: the server's own names, in lower case.
    ///   - mapped: those names whose port a proxy may have changed.
    ///   - admitsNumericHosts: whether every numeric address counts as a name of the server.
    ///   - isMapped: whether all ports may have been changed on the way, as in a network of containers.
    package init(names: Set<String>, mapped: Set<String> = [], admitsNumericHosts: Bool = false, isMapped: Bool = false)
    {
        self.names = names
        self.mapped = mapped
        self.admitsNumericHosts = admitsNumericHosts
        self.isMapped = isMapped
    }

    /// Returns why a request is refused; `nil` for a request of a program, or of a page of this server.
    package func refusal(of request: HTTPServerRequest) -> Refusal? {
        guard let host = request.headers["Host"], let name = HostName(host), isOwn(name, request) else {
            let given = request.headers["Host"].map { String($0.prefix(100)) } ?? ""
            return Refusal(
                status: 421, message: "This server doesn't serve the host name `\(given)`; --allow-host adds a name.")
        }
        let origins = request.headers.values(for: "Origin")
        guard origins.allSatisfy({ isOwn(page: $0, host: host) }),
            !origins.isEmpty || !isForeign(request.headers["Sec-Fetch-Site"]) || isFollowedLink(request)
        else {
            return Refusal(status: 403, message: "Web pages of this origin can't use this server.")
        }
        return nil
    }

    private func isOwn(_ name: HostName, _ request: HTTPServerRequest) -> Bool {
        guard names.contains(name.text) || (admitsNumericHosts && name.isNumeric) else { return false }
        guard let port = name.port, case .tcp(_, _, let own) = request.peer else { return true }
        return port == own || isMapped || mapped.contains(name.text)
    }

    /// Returns whether a page was served by this server: at the address and port that the request came to, since
    /// another port of this machine may be another user's server; or under an allowed name, whose port a proxy may have
    /// changed.
    private func isOwn(page origin: String, host: String) -> Bool {
        let text = origin.lowercased()
        guard let scheme = ["http://", "https://"].first(where: { text.hasPrefix($0) }) else { return false }
        let authority = String(text.dropFirst(scheme.count))
        guard let name = HostName(authority) else { return false }
        return authority == host.lowercased() || mapped.contains(name.text)
    }

    /// Returns whether the browser marked the request as made for a page of another site, or of another server of this
    /// site.
    private func isForeign(_ site: String?) -> Bool {
        guard let site = site?.lowercased() else { return false }
        return site != "same-origin" && site != "none"
    }

    /// Returns whether a person followed a link to a page here; the page with the link can't read the response.
    private func isFollowedLink(_ request: HTTPServerRequest) -> Bool {
        ["GET", "HEAD"].contains(request.method) && request.headers["Sec-Fetch-Mode"]?.lowercased() == "navigate"
            && request.headers["Sec-Fetch-Dest"]?.lowercased() == "document"
    }
}

/// The name in a Host header, and its port (RFC 9110, section 7.2).
package struct HostName: Sendable, Hashable {
    /// The name in lower case; an IPv6 address keeps its brackets.
    package let text: String
    /// The port; `nil` if none is given.
    package let port: UInt16?

    /// Parses a header's value; `nil` if it isn't a host name.
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

    /// Returns whether a byte ends the host in a URL, or separates it from what precedes it.
    private static func isForbidden(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "@"), UInt8(ascii: "?"), UInt8(ascii: "#"), 0x20: true
        default: false
        }
    }

    /// Whether it is an IP address, which a web page can't have made up as its name.
    fileprivate var isNumeric: Bool {
        if text.hasPrefix("["), text.hasSuffix("]") { return IPAddress(String(text.dropFirst().dropLast())) != nil }
        return IPAddress(text)?.isV4 ?? false
    }
}
