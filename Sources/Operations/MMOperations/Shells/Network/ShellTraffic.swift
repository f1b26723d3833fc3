import MMCore

/// What one command of a shell asked of the network.
final class ShellTraffic: Sendable {
    /// The call that runs it, as its audit line names it.
    let call: String?
    /// How the owner lets a shell reach a host.
    private let remedy: String
    private let refused = Mutex<[String]>([])

    /// Nothing asked yet.
    init(call: String?, remedy: String) {
        self.call = call
        self.remedy = remedy
    }

    private static let mostHosts = 20

    /// It asked for a host that it may not reach.
    func refuse(host: String) {
        refused.withLock { hosts in
            guard hosts.count < Self.mostHosts, !hosts.contains(host) else { return }
            hosts.append(host)
        }
    }

    /// What the answer to the command adds; nil where it reached all that it asked for.
    var note: String? {
        let hosts = refused.withLock { $0 }
        return hosts.isEmpty ? nil : "The shell may not reach \(hosts.joined(separator: ", ")). \(remedy)"
    }
}
