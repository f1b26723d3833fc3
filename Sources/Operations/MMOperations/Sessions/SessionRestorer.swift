import MMCore
package import MMSessions

/// A restorer of sessions after a restart of the pool, from the cached tokens of sign-ins and modules, without asking a
/// person.
///
/// A session that needs a new sign-in stays listed with that state; the next call that uses it asks for the sign-in.
package final class SessionRestorer: Sendable {
    /// The state of a session that is to be restored.
    package enum Standing: Sendable, Hashable {
        /// It is being restored.
        case restoring
        /// A person must sign in again.
        case needsPerson
        /// It could not be restored.
        case failed(String)
    }

    private struct Entry {
        var session: RestoredSession
        var standing: Standing
    }

    private struct State {
        var entries: [SessionKey: Entry] = [:]
        var written: [UInt8]?
        /// Whether the file has been read. Before that it must not be overwritten.
        var isLoaded = false
        var isStopped = false
    }

    private let path: String
    private let registry: ConnectionRegistry
    private let sessions: SessionPool<ModuleSessionFactory>
    private let log: Log
    private let state = Mutex(State())

    /// The time limit for restoring one session.
    private static let limit = Duration.seconds(180)
    /// The number of sessions that are restored at once, since each starts a process.
    private static let width = 4
    /// The maximum age of a sign-in that is restored.
    private static let age = Duration.seconds(30 * 86_400)

    /// Creates a restorer for a pool's sessions.
    init(
        path: String, registry: ConnectionRegistry, sessions: SessionPool<ModuleSessionFactory>, log: Log
    ) {
        self.path = path
        self.registry = registry
        self.sessions = sessions
        self.log = log
    }

    // MARK: Restoring

    /// Reads the sessions to restore. It must be called before the first call is answered, so that these sessions are
    /// reported as being restored.
    package func prepare() { load() }

    /// Restores the sessions that were signed in when the last pool ended. Returns when each has been restored or has
    /// failed.
    package func restore() async {
        load()
        let list = state.withLock { state in
            state.entries.values.filter { $0.standing == .restoring }.map(\.session).sorted { $0.key < $1.key }
        }
        guard !list.isEmpty else { return }
        log.info("restoring \(list.count) sessions")
        await list.concurrentForEach(atOnce: Self.width) { await self.bringBack($0) }
        await save()
    }

    private func load() {
        guard !state.withLock({ $0.isLoaded }) else { return }
        let now = Timestamp.now
        var list: [RestoredSession] = []
        do throws(MMError) {
            if let bytes = try ProtectedFile.read(path, limit: 16 << 20) {
                let items = (try? JSONParser.parse(bytes))?.array
                if items == nil { log.warning("\(path) isn't a list of sessions; it is written again") }
                list = (items ?? []).compactMap { RestoredSession($0, now: now) }
            }
        } catch {
            log.warning("the saved sessions can't be read: \(error.message)")
        }
        // If the registry can't be read now, it is unknown which connections are gone, so none is removed.
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
                        "ended, because it was restored as \(account), not as \(session.account)")
                    await sessions.reset([key])
                    return stand(key, .needsPerson)
                }
                log.scoped(key.connection, key.module).info("restored as \(account)")
                return stand(key, nil)
            } catch {
                switch error.code {
                case .signInNeeded:
                    log.scoped(key.connection, key.module).info("a person must sign in again")
                    return stand(key, .needsPerson)
                case .unavailable, .throttled, .deadlineExceeded:
                    // After a start of the machine, the network may come up later than this program.
                    guard !pauses.isEmpty else { return fail(key, error) }
                    guard (try? await Task.sleep(for: pauses.removeFirst())) != nil else { return }
                default: return fail(key, error)
                }
            }
        }
    }

    private func fail(_ key: SessionKey, _ error: MMError) {
        log.scoped(key.connection, key.module).warning("was not restored: \(error.message)")
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

    // MARK: State

    /// The states of the sessions that have not been restored.
    package var standings: [SessionKey: Standing] { state.withLock { $0.entries.mapValues(\.standing) } }

    /// Returns the account that a session was signed in as.
    package func account(of key: SessionKey) -> String? { state.withLock { $0.entries[key]?.session.account } }

    /// Whether a session is still being restored.
    package var isRestoring: Bool { state.withLock { $0.entries.values.contains { $0.standing == .restoring } } }

    /// Forgets sessions that were ended by a call.
    package func forget(connection: String, module: String?) {
        state.withLock { state in
            state.entries = state.entries.filter { key, _ in
                !key.isMeant(by: connection, module: module, signedIn: nil)
            }
        }
    }

    // MARK: Saving

    /// Saves which sessions are signed in, if that has changed.
    package func save() async {
        let accounts = await sessions.accounts()
        guard state.withLock({ $0.isLoaded && !$0.isStopped }) else { return }
        let snapshot = try? registry.snapshot()
        let now = Timestamp.now
        var live: [SessionKey: RestoredSession] = [:]
        // Callers that signed in to a server have to do so again, so their sessions aren't restored.
        for (key, account) in accounts where key.signedIn == nil {
            let connection = try? snapshot?.connection(named: key.connection)
            live[key] = RestoredSession(
                key: key, tenant: connection?.tenant ?? connection?.tenantId,
                appID: connection?.appID(for: key.module, known: snapshot?.knownModuleApps ?? [:]),
                account: account, savedAt: now)
        }
        state.withLock { state in
            guard !state.isStopped else { return }
            // A session that was signed in meanwhile needs no restoring any more.
            for key in live.keys { state.entries[key] = nil }
            let all = live.values + state.entries.values.map(\.session)
            let list = all.sorted { $0.key < $1.key }
            // The time alone doesn't count as a change; otherwise each check would write the file.
            let mark = Array(list.map { "\($0.key)\u{0}\($0.account)" }.joined(separator: "\u{1}").utf8)
            guard mark != state.written, !(list.isEmpty && state.written == nil) else { return }
            do throws(MMError) {
                let bytes = JSONWriter.bytes(.array(list.map(\.json)), layout: .indented(2)) + [0x0A]
                try ProtectedFile.replace(path, with: bytes, durable: false)
                state.written = mark
            } catch {
                log.warning("the list of sessions can't be saved: \(error.message)")
            }
        }
    }

    /// Saves the signed-in sessions for the last time. Sessions that end from now on end with the pool, and are
    /// restored.
    package func finish() async {
        await save()
        stop()
    }

    /// Stops saving.
    package func stop() { state.withLock { $0.isStopped = true } }
}

extension OperationServices {
    /// Returns the number of sessions that are live or starting, with those of shells and hosts.
    package func liveSessions() async -> Int {
        let running = await sessions.reports().count { report in
            switch report.state {
            case .failed, .lost: false
            default: true
            }
        }
        return await running + shells.count
    }

    /// Returns the number of running background jobs.
    package func runningJobs() -> Int { jobs.table.reports(for: nil).count { $0.state == .running } }
}

/// An entry of the file of sessions: the session and its account. Earlier pools wrote the same members.
struct RestoredSession: Sendable, Hashable {
    /// The key of the session.
    let key: SessionKey
    /// The tenant, for people who read the file.
    let tenant: String?
    /// The app, for people who read the file.
    let appID: String?
    /// The account that had signed in.
    let account: String
    /// The time when it was last seen signed in.
    let savedAt: Timestamp

    /// The entry as JSON.
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

    /// Reads an entry of the file; `nil` if it is invalid. Earlier pools wrote local times without a zone, so for these
    /// the age is unknown and `now` is used.
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
