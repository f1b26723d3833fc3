package import MMCore

/// The processes that hold the sessions, if several processes serve the same clients.
///
/// A session lives in one process: its shell and its streams can't move. The directory shares where it lives, so that a
/// request that reaches another process can be forwarded. A single process needs only `LocalSessionDirectory`; a store
/// that several processes share must meet the same contract.
package protocol SessionDirectory: Sendable {
    /// Claims a session for a holder, for a limited time. An existing claim is left unchanged.
    /// - Parameters:
    ///   - key: the session, by owner and name.
    ///   - holder: the process that would hold it, by the address at which others reach it.
    ///   - lease: how long the claim is valid unless it is renewed.
    /// - Returns: the current holder.
    /// - Throws: `.unavailable` if the store can't be reached; the session must not be started then.
    func claim(_ key: String, for holder: String, lease: Duration) async throws(MMError) -> SessionPlacement

    /// Returns the holder of a session.
    /// - Returns: `nil` if it has no holder or the claim has expired.
    /// - Throws: `.unavailable` if the store can't be reached.
    func holder(of key: String) async throws(MMError) -> SessionPlacement?

    /// Extends a claim.
    /// - Returns: `false` if the claim has expired or belongs to another holder.
    /// - Throws: `.unavailable` if the store can't be reached.
    func renew(_ key: String, for holder: String, lease: Duration) async throws(MMError) -> Bool

    /// Releases a claim. Another holder's claim is left unchanged.
    /// - Throws: `.unavailable` if the store can't be reached.
    func release(_ key: String, from holder: String) async throws(MMError)
}

/// The place of a session.
package struct SessionPlacement: Sendable, Hashable {
    /// The process that holds it, by the address at which others reach it.
    package var holder: String
    /// When the claim expires.
    package var until: ContinuousClock.Instant

    /// Creates a place.
    package init(holder: String, until: ContinuousClock.Instant) {
        self.holder = holder
        self.until = until
    }
}

/// The directory of one process.
package actor LocalSessionDirectory: SessionDirectory {
    private var placements: [String: SessionPlacement] = [:]

    /// Creates an empty directory.
    package init() {}

    /// Claims a session for a holder, for a limited time.
    package func claim(_ key: String, for holder: String, lease: Duration) -> SessionPlacement {
        if let standing = self.holder(of: key), standing.holder != holder { return standing }
        let placement = SessionPlacement(holder: holder, until: .now + lease)
        placements[key] = placement
        return placement
    }

    /// Returns the holder of a session.
    package func holder(of key: String) -> SessionPlacement? {
        guard let found = placements[key] else { return nil }
        if found.until > .now { return found }
        placements[key] = nil
        return nil
    }

    /// Extends a claim.
    package func renew(_ key: String, for holder: String, lease: Duration) -> Bool {
        guard self.holder(of: key)?.holder == holder else { return false }
        placements[key] = SessionPlacement(holder: holder, until: .now + lease)
        return true
    }

    /// Releases a claim.
    package func release(_ key: String, from holder: String) {
        if placements[key]?.holder == holder { placements[key] = nil }
    }
}
