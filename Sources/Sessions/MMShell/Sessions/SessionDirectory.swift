package import MMCore

/// The processes that hold the sessions, if several processes serve the same clients.
///
/// A session lives in one process: its shell and its streams can't move. The directory shares where it lives, so that a
/// request that reaches another process can be forwarded. A single process needs only `LocalSessionDirectory`; a store
/// that several processes share must meet the same contract.
package protocol SessionDirectory: Sendable {
    /// Claims a session for a holder, or renews the claim, for a limited time. Another holder's claim is left
    /// unchanged.
    /// - Parameters:
    ///   - key: the session, by owner and name.
    ///   - holder: the process that would hold it, by the address at which others reach it.
    ///   - lease: how long the claim is valid.
    /// - Returns: the current holder.
    /// - Throws: `.unavailable` if the store can't be reached; the session must not be started then.
    func claim(_ key: String, for holder: String, lease: Duration) async throws(MMError) -> SessionPlacement

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

    /// Claims a session for a holder, or renews the claim, for a limited time.
    package func claim(_ key: String, for holder: String, lease: Duration) -> SessionPlacement {
        if let standing = placements[key], standing.holder != holder, standing.until > .now { return standing }
        let placement = SessionPlacement(holder: holder, until: .now + lease)
        placements[key] = placement
        return placement
    }

    /// Releases a claim.
    package func release(_ key: String, from holder: String) {
        if placements[key]?.holder == holder { placements[key] = nil }
    }
}
