package import MMCore
package import MMSessions
package import MMShell

/// The shell sessions of a process and the commands that run in them. Each belongs to one owner, and only its owner reaches
/// it; what nobody uses is closed after a while.
package actor ShellSessions {
    /// What a session is.
    package enum Body: Sendable {
        /// A shell, local or remote.
        case shell(any ShellSession)
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

        /// Whether its commands wait for whoever takes their output, and can be handed input.
        var holdsBack: Bool {
            guard case .shell(let session) = body else { return false }
            return session.holdsBack
        }

        /// A session.
        package init(
            key: ShellSessionName, body: Body, kind: String, label: String? = nil, sandbox: String? = nil,
            host: String? = nil, secrets: [Secret] = []
        ) {
            self.key = key
            self.body = body
            self.kind = kind
            self.label = label
            self.sandbox = sandbox
            self.host = host
            self.secrets = secrets
            created = .now
        }
    }

    /// Most sessions, and how long they may be idle.
    package struct Limits: Sendable {
        package var all: Int
        package var ofOwner: Int
        package var idle: Duration

        package init(all: Int = 100, ofOwner: Int = 20, idle: Duration = .seconds(3600)) {
            self.all = all
            self.ofOwner = ofOwner
            self.idle = idle
        }

        package init(_ configuration: ShellsConfiguration) {
            self.init(
                all: configuration.maximumSessions, ofOwner: configuration.maximumSessionsOfOwner,
                idle: configuration.idle)
        }
    }

    private struct Seat {
        var member: Member
        var lastUse: ContinuousClock.Instant
        var idle: Duration
        var commands = 0
    }

    private typealias Making = Task<Result<Member, MMError>, Never>

    private var seats: [ShellSessionName: Seat] = [:]
    private var making: [ShellSessionName: Making] = [:]
    private let work: WorkTable
    private var isClosed = false
    private var held: SSHMasters?
    /// Hosts that have turned out to have no POSIX shell, so that not each command finds it out again.
    private var withoutShell: Set<ShellSessionName> = []

    /// No session yet.
    /// - Parameter work: where commands are found by their handles.
    package init(work: WorkTable = WorkTable()) { self.work = work }

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

    // MARK: Sessions

    /// A session of this name, made where there is none.
    /// - Returns: the session, and whether it is new.
    /// - Throws: `limitExceeded` with what there is, and what making it throws.
    package func session(
        _ key: ShellSessionName, limits: Limits, make: @escaping @Sendable () async throws(MMError) -> Member
    ) async throws(MMError) -> (member: Member, isNew: Bool) {
        guard !isClosed else { throw MMError(.unavailable, "Shell sessions are being closed.") }
        if seats[key] != nil {
            seats[key]?.lastUse = .now
            if let member = seats[key]?.member { return (member, false) }
        }
        if let task = making[key] {
            let member = try await task.value.get()
            return (member, false)
        }
        try await makeRoom(for: key, limits)
        // While room was made, another call may have made the session.
        if let member = seats[key]?.member { return (member, false) }
        if let task = making[key] {
            let member = try await task.value.get()
            return (member, false)
        }
        let task = Making { await Result(catching: make) }
        making[key] = task
        let outcome = await task.value
        making[key] = nil
        let member = try outcome.get()
        guard !isClosed else {
            await Self.end(member)
            throw MMError(.unavailable, "Shell sessions are being closed.")
        }
        seats[key] = Seat(member: member, lastUse: .now, idle: limits.idle)
        return (member, true)
    }

    private func makeRoom(for key: ShellSessionName, _ limits: Limits) async throws(MMError) {
        let names = Set(seats.keys).union(making.keys)
        let mine = names.count { $0.owner == key.owner }
        guard mine >= limits.ofOwner || names.count >= limits.all else { return }
        // The idlest session makes room; never one that works, and never another owner's for one's own limit.
        let idle = seats.values.filter { seat in
            (mine < limits.ofOwner || seat.member.key.owner == key.owner) && !isBusy(seat.member.key)
                && ContinuousClock.now - seat.lastUse >= limits.idle
        }
        if let oldest = idle.min(by: { $0.lastUse < $1.lastUse }) { return await close(oldest.member.key) }
        throw MMError(
            .limitExceeded,
            mine >= limits.ofOwner
                ? "There are \(mine) sessions already, the most that one client may have."
                : "There are \(names.count) sessions already, the most there may be.",
            hint: "Close one that is not needed any more, or go on in one that is there.")
    }

    /// A session that must be there.
    /// - Throws: `notFound` with the owner's sessions.
    package func existing(_ key: ShellSessionName) throws(MMError) -> Member {
        if let seat = seats[key] {
            seats[key]?.lastUse = .now
            return seat.member
        }
        let known = seats.keys.filter { $0.owner == key.owner && $0.place == key.place }.map(\.name).sorted()
        throw MMError(
            .notFound, "There is no session “\(key.name)”.",
            hint: known.isEmpty
                ? "There are none; running a command starts one." : "There are \(known.joined(separator: ", ")).")
    }

    /// The sessions of an owner; of all with nil.
    package func members(of owner: String?, in place: ShellPlace) -> [Member] {
        seats.values.map(\.member).filter { (owner == nil || $0.key.owner == owner) && $0.key.place == place }
            .sorted { ($0.created, $0.key.name) < ($1.created, $1.key.name) }
    }

    /// How long a session has been idle, and how many commands it has run.
    package func use(of key: ShellSessionName) -> (idle: Duration, commands: Int) {
        guard let seat = seats[key] else { return (.zero, 0) }
        return (isBusy(key) ? .zero : ContinuousClock.now - seat.lastUse, seat.commands)
    }

    /// Whether a command runs in a session.
    package func isBusy(_ key: ShellSessionName) -> Bool {
        commands.contains { $0.session == key && $0.isRunning }
    }

    /// Ends a session and all that it started.
    package func close(_ key: ShellSessionName) async {
        guard let seat = seats.removeValue(forKey: key) else { return }
        for task in commands where task.session == key { task.cancel() }
        await Self.end(seat.member)
    }

    /// Ends all sessions of an owner: its client has gone.
    package func closeAll(of owner: String) async {
        let keys = seats.keys.filter { $0.owner == owner }
        withoutShell = withoutShell.filter { $0.owner != owner }
        for key in keys { await close(key) }
        work.forget(owner: owner)
    }

    /// Ends every session.
    package func close() async {
        isClosed = true
        let members = seats.values.map(\.member)
        seats = [:]
        for task in commands { task.cancel() }
        await withTaskGroup(of: Void.self) { group in
            for member in members { group.addTask { await Self.end(member) } }
        }
    }

    private static func end(_ member: Member) async {
        switch member.body {
        case .shell(let session): await session.close()
        case .screen(let session): await session.close()
        }
    }

    /// Closes what has been idle for too long, until the task is cancelled. For processes that last.
    package func runMaintenance(every wait: Duration = .seconds(30)) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: wait)
            if !Task.isCancelled { await look() }
        }
    }

    /// Closes what has been idle for too long.
    package func look(now: ContinuousClock.Instant = .now) async {
        for (key, seat) in seats where now - seat.lastUse >= seat.idle && !isBusy(key) { await close(key) }
    }

    /// How many sessions there are.
    package var count: Int { seats.count }

    // MARK: Commands

    private var commands: [ShellTask] { work.all(ShellTask.self) }

    /// Notes a command that was handed over.
    package func add(_ task: ShellTask) {
        work.add(task)
        seats[task.session]?.commands += 1
        touch(task.session)
    }

    /// Marks a session as used: its command has just ended, or was looked at.
    package func touch(_ key: ShellSessionName) { seats[key]?.lastUse = .now }

    /// A command by its handle.
    /// - Throws: `notFound`, also for a handle of somebody else.
    package func task(_ handle: String, of owner: String) throws(MMError) -> ShellTask {
        guard let task = try work.work(handle, for: [owner]) as? ShellTask else {
            throw MMError(.notFound, "“\(handle)” is no command of a shell.")
        }
        touch(task.session)
        return task
    }

    /// The commands of an owner, oldest first.
    package func tasks(of owner: String, in place: ShellPlace) -> [ShellTask] {
        commands.filter { $0.session.owner == owner && $0.session.place == place }
    }

    /// The command that runs in a session.
    package func running(in key: ShellSessionName) -> ShellTask? {
        commands.last { $0.session == key && $0.isRunning && !$0.isBeside }
    }
}
