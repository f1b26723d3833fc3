package import MMCore
package import MMDesk
import MMGuard
package import MMSessions
package import MMShell
import MMSystem

/// The shell sessions of a process and the commands in them; the sessions are kept in a pool.
///
/// Each session belongs to one owner, and only its owner can use it. This actor also keeps what is known of hosts apart
/// from their sessions.
package actor ShellSessions {
    /// A factory that is never used, because each call says how its session is started.
    private struct Starts: SessionFactory {
        func start(_ key: ShellSessionName) async throws(MMError) -> Member {
            throw MMError(.notFound, "There is no session “\(key)”.", hint: "Run a command to start one.")
        }
    }

    private let pool: SessionPool<Starts>
    private let work: WorkTable
    private var held: SSHMasters?
    /// The files that the sessions of an owner wrote, by place, because a command in one session may run a file of
    /// another.
    private var written: [String: ShellMemory] = [:]
    private var lines: [ShellSessionName: TypedLine] = [:]
    /// The directories of sessions, also of those that have ended; `nil` if they are not kept.
    private var directories: SavedShellDirectories?
    /// Hosts that were found to have no POSIX shell, so that later commands needn't find out again.
    private var withoutShell: Set<ShellSessionName> = []

    /// Creates the collection without sessions.
    /// - Parameters:
    ///   - work: the table of commands by their handles.
    ///   - clock: the clock for idle times.
    package init(work: WorkTable = WorkTable(), clock: PoolClock = .system) {
        self.work = work
        var settings = PoolSettings()
        settings.startTimeout = nil
        settings.opensUnattended = false
        settings.maintenanceInterval = .seconds(30)
        pool = SessionPool(factory: Starts(), settings: settings, clock: clock)
    }

    /// Returns the connections to hosts.
    /// - Parameter records: the folder with the records of shells that run on hosts.
    package func masters(environment: [String: String], records: String) -> SSHMasters {
        if let held { return held }
        let made = SSHMasters(environment: environment, records: records)
        held = made
        return made
    }

    /// Returns whether a host is known to have no POSIX shell.
    package func hasNoShell(_ key: ShellSessionName) -> Bool { withoutShell.contains(key) }

    /// Records that a host has no POSIX shell.
    package func note(withoutShell key: ShellSessionName) {
        // So many can only be made-up names.
        if withoutShell.count >= 1000 { withoutShell = [] }
        withoutShell.insert(key)
    }

    /// Forgets that a host has no shell, after its sessions were closed.
    package func forget(withoutShell key: ShellSessionName) { withoutShell.remove(key) }

    /// Returns the files that the sessions of an owner wrote at a place.
    func memory(of key: ShellSessionName) -> ShellMemory { written[Self.place(key)] ?? ShellMemory() }

    /// Keeps the record of files that the sessions of an owner wrote at a place.
    func remember(_ memory: ShellMemory, of key: ShellSessionName) {
        if written.count >= 1000 { written = [:] }
        written[Self.place(key)] = memory
    }

    /// Returns the key for such files. Hosts may have several names, so all of an owner's hosts share one.
    private static func place(_ key: ShellSessionName) -> String { "\(key.owner) \(key.place.rawValue)" }

    /// Returns the unfinished line that was typed into a device.
    func line(of key: ShellSessionName) -> TypedLine { lines[key] ?? TypedLine() }

    /// Keeps the unfinished line that was typed into a device.
    func keep(_ line: TypedLine, of key: ShellSessionName) {
        if lines.count >= 1000 { lines = [:] }
        lines[key] = line
    }

    /// Keeps the directories of sessions from now on.
    func keep(_ directories: SavedShellDirectories) { self.directories = directories }

    /// Forgets the directory of a session that begins anew.
    func forgetDirectory(of key: ShellSessionName) async { await directories?.forget(key) }

    // MARK: Sessions

    /// Returns the last directory of a session of this name that ended with its pool. One of this machine that doesn't
    /// exist any more counts as none.
    /// - Parameter idle: how long a session may be unused: one that would have ended since begins anew.
    func lastDirectory(of key: ShellSessionName, within idle: Duration) async -> String? {
        guard let directory = await directories?.directory(of: key, within: idle) else { return nil }
        return key.place != .shell || RealPath.of(directory) != nil ? directory : nil
    }

    /// Returns the session with this name, and creates it if there is none.
    /// - Returns: the session, and whether it is new.
    /// - Throws: `limitExceeded` with the existing sessions; errors of `make`.
    package func session(
        _ key: ShellSessionName, limits: SessionLimits, make: @escaping @Sendable () async throws(MMError) -> Member
    ) async throws(MMError) -> (member: Member, isNew: Bool) {
        let (member, isNew) = try await pool.session(key, limits: limits, start: make)
        return (member, isNew)
    }

    /// Returns a session that must exist.
    /// - Throws: `notFound` with the owner's sessions.
    package func existing(_ key: ShellSessionName) async throws(MMError) -> Member {
        if let member = await pool.ready(key) { return member }
        let known = await members(of: key.owner, in: key.place).map(\.key.name).sorted()
        throw MMError(
            .notFound, "There is no session “\(key.name)”.",
            hint: known.isEmpty
                ? "There are no sessions. Run a command to start one."
                : "Open sessions: \(known.joined(separator: ", ")).")
    }

    /// Returns the sessions of an owner, oldest first.
    package func members(of owner: String, in place: ShellPlace) async -> [Member] {
        await pool.readySessions { $0.owner == owner && $0.place == place }
            .sorted { ($0.created, $0.key.name) < ($1.created, $1.key.name) }
    }

    /// Returns the pool's reports of an owner's sessions.
    package func reports(of owner: String) async -> [SessionReport<ShellSessionName>] {
        await pool.reports { $0.owner == owner }
    }

    /// Ends a session and all processes that it started.
    package func close(_ key: ShellSessionName) async {
        for task in commands where task.session == key { task.cancel() }
        await directories?.forget(key)
        await pool.end(key, MMError(.unavailable, "The session “\(key)” is being closed."))
    }

    /// Ends all sessions of an owner whose client has gone.
    package func closeAll(of owner: String) async {
        withoutShell = withoutShell.filter { $0.owner != owner }
        written = written.filter { !$0.key.hasPrefix("\(owner) ") }
        await directories?.forget(owner: owner)
        for report in await pool.reports(where: { $0.owner == owner }) { await close(report.key) }
        work.forget(owner: owner)
    }

    /// Ends the sessions that have the identity of one of these connections.
    func closeAll(withIdentityOf isMeant: (String) -> Bool) async {
        let members = await pool.readySessions { $0.place == .shell }
        for member in members where member.wire?.connection.map({ isMeant($0.name) }) == true {
            await close(member.key)
        }
    }

    /// Ends every session.
    package func close() async {
        for task in commands { task.cancel() }
        await pool.close()
    }

    /// Closes sessions that have been idle for too long, until the task is cancelled; for long-lived processes.
    package func runMaintenance(every wait: Duration? = nil) async { await pool.runMaintenance(every: wait) }

    /// Closes sessions that have been idle for too long.
    package func runMaintenancePass() async { await pool.runMaintenancePass() }

    /// Returns the number of callers that wait while a session is created.
    func waiting(for key: ShellSessionName) async -> Int { await pool.waiting(for: key) }

    /// The number of sessions.
    package var count: Int { get async { await pool.readySessions { _ in true }.count } }

    // MARK: Commands

    private nonisolated var commands: [ShellTask] { work.all(ShellTask.self) }

    /// Adds a command that was handed over.
    package func add(_ task: ShellTask) async {
        work.add(task)
        guard let turn = await pool.share(task.session, isCommand: true) else { return }
        let closings = await directories?.closings(of: task.session) ?? 0
        // The session counts as used until its command ends, whether or not a caller waits for that.
        Task { [pool, directories] in
            let end = await task.job.waitForEnd()
            if !task.isBeside, end.cause != .closed, !end.directoryBytes.isEmpty {
                await directories?.record(end.workingDirectory, of: task.session, since: closings)
            }
            turn.release()
            await pool.touch(task.session)
        }
    }

    /// Does work without a handle in a session, which doesn't count as idle meanwhile.
    /// - Parameters:
    ///   - key: the session.
    ///   - isCommand: whether the work counts as a command.
    ///   - work: the work.
    package func using<Output: Sendable>(
        _ key: ShellSessionName, isCommand: Bool = false, _ work: @Sendable () async throws(MMError) -> Output
    ) async throws(MMError) -> Output {
        let turn = await pool.share(key, isCommand: isCommand)
        let outcome = await Result { () async throws(MMError) in try await work() }
        turn?.release()
        await pool.touch(key)
        return try outcome.get()
    }

    /// Marks a session as used, because its command has just ended or was looked at.
    package func touch(_ key: ShellSessionName) async { await pool.touch(key) }

    /// Returns a command by its handle.
    /// - Throws: `notFound`, also for a handle of another owner.
    package func task(_ handle: String, of owner: String) async throws(MMError) -> ShellTask {
        guard let task = try work.work(handle, for: [owner]) as? ShellTask else {
            throw MMError(.notFound, "“\(handle)” is not the handle of a shell command.")
        }
        await touch(task.session)
        return task
    }

    /// Returns the commands of an owner, oldest first.
    package nonisolated func tasks(of owner: String, in place: ShellPlace) -> [ShellTask] {
        commands.filter { $0.session.owner == owner && $0.session.place == place }
    }

    /// Returns the command that runs in a session.
    package nonisolated func running(in key: ShellSessionName) -> ShellTask? {
        commands.last { $0.session == key && $0.isRunning && !$0.isBeside }
    }
}

