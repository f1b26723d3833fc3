package import MMCore

extension SSHTarget {
    /// Reads a host as people write it: `host`, `user@host`, `host:port`, `[address]:port`.
    /// - Throws: `invalidInput` for an invalid port, or for a user or port that is given twice with different values.
    package init(named text: String, user: String?, port: Int?) throws(MMError) {
        var host = Substring(text)
        var named = user
        var number = port
        if let at = host.lastIndex(of: "@") {
            let name = String(host[..<at])
            if let user, user != name {
                throw MMError(.invalidInput, "The user is \(name) in `host` and \(user) in `user`.")
            }
            named = name
            host = host[host.index(after: at)...]
        }
        var digits: Substring?
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            let rest = host[host.index(after: end)...]
            if rest.hasPrefix(":") { digits = rest.dropFirst() }
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.firstIndex(of: ":"), host.lastIndex(of: ":") == colon {
            digits = host[host.index(after: colon)...]
            host = host[..<colon]
        }
        if let digits {
            guard let written = Int(digits), (1...65535).contains(written), port == nil || port == written else {
                throw MMError(.invalidInput, "`\(text.prefix(80))` has no valid port.", hint: "Write host:22.")
            }
            number = written
        }
        self.init(String(host), user: named, port: number)
    }

    /// The target as it was requested, to tell sessions apart.
    package var requestedName: String {
        (user.map { $0 + "@" } ?? "") + host + (port.map { ":\($0)" } ?? "")
    }
}
