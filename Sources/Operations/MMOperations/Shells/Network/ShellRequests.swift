import MMCore
import MMEgress
import MMGuard

/// Lets a shell send what it likes to the hosts that its owner lists; only reads, where the guard's policy lets it only read.
final class ShellRequests: RequestJudge {
    private struct State {
        /// The commands that run, in the order in which they began.
        var running: [ShellTraffic] = []
        /// The commands of requests that are under way.
        var calls: [UInt64: ShellTraffic] = [:]
    }

    private let policy: GuardPolicy
    private let remedy: String
    private let state = Mutex(State())

    /// A judge for one session.
    /// - Parameters:
    ///   - policy: how strictly the guard judges commands.
    ///   - remedy: how the owner lets a shell reach a host.
    init(policy: GuardPolicy, remedy: String) {
        self.policy = policy
        self.remedy = remedy
    }

    /// A command begins.
    func begin(_ call: String?) -> ShellTraffic {
        let traffic = ShellTraffic(call: call, remedy: remedy)
        state.withLock { $0.running.append(traffic) }
        return traffic
    }

    /// A command has ended.
    func end(_ traffic: ShellTraffic) { state.withLock { $0.running.removeAll { $0 === traffic } } }

    /// The command that runs: of several the last.
    var current: ShellTraffic? { state.withLock { $0.running.last } }

    /// The verdict on a request.
    func judge(_ request: DescribedRequest) async -> RequestVerdict {
        state.withLock { $0.calls[request.number] = $0.running.last }
        let isRead = ["GET", "HEAD", "OPTIONS"].contains(request.method)
        let classes: GuardClass = isRead ? .read : .write
        guard policy.decision(for: classes) == .deny else { return .allow(class: classes.rawValue) }
        return .refuse(
            class: classes.rawValue,
            RequestRefusal(
                code: "denied",
                message:
                    "\(request.method) \(request.url.prefix(300)) was not sent: the policy \(policy.name.rawValue) "
                    + "(`guard` in the shells file) lets shells only read."))
    }

    /// A request has ended.
    /// - Returns: the command that sent it.
    func ended(_ number: UInt64) -> ShellTraffic? {
        state.withLock { $0.calls.removeValue(forKey: number) ?? $0.running.last }
    }
}
