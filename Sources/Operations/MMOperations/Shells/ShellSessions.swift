package import MMCore
package import MMDesk
import MMGuard
package import MMSessions
package import MMShell

/// The shell sessions of a process and the commands that run in them: a layer over the pool that lends them.
///
/// Each session belongs to one owner, and only its owner reaches it. What is known of hosts beside their sessions stands here,
/// too.
package actor ShellSessions {
    /// Each call says how its session is started.
    private struct Starts: SessionFactory {
        func start(_ key: ShellSessionName) async throws(MMError) -> Member {
            throw MMError(.notFound, "There is no session “\(key)”.", hint: "Running a command starts one.")
        }
    }

    private let pool: SessionPool<Starts>
    private let work: WorkTable
    private var held: SSHMasters?
    /// What the sessions of an owner wrote, by place: a command in one of them may run what another one left.
    private var written: [String: ShellMemory] = [:]
    private var lines: [ShellSessionName: TypedLine] = [:]
    /// Hosts that have turned out to have no POSIX shell, so that not each command finds it out again.
    private var withoutShell: Set<ShellSessionName> = []

    /// No session yet.
    /// - Parameters:
    ///   - work: where commands are found by their handles.
    ///   - clock: the time that sessions rest by.
    package init(work: WorkTable = WorkTable(), clock: PoolClock = .system) {
        self.work = work
        var settings = PoolSettings()
        settings.startTimeout = nil
        settings.opensUnattended = false
        settings.maintenanceInterval = .seconds(30)
        pool = SessionPool(factory: Starts(), settings: settings, clock: clock)
    }

    /// The connections to hosts.
    /// - Parameter records: the folder that remembers which shells run on hosts.
    package func masters(environment: [String: String], records: String) -> SSHMasters {
        if let held { return held }
        let made = SSHMasters(environment: environment, records: records)
        held = made
        return made
    }

    /// Whether a host is known to have no POSIX shell.
    package func hasNoShell(_ key: ShellSessionName) -> Bool { withoutShell.contains(key) }

    /// A host has turned out to have no POSIX shell.
    package func note(withoutShell key: ShellSessionName) {
        // Nobody has so many; more are names that somebody makes up.
        if withoutShell.count >= 1000 { withoutShell = [] }
        withoutShell.insert(key)
    }

    /// A host may have a shell again: its sessions were closed.
    package func forget(withoutShell key: ShellSessionName) { withoutShell.remove(key) }

    /// What the sessions of an owner wrote at a place.
    func memory(of key: ShellSessionName) -> ShellMemory { written[Self.place(key)] ?? ShellMemory() }

    /// Keeps what the sessions of an owner wrote at a place.
    func remember(_ memory: ShellMemory, of key: ShellSessionName) {
        if written.count >= 1000 { written = [:] }
        written[Self.place(key)] = memory
    }

    /// A host may have several names: what was written on one is remembered for all of them.
    private static func place(_ key: ShellSessionName) -> String { "\(key.owner) \(key.place.rawValue)" }

    /// What was typed into a device and not sent off yet.
    func line(of key: ShellSessionName) -> TypedLine { lines[key] ?? TypedLine() }

    /// Keeps what was typed into a device and not sent off yet.
    func keep(_ line: TypedLine, of key: ShellSessionName) {
        if lines.count >= 1000 { lines = [:] }
        lines[key] = line
    }

    // MARK: Sessions

    /// A session of this name, made where there is none.
    /// - Returns: the session, and whether it is new.
    /// - Throws: `limitExceeded` with what there is, and what making it throws.
    package func session(
        _ key: ShellSessionName, limits: SessionLimits, make: @escaping @Sendable () async throws(MMError) -> Member
    ) async throws(MMError) -> (member: Member, isNew: Bool) {
        let (member, isNew) = try await pool.session(key, limits: limits, start: make)
        return (member, isNew)
    }

    /// A session that must be there.
    /// - Throws: `notFound` with the owner's sessions.
    package func existing(_ key: ShellSessionName) async throws(MMError) -> Member {
        if let member = await pool.ready(key) { return member }
        let known = await members(of: key.owner, in: key.place).map(\.key.name).sorted()
        throw MMError(
            .notFound, "There is no session “\(key.name)”.",
            hint: known.isEmpty
                ? "There are none; running a command starts one." : "There are \(known.joined(separator: ", ")).")
    }

    /// The sessions of an owner, oldest first.
    package func members(of owner: String, in place: ShellPlace) async -> [Member] {
        await pool.readySessions { $0.owner == owner && $0.place == place }
            .sorted { ($0.created, $0.key.name) < ($1.created, $1.key.name) }
    }

    /// What the pool tells of an owner's sessions.
    package func reports(of owner: String) async -> [SessionReport<ShellSessionName>] {
        await pool.reports { $0.owner == owner }
    }

    /// Ends a session and all that it started.
    package func close(_ key: ShellSessionName) async {
        for task in commands where task.session == key { task.cancel() }
        await pool.end(key, MMError(.unavailable, "The session “\(key)” is being closed."))
    }

    /// Ends all sessions of an owner: its client has gone.
    package func closeAll(of owner: String) async {
        withoutShell = withoutShell.filter { $0.owner != owner }
        written = written.filter { !$0.key.hasPrefix("\(owner) ") }
        for report in await pool.reports(where: { $0.owner == owner }) { await close(report.key) }
        work.forget(owner: owner)
    }

    /// Ends every session.
    package func close() async {
        for task in commands { task.cancel() }
        await pool.close()
    }

    /// Closes what has been idle for too long, until the task is cancelled. For processes that last.
    package func runMaintenance(every wait: Duration? = nil) async { await pool.runMaintenance(every: wait) }

    /// Closes what has been idle for too long.
    package func runMaintenancePass() async { await pool.runMaintenancePass() }

    /// How many callers wait while a session is made.
    func waiting(for key: ShellSessionName) async -> Int { await pool.waiting(for: key) }

    /// How many sessions there are.
    package var count: Int { get async { await pool.readySessions { _ in true }.count } }

    // MARK: Commands

    private nonisolated var commands: [ShellTask] { work.all(ShellTask.self) }

    /// Notes a command that was handed over.
    package func add(_ task: ShellTask) async {
        work.add(task)
        guard let turn = await pool.share(task.session, isCommand: true) else { return }
        // The session is used until its command ends, whoever waits for that.
        Task { [pool] in
            _ = await task.job.waitForEnd()
            turn.release()
            await pool.touch(task.session)
        }
    }

    /// Does something in a session that has no handle, and during which the session is no idle one.
    /// - Parameters:
    ///   - key: which session.
    ///   - isCommand: whether it counts as a command.
    ///   - work: what is done.
    package func using<Output: Sendable>(
        _ key: ShellSessionName, isCommand: Bool = false, _ work: @Sendable () async throws(MMError) -> Output
    ) async throws(MMError) -> Output {
        let turn = await pool.share(key, isCommand: isCommand)
        let outcome = await Result { () async throws(MMError) in try await work() }
        turn?.release()
        await pool.touch(key)
        return try outcome.get()
    }

    /// Marks a session as used: its command has just ended, or was looked at.
    package func touch(_ key: ShellSessionName) async { await pool.touch(key) }

    /// A command by its handle.
    /// - Throws: `notFound`, also for a handle of somebody else.
    package func task(_ handle: String, of owner: String) async throws(MMError) -> ShellTask {
        guard let task = try work.work(handle, for: [owner]) as? ShellTask else {
            throw MMError(.notFound, "“\(handle)” isn't a command of a shell.")
        }
        await touch(task.session)
        return task
    }

    /// The commands of an owner, oldest first.
    package nonisolated func tasks(of owner: String, in place: ShellPlace) -> [ShellTask] {
        commands.filter { $0.session.owner == owner && $0.session.place == place }
    }

    /// The command that runs in a session.
    package nonisolated func running(in key: ShellSessionName) -> ShellTask? {
        commands.last { $0.session == key && $0.isRunning && !$0.isBeside }
    }
}

