package import MMCore

/// What Redis keeps when it ends and starts again: the ids of calls that are not to be carried out twice are among it.
package enum RedisPersistence: String, Sendable {
    /// Every write, within a second or so (`appendonly`).
    case appended
    /// What a snapshot held: writes since are gone (`save`).
    case snapshots
    /// Nothing.
    case none
    /// Redis doesn't say.
    case unknown
}

extension RedisClient {
    /// Asks what is kept.
    /// - Throws: `unavailable` where Redis can't be reached.
    package func persistence() async throws(MMError) -> RedisPersistence {
        let key = "mm:persistence"
        let info: String
        do throws(MMError) {
            info = try await ask(["INFO", "persistence"], key: key).value.text ?? ""
        } catch {
            guard error.details["cluster"] == "refused" else { throw error }
            return .unknown
        }
        let lines = info.split(whereSeparator: \.isNewline)
        if lines.contains("aof_enabled:1") { return .appended }
        do throws(MMError) {
            // Where it may not be asked, as with most services that host it, nobody knows.
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
