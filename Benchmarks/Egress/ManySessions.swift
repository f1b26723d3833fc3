import MMCore
import MMEgress
import MMHTTP
import MMIdentity

/// Many requests of several sessions at once, each session with its own account.
enum ManySessions {
    /// Sends the requests.
    /// - Returns: how many were sent with another session's account, and how many seconds all took.
    static func run(sessions: Int, requests: Int, port: UInt16, folder: String) async throws -> (
        mixed: Int, seconds: Double
    ) {
        let mixed = Tally()
        let begin = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<sessions {
                group.addTask {
                    try await session("account\(number)", requests / sessions, port, "\(folder)/\(number)", mixed)
                }
            }
            try await group.waitForAll()
        }
        let parts = (ContinuousClock.now - begin).components
        return (mixed.count, Double(parts.seconds) + Double(parts.attoseconds) / 1e18)
    }

    private static func session(
        _ account: String, _ count: Int, _ port: UInt16, _ folder: String, _ mixed: Tally
    ) async throws {
        try ProtectedFile.makeDirectory(folder)
        let cloud = try Cloud.named("public", paths: StatePaths(environment: ["HOME": folder]))
        let vault = PlaceholderVault()
        var configuration = EgressConfiguration(
            session: account, hosts: EgressHosts(cloud: cloud), judge: Everything(), tokens: OneToken(),
            vault: vault,
            folder: folder, environment: [:], events: { _ in })
        configuration.transport = ToService(port: port) { request in
            // The path names the session's account, the token is the one that the proxy put in.
            let isOwn =
                request.headers["authorization"] == "Bearer real-token-of-\(account)"
                && request.url.hasSuffix("/\(account)")
            if !isOwn { mixed.add() }
        }
        let wire = try await EgressSession.start(configuration)
        let headers: HTTPHeaders = [
            "Authorization": "Bearer \(try vault.placeholder(for: benchmarkToken(), account: account))"
        ]
        let client = HTTPClient(configuration: HTTPClientConfiguration(environment: wire.environment))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<(count / 8) {
                        let request = HTTPRequest(
                            url: "https://graph.microsoft.com/v1.0/users/\(account)", headers: headers)
                        let answer = try await client.send(request)
                        guard answer.status == 200 else { throw MMError(.internalError, "status \(answer.status)") }
                    }
                }
            }
            try await group.waitForAll()
        }
        await client.shutdown()
        await wire.close()
    }
}

/// Counts from any thread.
final class Tally: Sendable {
    private let total = Mutex(0)
    var count: Int { total.withLock { $0 } }
    func add() { total.withLock { $0 += 1 } }
}