extension ShellSessions {
    /// The kind of a session.
    package enum Body: Sendable {
        /// A shell, local or remote.
        case shell(GuardedShell)
        /// A terminal that is read and typed into, for network equipment.
        case screen(ScreenSession)
    }

    /// An existing session.
    package struct Member: Sendable {
        /// The session's name.
        package let key: ShellSessionName
        /// The shell or terminal.
        package let body: Body
        /// `bash`, `python`, `posix`, `device`, …
        package let kind: String
        /// A description of what its confinement protects, for the answer to its first command.
        package let label: String?
        /// The name of the confinement.
        package let sandbox: String?
        /// The walls around it, which it keeps whatever the settings say later; `nil` for a session without any.
        let walls: WorkspaceRules?
        /// The `user@host:port` of a session on a host.
        package let host: String?
        /// The time at which it was created.
        package let created: Timestamp
        /// Texts that must not be in any record.
        package let secrets: [Secret]
        /// Whether it is on a host that is this machine, or that can reach this machine's files.
        package let isHere: Bool
        /// Its own network access, if it has one.
        let wire: ShellWire?
        /// The output of its background jobs that hasn't arrived at a reader.
        let unread = UnreadOutput()

        /// Whether its connection is up, as far as is known; always `true` for sessions on this machine.
        package var isConnected: Bool {
            get async {
                guard case .shell(let session) = body else { return true }
                return await session.isConnected
            }
        }

        /// Whether its commands wait until their output is read, and can be given input.
        var holdsBack: Bool {
            guard case .shell(let session) = body else { return false }
            return session.waitsForReader
        }

        /// Creates a session.
        package init(
            key: ShellSessionName, body: Body, kind: String, label: String? = nil, sandbox: String? = nil,
            host: String? = nil, secrets: [Secret] = [], isHere: Bool = false, wire: ShellWire? = nil,
            walls: WorkspaceRules? = nil
        ) {
            self.key = key
            self.body = body
            self.kind = kind
            self.label = label
            self.sandbox = sandbox
            self.host = host
            self.secrets = secrets
            self.isHere = isHere
            self.wire = wire
            self.walls = walls
            created = .now
        }
    }
}

