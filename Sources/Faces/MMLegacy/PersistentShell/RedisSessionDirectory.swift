import Glibc
package import MMCore
import MMPool
package import MMShell

/// Where sessions live that several servers share, in Redis.
///
/// A session may rest for an hour, but its server says every half minute that it lives: what a server held that is gone can be begun
/// anew elsewhere soon.
package actor RedisSessionDirectory: SessionDirectory {
    private struct Held {
        let holder: String
        /// How long the session may rest.
        var until: ContinuousClock.Instant
    }

    /// How long a server may be silent.
    static let patience = Duration.seconds(90)

    private let claims: SharedClaims
    private var held: [String: Held] = [:]
    private var upkeep: Task<Void, Never>?

    init(_ redis: RedisClient) {
        claims = SharedClaims(redis, kind: "shells")
    }

    /// The directory that an environment names (`MM_CLUSTER`); `nil` where it names none.
    /// - Throws: `invalidInput` for an address that is none, `unavailable` without the library.
    package init?(environment: [String: String]) throws(MMError) {
        guard let url = environment["MM_CLUSTER"], !url.isEmpty else { return nil }
        if let fault = RedisLibrary.fault {
            throw MMError(.unavailable, "Redis can't be spoken to: \(fault)", hint: "apt-get install libhiredis0.14")
        }
        self.init(RedisClient(try RedisAddress(url, environment: environment)))
    }

    deinit { upkeep?.cancel() }

    /// The name of this machine.
    static var machine: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    package func claim(_ key: String, for holder: String, lease: Duration) async throws(MMError) -> SessionPlacement {
        let claim = try await claims.claim(key, for: holder, lease: min(lease, Self.patience))
        if claim.holder == holder {
            held[key] = Held(holder: holder, until: .now + lease)
            goOn()
        } else {
            held[key] = nil
        }
        return Self.placement(claim)
    }

    package func holder(of key: String) async throws(MMError) -> SessionPlacement? {
        try await claims.holder(of: key).map(Self.placement)
    }

    package func renew(_ key: String, for holder: String, lease: Duration) async throws(MMError) -> Bool {
        let isOurs = try await claims.renew(key, for: holder, lease: min(lease, Self.patience))
        held[key] = isOurs ? Held(holder: holder, until: .now + lease) : nil
        if isOurs { goOn() }
        return isOurs
    }

    package func release(_ key: String, from holder: String) async throws(MMError) {
        held[key] = nil
        try await claims.release(key, from: holder)
    }

    private static func placement(_ claim: SharedClaims.Claim) -> SessionPlacement {
        SessionPlacement(holder: claim.holder, until: .now + claim.left)
    }

    /// Says that this server lives, as long as it holds anything.
    private func goOn() {
        guard upkeep == nil else { return }
        upkeep = Task { [weak self] in
            while (try? await Task.sleep(for: Self.patience / 3)) != nil {
                guard let self, await self.renewAll() else { return }
            }
        }
    }

    /// Renews what is held.
    /// - Returns: whether there is anything left.
    func renewAll() async -> Bool {
        for (key, one) in held {
            let left = ContinuousClock.now.duration(to: one.until)
            guard left > .zero else {
                held[key] = nil
                continue
            }
            // Where Redis is away for a moment, the next round does it.
            let isOurs = try? await claims.renew(key, for: one.holder, lease: min(left, Self.patience))
            if isOurs == false, held[key]?.holder == one.holder { held[key] = nil }
        }
        if held.isEmpty { upkeep = nil }
        return !held.isEmpty
    }
}