extension ShellSessions {
    /// What a session is.
    package enum Body: Sendable {
        /// A shell, local or remote.
        case shell(GuardedShell)
        /// A terminal that is read and typed into: network equipment.
        case screen(ScreenSession)
    }

    /// A session that was made.
    package struct Member: Sendable {
        /// What names it.
        package let key: ShellSessionName
        /// What it is.
        package let body: Body
        /// `bash`, `python`, `posix`, `device`, …
        package let kind: String
        /// What its confinement protects and what not, for the answer to its first command.
        package let label: String?
        /// The word for the confinement.
        package let sandbox: String?
        /// `user@host:port` of a session on a host.
        package let host: String?
        /// When it was made.
        package let created: Timestamp
        /// Texts that must stand in no record.
        package let secrets: [Secret]
        /// Whether it is on a host that is this very machine, or reaches its files.
        package let isHere: Bool
        /// Its way to the network, where that is one of its own.
        let wire: ShellWire?

        /// Whether its connection is up, as far as is known; always for what runs here.
        package var isConnected: Bool {
            get async {
                guard case .shell(let session) = body else { return true }
                return await session.isConnected
            }
        }

        /// Whether its commands wait for whoever takes their output, and can be handed input.
        var holdsBack: Bool {
            guard case .shell(let session) = body else { return false }
            return session.waitsForReader
        }

        /// A session.
        package init(
            key: ShellSessionName, body: Body, kind: String, label: String? = nil, sandbox: String? = nil,
            host: String? = nil, secrets: [Secret] = [], isHere: Bool = false, wire: ShellWire? = nil
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
            created = .now
        }
    }
}

