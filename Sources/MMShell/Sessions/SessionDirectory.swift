public import MMCore

/// Who holds which session, where several processes serve the same clients.
///
/// A session lives in one process: its shell and its streams can't move. What can be shared is where it lives, so that a
/// request that reaches another process is sent on. One process needs `LocalSessionDirectory` alone; a store that several
/// processes reach keeps the same promises.
public protocol SessionDirectory: Sendable {
    /// Claims a session for a holder, for a while. A claim that stands is left as it is.
    /// - Parameters:
    ///   - key: the session: whose it is, and its name.
    ///   - holder: the process that would hold it, as others reach it.
    ///   - lease: how long the claim stands unless it is renewed.
    /// - Returns: who holds it now.
    /// - Throws: `.unavailable` when the store can't be reached: then nobody must begin the session.
    func claim(_ key: String, for holder: String, lease: Duration) async throws(MMError) -> SessionPlacement

    /// Who holds a session.
    /// - Returns: nil when nobody does, or the claim has run out.
    /// - Throws: `.unavailable` when the store can't be reached.
    func holder(of key: String) async throws(MMError) -> SessionPlacement?

    /// Lets a claim stand for a further while.
    /// - Returns: false when it has run out meanwhile, or is somebody else's.
    /// - Throws: `.unavailable` when the store can't be reached.
    func renew(_ key: String, for holder: String, lease: Duration) async throws(MMError) -> Bool

    /// Gives a claim up. One that is somebody else's stays.
    /// - Throws: `.unavailable` when the store can't be reached.
    func release(_ key: String, from holder: String) async throws(MMError)
}

/// Where a session lives.
public struct SessionPlacement: Sendable, Hashable {
    /// The process that holds it, as others reach it.
    public var holder: String
    /// When the claim runs out.
    public var until: ContinuousClock.Instant

    /// A place.
    public init(holder: String, until: ContinuousClock.Instant) {
        self.holder = holder
        self.until = until
    }
}

/// The directory of one process.
public actor LocalSessionDirectory: SessionDirectory {
    private var placements: [String: SessionPlacement] = [:]

    /// Nobody holds anything.
    public init() {}

    /// Claims a session for a holder, for a while.
    public func claim(_ key: String, for holder: String, lease: Duration) -> SessionPlacement {
        if let standing = self.holder(of: key), standing.holder != holder { return standing }
        let placement = SessionPlacement(holder: holder, until: .now + lease)
        placements[key] = placement
        return placement
    }

    /// Who holds a session.
    public func holder(of key: String) -> SessionPlacement? {
        guard let found = placements[key] else { return nil }
        if found.until > .now { return found }
        placements[key] = nil
        return nil
    }

    /// Lets a claim stand for a further while.
    public func renew(_ key: String, for holder: String, lease: Duration) -> Bool {
        guard self.holder(of: key)?.holder == holder else { return false }
        placements[key] = SessionPlacement(holder: holder, until: .now + lease)
        return true
    }

    /// Gives a claim up.
    public func release(_ key: String, from holder: String) {
        if placements[key]?.holder == holder { placements[key] = nil }
    }
}
