import MMCore
import MMGuard

/// What one command of a shell asked of the network.
final class ShellTraffic: Sendable {
    /// The call that runs it, as its audit line names it.
    let call: String?
    /// How the owner lets a shell reach a host.
    private let remedy: String
    private let refused = Mutex<[String]>([])

    /// What else is to be told, while the command runs and after it.
    private let more: Mutex<(@Sendable () -> [String])?>

    /// Nothing asked yet.
    init(call: String?, remedy: String, more: (@Sendable () -> [String])? = nil) {
        self.call = call
        self.remedy = remedy
        self.more = Mutex(more)
    }

    /// The command has ended: what is to be told of it changes no more.
    func freeze() {
        let told = more.withLock { $0 }?() ?? []
        more.withLock { $0 = { told } }
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
        let told =
            (hosts.isEmpty ? [] : ["The shell may not reach \(hosts.joined(separator: ", ")). \(remedy)"])
            + (more.withLock { $0 }?() ?? [])
        return told.isEmpty ? nil : told.joined(separator: "\n")
    }
}

/// Gives the requests of a shell with an identity to the calls whose commands run: of several to the one that began last.
final class ShellTurns: Sendable {
    /// What such requests are called by.
    static let module = "shell"

    private let requests: GrantedRequests
    private let connection: Connection
    private let running = Mutex<[(traffic: ShellTraffic, turn: CallTurn)]>([])

    init(_ requests: GrantedRequests, of connection: Connection) {
        self.requests = requests
        self.connection = connection
    }

    /// A command begins.
    func begin(_ call: String?, _ turn: CallTurn?) -> ShellTraffic {
        guard let turn else { return ShellTraffic(call: call, remedy: "") }
        let traffic = ShellTraffic(call: call, remedy: "") { [requests, name = connection.name] in
            let traffic = requests.traffic
            let held = traffic.report.held.prefix(20).map { "Held back, and not sent: \($0.line)" }
            let way = held.isEmpty ? [] : ["A person says yes to it: mm confirm. Then send exactly the same again."]
            return traffic.notes(connection: name) + held + way + (turn.journal?.told ?? [])
        }
        running.withLock { running in
            running.append((traffic, turn))
            requests.begin(turn)
        }
        return traffic
    }

    /// A command has ended: its requests are those of the one before it that still runs, or of nobody.
    func end(_ traffic: ShellTraffic) {
        running.withLock { running in
            guard let index = running.firstIndex(where: { $0.traffic === traffic }) else { return }
            guard index == running.count - 1 else {
                running.remove(at: index)
                return
            }
            traffic.freeze()
            running.removeLast()
            _ = requests.end()
            if let last = running.last { requests.begin(last.turn) }
        }
    }
}
