package import MMCore

/// The paces that the processes of a user share: a small file in the state folder that exists only while a service has
/// asked to slow down.
struct FilePaces: PaceStore {
    private let path: String
    private let clock: WallClock
    private let log: Log

    /// The maximum time to wait for the file's lock, which is held only briefly.
    private static let patience = Duration.seconds(5)

    init(_ paths: StatePaths, _ clock: WallClock, _ log: Log) {
        path = paths.throttleFile
        self.clock = clock
        self.log = log
    }

    func take(_ key: String) async -> Duration? {
        guard let pace = current(key), !pace.isOver(at: now) else { return nil }
        var seen = pace
        // A caller that is too early is told so without taking the lock.
        if let wait = seen.take(now) { return wait }
        return await change(key) { pace, now in
            guard pace?.isOver(at: now) == false else {
                pace = nil
                return nil
            }
            return pace?.take(now)
        } ?? nil
    }

    @discardableResult
    func slowDown(_ key: String, for wait: Duration, sent: Timestamp) async -> Bool {
        await change(key) { pace, now in
            if pace?.isOver(at: now) == false {
                pace?.slowDown(for: wait, sent: sent.milliseconds, now: now)
            } else {
                pace = Pace(waiting: wait, now: now)
            }
            return true
        } ?? false
    }

    func goOn(_ key: String, sent: Timestamp) async {
        guard current(key) != nil else { return }
        await change(key) { pace, now in
            if pace?.isOver(at: now) == true || pace?.goOn(sent: sent.milliseconds) == true { pace = nil }
        }
    }

    private var now: Int64 { clock.now.milliseconds }

    private func current(_ key: String) -> Pace? {
        guard let entry = (try? read())?[key] else { return nil }
        return Pace(entry)
    }

    private func read() throws(MMError) -> JSONObject? {
        // Usually there is no file, and each request checks twice.
        guard FileStamp.mayExist(path) else { return nil }
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else { return nil }
        // A file that can't be parsed holds nothing worth keeping.
        return (try? JSONParser.parse(bytes))?.object
    }

    /// Changes the entry under the file's lock. If that fails, each call still honours the waits that it was told
    /// itself.
    @discardableResult
    private func change<Value: Sendable>(_ key: String, _ body: (inout Pace?, Int64) -> Value) async -> Value? {
        do throws(MMError) {
            let lock = try await FileLock(awaiting: path, until: .after(Self.patience))
            var entries = try read() ?? [:]
            let before = entries
            let now = now
            var pace = entries[key].flatMap(Pace.init)
            let value = body(&pace, now)
            entries[key] = pace?.entry
            for (name, entry) in entries where name != key && Pace(entry)?.isOver(at: now) != false {
                entries[name] = nil
            }
            if entries.isEmpty {
                try ProtectedFile.remove(path)
            } else if entries != before {
                try ProtectedFile.replace(path, with: JSONWriter.bytes(.object(entries)), durable: false)
            }
            _ = consume lock
            return value
        } catch {
            log.debug("the waiting times for services can't be shared: \(error.message)")
            return nil
        }
    }
}

extension Timestamp {
    /// Milliseconds since 1970.
    var milliseconds: Int64 { seconds * 1000 + Int64(nanoseconds / 1_000_000) }
}

/// The pace of requests to a service that has asked to slow down: none before a given time, then one after the other
/// with a gap that doubles if that is still too fast and shrinks with each success, so that waiting callers don't all
/// resume at once.
///
/// Times are in milliseconds since 1970, as in the file.
struct Pace: Sendable, Hashable {
    /// The time before which nothing is sent.
    private(set) var notBefore: Int64
    /// The time between two requests after that, in milliseconds.
    private(set) var gap: Int64
    /// When the service last asked to slow down; responses to earlier requests carry no new information.
    private(set) var told: Int64

    private static let firstGap: Int64 = 200
    private static let leastGap: Int64 = 20
    private static let largestGap: Int64 = 4_000
    /// The longest wait that is accepted from a header; an entry further ahead stems from before the clock was set
    /// back.
    private static let furthest = RetryAfter.ceiling.milliseconds
    /// The time after `notBefore` for which an entry is kept without news; by then the service has forgotten it too.
    private static let lifetime: Int64 = 60_000

    /// Creates a pace after a service's first request to slow down.
    init(waiting wait: Duration, now: Int64) {
        notBefore = Self.moment(now, wait)
        gap = Self.firstGap
        told = now
    }

    /// Parses an entry of the file; `nil` when it is malformed.
    init?(_ entry: JSONValue) {
        guard let notBefore = entry["notBefore"]?.int, let gap = entry["gap"]?.int, let told = entry["told"]?.int else {
            return nil
        }
        self.notBefore = Int64(notBefore)
        self.gap = min(max(Int64(gap), Self.leastGap), Self.largestGap)
        self.told = Int64(told)
    }

