import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

extension Tenant {
    /// Lets sessions run the stand-in's own commands, which are in no table.
    /// - Parameter toChange: whether these calls may change something, or only read.
    func allowStandIn(toChange: Bool = false) throws {
        let rules = """
            {"version": 1, "rules": [{"id": "stand-in", "cmdlets": ["Invoke-StandIn"], \
            \(toChange ? #""class": "write""# : #""class": "read", "decision": "allow""#), "loosens": ["unknown-command"]}]}
            """
        try ProtectedFile.replace("\(home.path)/.m365-state/guard-rules.json", with: Array(rules.utf8))
    }

    /// The process of a session, as the session itself reports it.
    func sessionProcess(_ module: String = "exo", extra: [String: String] = [:]) async throws -> Int32 {
        let ran = try await mm(["run", "Demo", module, "Invoke-StandIn process"], extra: extra)
        guard ran.code == 0, let inner = Int32(ran.output.filter(\.isNumber)),
            let pid = SessionProcess.here(inner, home: home.path)
        else {
            throw MMError(.internalError, "no process: \(ran.code) \(ran.output) \(ran.error)")
        }
        return pid
    }

    /// The output of `mm pool status`.
    func poolStatus() async throws -> JSONValue {
        let ran = try await mm(["pool", "status", "--json"])
        guard let json = ran.json else { throw MMError(.internalError, "no status: \(ran.error)") }
        return json
    }

    /// The state of a session in `mm status`; `nil` if it isn't listed.
    func state(of session: String) async throws -> String? {
        let ran = try await mm(["status", "--json"])
        return ran.json?["sessions"]?.array?.first { $0["session"]?.string == session }?["state"]?.string
    }

    /// The running pool's process.
    func poolProcess() throws -> ProcessIdentity { try #require(home.pools.first) }
}

/// Waits until a condition holds.
/// - Throws: `deadlineExceeded` when it does not in time.
func waitUntil(_ condition: () async throws -> Bool) async throws {
    guard try await eventually(condition) else {
        throw MMError(.deadlineExceeded, "What this test waits for did not come about.")
    }
}
