import MMCore
package import MMSessions

/// Brings sessions back after a restart of the pool: from what sign-ins and modules have cached, without asking anybody.
///
/// What needs a person again stays known and says so; the next call in it asks as always.
package final class SessionRestorer: Sendable {
    /// Where a session that is to come back stands.
    package enum Standing: Sendable, Hashable {
        /// It comes back.
        case restoring
        /// A person must sign in again.
        case needsPerson
        /// It could not be brought back.
        case failed(String)
    }

    private struct Entry {
        var session: RestoredSession
        var standing: Standing
    }

    private struct State {
        var entries: [SessionKey: Entry] = [:]
        var written: [UInt8]?
        /// Before the file was read nothing may be written over it.
        var isLoaded = false
        var isStopped = false
    }

    private let path: String
    private let registry: ConnectionRegistry
    private let sessions: SessionPool<ModuleSessionFactory>
    private let log: Log
    private let clock: WallClock
    private let state = Mutex(State())

    /// How long one session may take to come back.
    private static let limit = Duration.seconds(180)
    /// How many come back at a time: each is a process that starts.
    private static let width = 4
    /// What was signed in longer ago than this is left alone.
    private static let age = Duration.seconds(30 * 86_400)

    /// A restorer of a pool's sessions.
    init(
        path: String, registry: ConnectionRegistry, sessions: SessionPool<ModuleSessionFactory>, log: Log,
        clock: WallClock = .system
    ) {
        self.path = path
        self.registry = registry
        self.sessions = sessions
        self.log = log
        self.clock = clock
    }

    // MARK: Bringing back

    /// Reads what is to come back: to be called before anybody is answered, since from here on what was signed in counts
    /// as on its way.
    package func prepare() { load() }

    /// Brings back what was signed in when the last pool ended. Returns when each has come back or has not.
    package func restore() async {
        load()
        let list = state.withLock { state in
            state.entries.values.filter { $0.standing == .restoring }.map(\.session).sorted { $0.key < $1.key }
        }
        guard !list.isEmpty else { return }
        log.info("bringing \(list.count) sessions back")
        await withTaskGroup(of: Void.self) { group in
            for (index, session) in list.enumerated() {
                if index >= Self.width { await group.next() }
                group.addTask { await self.bringBack(session) }
            }
        }
        await save()
    }

    private func load() {
        guard !state.withLock({ $0.isLoaded }) else { return }
        let now = clock.now
        var list: [RestoredSession] = []
        do throws(MMError) {
            if let bytes = try ProtectedFile.read(path, limit: 16 << 20) {
                let items = (try? JSONParser.parse(bytes))?.array
                if items == nil { log.warning("\(path) isn't a list of sessions; it is written again") }
                list = (items ?? []).compactMap { RestoredSession($0, now: now) }
            }
        } catch {
            log.warning("the sessions to bring back can't be read: \(error.message)")
        }
        // A registry that can't be read at the moment tells nothing of who is gone.
        let known = (try? registry.snapshot()).map { Set($0.connections.map(\.name)) }
        list.removeAll { known?.contains($0.key.connection) == false || now - $0.savedAt > Self.age }
        state.withLock { state in
            for session in list { state.entries[session.key] = Entry(session: session, standing: .restoring) }
            state.isLoaded = true
        }
    }

    private func bringBack(_ session: RestoredSession) async {
        let key = session.key
        var pauses: [Duration] = [.seconds(5), .seconds(30)]
        while isWanted(key) {
            do throws(MMError) {
                let account = try await Attendance.unattended { () async throws(MMError) in
                    try await sessions.connect(key, until: .after(Self.limit))
                }
                guard session.account.isEmpty || account.lowercased() == session.account.lowercased() else {
                    log.scoped(key.connection, key.module).warning(
                        "came back as \(account), not as \(session.account): ended")
                    _ = await sessions.reset(connection: key.connection, module: key.module)
                    return stand(key, .needsPerson)
                }
                log.scoped(key.connection, key.module).info("came back as \(account)")
                return stand(key, nil)
            } catch {
                switch error.code {
                case .signInNeeded:
                    log.scoped(key.connection, key.module).info("a person must sign in again")
                    return stand(key, .needsPerson)
                case .unavailable, .throttled, .deadlineExceeded:
                    // Networks come up later than programs do.
                    guard !pauses.isEmpty else { return fail(key, error) }
                    guard (try? await Task.sleep(for: pauses.removeFirst())) != nil else { return }
                default: return fail(key, error)
                }
            }
        }
    }

    private func fail(_ key: SessionKey, _ error: MMError) {
        log.scoped(key.connection, key.module).warning("did not come back: \(error.message)")
        stand(key, .failed(error.message))
    }

    private func isWanted(_ key: SessionKey) -> Bool {
        !Task.isCancelled && state.withLock { !$0.isStopped && $0.entries[key] != nil }
    }

    private func stand(_ key: SessionKey, _ standing: Standing?) {
        state.withLock { state in
            if let standing { state.entries[key]?.standing = standing } else { state.entries[key] = nil }
        }
    }

    // MARK: What is known

    /// Where the sessions stand that have not come back.
    package var standings: [SessionKey: Standing] { state.withLock { $0.entries.mapValues(\.standing) } }

    /// The accounts that they were signed in as.
    package func account(of key: SessionKey) -> String? { state.withLock { $0.entries[key]?.session.account } }

    /// Whether some session is still on its way.
    package var isRestoring: Bool { state.withLock { $0.entries.values.contains { $0.standing == .restoring } } }

    /// Forgets sessions that somebody ended.
    package func forget(connection: String, module: String?) {
        state.withLock { state in
            for key in state.entries.keys where key.connection == connection && (module == nil || key.module == module)
            {
                state.entries[key] = nil
            }
        }
    }

    // MARK: Keeping

    /// Writes down which sessions are signed in, where that has changed.
    package func save() async {
        let accounts = await sessions.accounts()
        guard state.withLock({ $0.isLoaded && !$0.isStopped }) else { return }
        let snapshot = try? registry.snapshot()
        let now = clock.now
        var live: [SessionKey: RestoredSession] = [:]
        // Who signed in to a server does so again: their sessions don't come back by themselves.
        for (key, account) in accounts where key.signedIn == nil {
            let connection = try? snapshot?.connection(named: key.connection)
            live[key] = RestoredSession(
                key: key, tenant: connection?.tenant ?? connection?.tenantId,
                appID: connection?.appID(for: key.module, known: snapshot?.knownModuleApps ?? [:]),
                account: account, savedAt: now)
        }
        state.withLock { state in
            guard !state.isStopped else { return }
            // What somebody signed in meanwhile has come back as well.
            for key in live.keys { state.entries[key] = nil }
            let all = live.values + state.entries.values.map(\.session)
            let list = all.sorted { $0.key < $1.key }
            // The time alone is no change: a file that is written with every look would wear the disk for nothing.
            let mark = Array(list.map { "\($0.key)\u{0}\($0.account)" }.joined(separator: "\u{1}").utf8)
            guard mark != state.written, !(list.isEmpty && state.written == nil) else { return }
            do throws(MMError) {
                let bytes = JSONWriter.bytes(.array(list.map(\.json)), layout: .indented(2)) + [0x0A]
                try ProtectedFile.replace(path, with: bytes, durable: false)
                state.written = mark
            } catch {
                log.warning("the sessions can't be written down: \(error.message)")
            }
        }
    }

    /// Writes down what is signed in for the last time: what ends from here on ends with the pool, and comes back.
    package func finish() async {
        await save()
        stop()
    }

    /// Writes nothing any more.
    package func stop() { state.withLock { $0.isStopped = true } }
}