    /// The entry for the file.
    var entry: JSONValue { ["notBefore": .int(notBefore), "gap": .int(gap), "told": .int(told)] }

    /// Returns whether the pace has expired and can be forgotten.
    func isOver(at now: Int64) -> Bool {
        now - notBefore > Self.lifetime || notBefore - now > Self.furthest + Self.largestGap
    }

    /// Records that the service asked to slow down.
    /// - Parameters:
    ///   - wait: how long to wait.
    ///   - sent: when the request that was refused was sent.
    mutating func slowDown(for wait: Duration, sent: Int64, now: Int64) {
        // Requests that were in flight together are all refused; that counts as one refusal.
        if sent > told { gap = min(gap * 2, Self.largestGap) }
        told = max(told, now)
        notBefore = max(notBefore, Self.moment(now, wait))
    }

    /// Records that a request succeeded.
    /// - Returns: whether the pace is back to normal and can be forgotten.
    mutating func goOn(sent: Int64) -> Bool {
        guard sent > told else { return false }
        gap = gap * 3 / 4
        return gap < Self.leastGap
    }

    /// Takes the next slot.
    /// - Returns: how long to wait before trying again; `nil` when the request may be sent now.
    mutating func take(_ now: Int64) -> Duration? {
        guard now >= notBefore else { return .milliseconds(notBefore - now) }
        notBefore = now + gap
        return nil
    }

    /// Rounds up, so that a request is never sent a fraction of a millisecond too early.
    private static func moment(_ now: Int64, _ wait: Duration) -> Int64 { now + 1 + min(wait.milliseconds, furthest) }
}

/// Coordinates when requests to one service may be sent, across all calls and processes of the user; in a cluster also
/// across its machines.
package struct ServicePace: Sendable {
    private let key: String
    /// The paces stored on this machine; in a cluster, those recorded while the shared store was unreachable.
    private let own: FilePaces
    private let shared: (any PaceStore)?

    /// Creates the pace of a connection's requests to a service.
    package init(paths: StatePaths, connection: String, service: String, clock: WallClock, log: Log) {
        self.init(paths, key: "\(connection)/\(service)", clock, log, nil)
    }

    /// Creates the pace of an app's requests to a service in a tenant. Services count requests per app and tenant,
    /// across connections; a connection without either is counted separately.
    init(
        of connection: Connection, service: String, paths: StatePaths, clock: WallClock, log: Log,
        shared: (any PaceStore)?
    ) {
        var key = connection.name
        if let tenant = connection.authorityTenant, let app = connection.appId {
            key = "\(connection.cloud)/\(tenant.lowercased())/\(app.lowercased())"
        }
        self.init(paths, key: "\(key)/\(service)", clock, log, shared)
    }

    /// Creates the pace of an app's requests to the sign-in service of a tenant, which counts them per app and tenant,
    /// whatever connection they are for.
    init(signInOf target: SignInTarget, paths: StatePaths, clock: WallClock, log: Log, shared: (any PaceStore)?) {
        let authority = target.authority
        self.init(
            paths, key: "\(authority.cloud.login)/\(authority.tenant)/\(target.clientID.lowercased())", clock, log,
            shared)
    }

    /// Creates the pace for retrying a failed renewal of a token that is still valid. It concerns only this machine's
    /// path to the sign-in service.
    init(renewalOf target: SignInTarget, _ resource: ServiceResource, paths: StatePaths, clock: WallClock, log: Log) {
        self.init(paths, key: "\(target.connection)/\(resource.name)/renewal", clock, log, nil)
    }

    private init(_ paths: StatePaths, key: String, _ clock: WallClock, _ log: Log, _ shared: (any PaceStore)?) {
        self.key = key
        own = FilePaces(paths, clock, log)
        self.shared = shared
    }

    /// Takes the next slot among all waiting callers.
    /// - Returns: how long to wait before trying again; `nil` when the request may be sent now.
    package func take() async -> Duration? {
        if let wait = await own.take(key) { return wait }
        return await shared?.take(key)
    }

    /// Records that the service asked to slow down.
    /// - Parameters:
    ///   - wait: how long to wait.
    ///   - sent: when the request that was refused was sent.
    package func slowDown(for wait: Duration, sent: Timestamp) async {
        if let shared, await shared.slowDown(key, for: wait, sent: sent) { return }
        await own.slowDown(key, for: wait, sent: sent)
    }

    /// Records that a request sent at a given time succeeded.
    package func goOn(sent: Timestamp) async {
        await own.goOn(key, sent: sent)
        await shared?.goOn(key, sent: sent)
    }
}
