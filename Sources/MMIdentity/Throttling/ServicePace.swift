package import MMCore

/// Coordinates when requests to one service may be sent, across all calls and processes of the user. It is a small file
/// in the state folder that exists only while a service has asked to slow down.
package struct ServicePace: Sendable {
    private let path: String
    private let key: String
    private let clock: WallClock
    private let log: Log

    /// How long to wait for the file's lock, which is held only briefly.
    private static let patience = Duration.seconds(5)

    /// Creates the pace of a connection's requests to a service.
    package init(paths: StatePaths, connection: String, service: String, clock: WallClock, log: Log) {
        self.init(paths, key: "\(connection)/\(service)", clock, log)
    }

    /// Creates the pace of an app's requests to the sign-in service of a tenant, which counts them per app and tenant,
    /// whatever connection they are for.
    init(signInOf target: SignInTarget, paths: StatePaths, clock: WallClock, log: Log) {
        let authority = target.authority
        self.init(
            paths, key: "\(authority.cloud.login)/\(authority.tenant)/\(target.clientID.lowercased())", clock, log)
    }

    /// Creates the pace at which a token that is still good is renewed after a renewal has failed.
    init(renewalOf target: SignInTarget, _ resource: ServiceResource, paths: StatePaths, clock: WallClock, log: Log) {
        self.init(paths, key: "\(target.connection)/\(resource.name)/renewal", clock, log)
    }

    private init(_ paths: StatePaths, key: String, _ clock: WallClock, _ log: Log) {
        path = paths.throttleFile
        self.key = key
        self.clock = clock
        self.log = log
    }

    /// Takes the next slot among those who want to send.
    /// - Returns: how long to wait before trying again; `nil` when the request may be sent now.
    package func take() async -> Duration? {
        guard let pace = current(), !pace.isOver(at: now) else { return nil }
        var seen = pace
        // A caller that is too early is told so without taking the lock.
        if let wait = seen.take(now) { return wait }
        return await change { pace, now in
            guard pace?.isOver(at: now) == false else {
                pace = nil
                return nil
            }
            return pace?.take(now)
        } ?? nil
    }

    /// Records that the service asked to slow down.
    /// - Parameters:
    ///   - wait: how long to wait.
    ///   - sent: when the request that was refused was sent.
    package func slowDown(for wait: Duration, sent: Timestamp) async {
        await change { pace, now in
            if pace?.isOver(at: now) == false {
                pace?.slowDown(for: wait, sent: sent.milliseconds, now: now)
            } else {
                pace = Pace(waiting: wait, now: now)
            }
        }
    }

    /// Records that a request sent at a given time succeeded.
    package func goOn(sent: Timestamp) async {
        guard current() != nil else { return }
        await change { pace, now in
            if pace?.isOver(at: now) == true || pace?.goOn(sent: sent.milliseconds) == true { pace = nil }
        }
    }

    private var now: Int64 { clock.now.milliseconds }

    private func current() -> Pace? {
        guard let entry = (try? read())?[key] else { return nil }
        return Pace(entry)
    }

    private func read() throws(MMError) -> JSONObject? {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else { return nil }
        // A file that can't be parsed holds nothing worth keeping.
        return (try? JSONParser.parse(bytes))?.object
    }

    /// Changes the entry under the file's lock. If that fails, each call still honours what it was told itself.
    @discardableResult
    private func change<Value: Sendable>(_ body: (inout Pace?, Int64) -> Value) async -> Value? {
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
            log.debug("the times before which nothing is sent can't be shared: \(error.message)")
            return nil
        }
    }
}

extension Timestamp {
    /// Milliseconds since 1970.
    var milliseconds: Int64 { seconds * 1000 + Int64(nanoseconds / 1_000_000) }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