extension OperationServices {
    /// How many sessions live, or are about to.
    package func liveSessions() async -> Int {
        await sessions.reports().count { report in
            switch report.state {
            case .failed, .lost, .stopped: false
            default: true
            }
        }
    }

    /// How many calls go on after their callers were let go.
    package func runningJobs() -> Int { jobs.table.reports(for: nil).count { $0.state == .running } }

    /// Ends the sessions that nobody uses at the moment.
    package func endIdleSessions() async {
        for report in await sessions.reports() {
            if case .busy = report.state { continue }
            _ = await sessions.reset(connection: report.key.connection, module: report.key.module)
        }
    }

    /// Ends the sessions of connections that are not among these.
    package func endSessions(notOf names: Set<String>) async {
        for report in await sessions.reports() where !names.contains(report.key.connection) {
            _ = await sessions.reset(connection: report.key.connection, module: report.key.module)
        }
    }
}

/// A session as the file of sessions keeps it: what was connected, as whom. Earlier pools wrote the same members.
struct RestoredSession: Sendable, Hashable {
    /// Which session.
    let key: SessionKey
    /// The tenant, for people who read the file.
    let tenant: String?
    /// The app, for people who read the file.
    let appID: String?
    /// The account that had signed in.
    let account: String
    /// When it was seen signed in last.
    let savedAt: Timestamp

    /// As the file holds it.
    var json: JSONValue {
        [
            "connection_name": .string(key.connection), "module": .string(key.module),
            "tenant": tenant.map { .string($0) } ?? .null, "app_id": appID.map { .string($0) } ?? .null,
            "authenticated_as": .string(account), "saved_at": .string(savedAt.iso8601),
        ]
    }

    init(key: SessionKey, tenant: String?, appID: String?, account: String, savedAt: Timestamp) {
        self.key = key
        self.tenant = tenant
        self.appID = appID
        self.account = account
        self.savedAt = savedAt
    }

    /// An entry of the file; `nil` for what is none. Earlier pools wrote local times without a zone: their age is not known.
    init?(_ json: JSONValue, now: Timestamp) {
        guard let connection = json["connection_name"]?.string, let module = json["module"]?.string,
            !connection.isEmpty, !module.isEmpty
        else { return nil }
        key = SessionKey(connection: connection, module: module)
        tenant = json["tenant"]?.string
        appID = json["app_id"]?.string
        account = json["authenticated_as"]?.string ?? ""
        savedAt = json["saved_at"]?.string.flatMap { Timestamp(iso8601: $0) } ?? now
    }
}
