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
        var life: SessionLife<Never, Member>
        /// Where callers wait for each other while it is made.
        let turns = TurnQueue()
        var lastUse = ContinuousClock.now
        let idle: Duration
        var commands = 0
    }

    private var seats: [ShellSessionName: Seat] = [:]
    /// The highest number that the making of a session that was closed had.
    private var lastGeneration = 0
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
        guard !isClosed else { throw Self.closing }
        let seat = seats[key] ?? Seat(life: SessionLife(after: lastGeneration), idle: limits.idle)
        seats[key] = seat
        // Whoever has the turn makes it; the others find it made.
        let turn = try await seat.turns.take(.never)
        defer { turn.giveBack() }
        if let member = seats[key]?.life.identity {
            touch(key)
            return (member, false)
        }
        guard let number = seats[key]?.life.beginOpening() else { throw Self.closing }
        do throws(MMError) {
            try await makeRoom(for: key, limits)
            let member = try await make()
            guard seats[key]?.life.opened(member, in: number) == true else {
                await Self.end(member)
                throw Self.closing
            }
            touch(key)
            return (member, true)
        } catch {
            // Why it failed is for all who asked; that one of them called it off is not.
            if seats[key]?.life.failed(error, in: number) == true, error.code != .cancelled || seat.turns.waiting == 0 {
                seats[key] = nil
                seat.turns.close(error)
            }
            throw error
        }
    }

    private func makeRoom(for key: ShellSessionName, _ limits: Limits) async throws(MMError) {
        let names = seats.keys.filter { $0 != key }
        let mine = names.count { $0.owner == key.owner }
        guard mine >= limits.ofOwner || names.count >= limits.all else { return }
        // The idlest session makes room; never one that works, and never another owner's for one's own limit.
        let idle = seats.filter { other, seat in
            (mine < limits.ofOwner || other.owner == key.owner) && isIdle(other, seat, for: limits.idle, at: .now)
        }
        if let oldest = idle.min(by: { $0.value.lastUse < $1.value.lastUse }) { return await close(oldest.key) }
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
        if let member = seats[key]?.life.identity {
            touch(key)
            return member
        }
        let known = members(of: key.owner, in: key.place).map(\.key.name).sorted()
        throw MMError(
            .notFound, "There is no session “\(key.name)”.",
            hint: known.isEmpty
                ? "There are none; running a command starts one." : "There are \(known.joined(separator: ", ")).")
    }

    /// The sessions of an owner; of all with nil.
    package func members(of owner: String?, in place: ShellPlace) -> [Member] {
        seats.values.compactMap(\.life.identity).filter {
            (owner == nil || $0.key.owner == owner) && $0.key.place == place
        }
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
        lastGeneration = max(lastGeneration, seat.life.generation)
        seat.turns.close(Self.closing)
        for task in commands where task.session == key { task.cancel() }
        if let member = seat.life.identity { await Self.end(member) }
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
        await withTaskGroup(of: Void.self) { group in
            for key in seats.keys { group.addTask { await self.close(key) } }
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
        for (key, seat) in seats where isIdle(key, seat, for: seat.idle, at: now) { await close(key) }
    }

    /// Whether nobody has used a session for this long; one that is being made or works is not idle.
    private func isIdle(
        _ key: ShellSessionName, _ seat: Seat, for time: Duration, at now: ContinuousClock.Instant
    ) -> Bool {
        seat.life.identity != nil && now - seat.lastUse >= time && !isBusy(key)
    }

    private static let closing = MMError(.unavailable, "Shell sessions are being closed.")

    /// How many callers wait while a session is made.
    func waiting(for key: ShellSessionName) -> Int { seats[key]?.turns.waiting ?? 0 }

    /// How many sessions there are.
    package var count: Int { seats.values.count { $0.life.identity != nil } }

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