extension ShellSessions.Member: ReplaceableSession {
    /// Whether no command has changed anything in its shell.
    package var isReplaceable: Bool {
        get async {
            guard case .shell(let session) = body else { return false }
            return await session.isBlank
        }
    }

    /// Does nothing, because the session was connected when it was created.
    /// - Returns: the user and host that it is on; an empty text for a session on this machine.
    package func connect(report: @escaping @Sendable (SignInStep) -> Void) async throws(MMError) -> String {
        host ?? ""
    }

    /// Does nothing, because a shell that has ended is replaced, with its state, when its next command comes.
    package func checkHealth() async throws(MMError) {}

    /// Whether it can be used: a device's terminal that has ended can't, but a shell is replaced by itself.
    package var isUsable: Bool {
        guard case .screen(let session) = body else { return true }
        return !session.hasEnded
    }

    /// Always `nil`, because a shell's programs change all the time.
    package var memory: Int? { nil }

    /// The kind: a shell, Python, or the language of a device.
    package var engine: String? { kind }

    /// Ends it and all processes that it started.
    package func close() async {
        switch body {
        case .shell(let session): await session.close()
        case .screen(let session): await session.close()
        }
        await wire?.close()
    }
}

/// The line that is being typed into a program, which reads it when Enter is pressed.
struct TypedLine: Sendable, Hashable {
    private var bytes: [UInt8] = []
    /// Whether keys for history, completion or movement were pressed, so that the line differs from the typed text.
    private(set) var isEdited = false
    /// The previous lines that continue in this one.
    private var before = ""

    private static let most = 64 << 10

    /// The line so far.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Adds typed bytes.
    /// - Returns: the lines that they complete, and whether the content of one of them isn't known.
    mutating func take(_ typed: [UInt8]) -> (lines: [String], isUnknown: Bool) {
        var lines: [String] = []
        var isUnknown = false
        for byte in typed {
            switch byte {
            case 0x0D, 0x0A, 0x04:
                isUnknown = isUnknown || isEdited
                let line = text
                lines.append(line)
                // A continued line may be read alone or together with the next one, so both are judged.
                if !before.isEmpty { lines.append(before + "\n" + line) }
                before =
                    line.hasSuffix("\\") || Self.isOpen(before + line)
                    ? String((before + "\n" + line).suffix(Self.most)) : ""
                bytes = []
                isEdited = false
            case 0x03, 0x15, 0x07:
                bytes = []
                isEdited = false
                if byte == 0x03 { before = "" }
            case 0x7F, 0x08: _ = bytes.popLast()
            case 0..<0x20: isEdited = true
            default: if bytes.count < Self.most { bytes.append(byte) } else { isEdited = true }
            }
        }
        return (lines, isUnknown)
    }

    /// Returns whether a quote or a here-document is still open.
    private static func isOpen(_ text: String) -> Bool {
        var quote: UInt8?
        var wasBackslash = false
        for byte in text.utf8 {
            if wasBackslash {
                wasBackslash = false
            } else if byte == 0x5C, quote != 0x27 {
                wasBackslash = true
            } else if let open = quote {
                if byte == open { quote = nil }
            } else if byte == 0x22 || byte == 0x27 || byte == 0x60 {
                quote = byte
            }
        }
        return quote != nil || text.contains("<<")
    }
}
