package import MMCore

extension SSHTarget {
    /// A host as people write it: `host`, `user@host`, `host:port`, `[address]:port`.
    /// - Throws: `invalidInput` for a port that is none, or a user or port that is said twice and differently.
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
                throw MMError(.invalidInput, "`\(text.prefix(80))` names no port that fits.", hint: "Write host:22.")
            }
            number = written
        }
        self.init(String(host), user: named, port: number)
    }

    /// The target as it was asked for, to tell sessions apart.
    package var spelled: String {
        (user.map { $0 + "@" } ?? "") + host + (port.map { ":\($0)" } ?? "")
    }
}
