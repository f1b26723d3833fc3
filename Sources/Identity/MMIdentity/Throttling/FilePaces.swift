internal import MMCore

/// The paces that the processes of a user share: a small file in the state folder that exists only while a service has asked
/// to slow down.
struct FilePaces: PaceStore {
    private let path: String
    private let clock: WallClock
    private let log: Log

    /// How long to wait for the file's lock, which is held only briefly.
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
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20) else { return nil }
        // A file that can't be parsed holds nothing worth keeping.
        return (try? JSONParser.parse(bytes))?.object
    }

    /// Changes the entry under the file's lock. If that fails, each call still honours what it was told itself.
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