extension ShellSessions.Member: PooledSession {
    /// It was connected when it was made.
    /// - Returns: the user and host it is on; nothing for one on this machine.
    package func connect(report: @escaping @Sendable (SignInStep) -> Void) async throws(MMError) -> String {
        host ?? ""
    }

    /// A shell that has ended is replaced when its next command comes, with what it knew: nothing is to be asked before.
    package func checkHealth() async throws(MMError) {}

    /// A device's terminal that is over can't be used any more; a shell is made anew by itself.
    package var isUsable: Bool {
        guard case .screen(let session) = body else { return true }
        return !session.hasEnded
    }

    /// Not known: a shell's programs come and go.
    package var memory: Int? { nil }

    /// Bash, Python, the language of a device.
    package var engine: String? { kind }

    /// Ends it and all that it started.
    package func close() async {
        switch body {
        case .shell(let session): await session.close()
        case .screen(let session): await session.close()
        }
        await wire?.close()
    }
}

/// The line that is being typed into a program: what it reads once Enter is pressed.
struct TypedLine: Sendable, Hashable {
    private var bytes: [UInt8] = []
    /// Whether keys were pressed that put something else there than they write: history, completion, other places.
    private(set) var isEdited = false
    /// The lines before, which go on in this one.
    private var before = ""

    private static let most = 64 << 10

    /// The line so far.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Takes what is typed.
    /// - Returns: the lines that are sent off by it, and whether what one of them holds can't be told.
    mutating func take(_ typed: [UInt8]) -> (lines: [String], isUnknown: Bool) {
        var lines: [String] = []
        var isUnknown = false
        for byte in typed {
            switch byte {
            case 0x0D, 0x0A, 0x04:
                isUnknown = isUnknown || isEdited
                let line = text
                lines.append(line)
                // A line that goes on is one with the next: both ways of reading it count.
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

    /// Whether a quote or a here-document is still open.
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
