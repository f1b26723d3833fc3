package import MMCore

/// What Redis keeps, also across a restart. Leases, and the ids of calls that must not be carried out twice, depend on
/// it.
package enum RedisPersistence: String, Sendable {
    /// Every write, except those of about the last second (`appendonly`).
    case appended
    /// The last snapshot; later writes are lost (`save`).
    case snapshots
    /// Nothing.
    case none
    /// Nothing for certain, also without a restart: it removes keys when its memory is full (`maxmemory-policy`).
    case evicted
    /// Redis doesn't say.
    case unknown
}

extension RedisClient {
    /// Asks Redis what it keeps.
    /// - Throws: `unavailable` if Redis can't be reached.
    package func persistence() async throws(MMError) -> RedisPersistence {
        let key = "mm:persistence"
        let info: String
        do throws(MMError) {
            info = try await ask(["INFO"], key: key).value.text ?? ""
        } catch {
            guard error.details["cluster"] == "refused" else { throw error }
            return .unknown
        }
        let lines = info.split(whereSeparator: \.isNewline)
        func value(_ name: String) -> Substring? {
            lines.first { $0.hasPrefix(name + ":") }?.dropFirst(name.utf8.count + 1)
        }
        if let limit = value("maxmemory"), limit != "0", let policy = value("maxmemory_policy"), policy != "noeviction" {
            return .evicted
        }
        if lines.contains("aof_enabled:1") { return .appended }
        do throws(MMError) {
            // Most hosted services don't allow this question.
            guard let points = try await ask(["CONFIG", "GET", "save"], key: key).value.pairs["save"]?.text else {
                return .unknown
            }
            return points.isEmpty ? .none : .snapshots
        } catch {
            guard error.details["cluster"] == "refused" else { throw error }
            return .unknown
        }
    }
}
