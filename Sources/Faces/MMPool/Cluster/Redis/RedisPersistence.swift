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
        let facts: RedisFacts
        do throws(MMError) {
            facts = RedisFacts(try await ask(["INFO"], key: key))
        } catch {
            guard error.details["cluster"] == "refused" else { throw error }
            return .unknown
        }
        if let limit = facts["maxmemory"], limit != "0", let policy = facts["maxmemory_policy"],
            policy != "noeviction"
        {
            return .evicted
        }
        if facts["aof_enabled"] == "1" { return .appended }
        do throws(MMError) {
            // Most hosted services don't allow this question.
            guard let points = try await ask(["CONFIG", "GET", "save"], key: key).pairs["save"]?.text else {
                return .unknown
            }
            return points.isEmpty ? .none : .snapshots
        } catch {
            guard error.details["cluster"] == "refused" else { throw error }
            return .unknown
        }
    }
}
