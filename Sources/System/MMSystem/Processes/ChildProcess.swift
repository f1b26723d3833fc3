import CMMSystem
import Glibc
package import MMCore

/// A running program, the leader of its own session and process group, that inherits only what its command specifies.
///
/// When the last reference is released, the program and its group are killed, unless its command lets it live on.
package final class ChildProcess: Sendable {
    /// How a program ended.
    package enum Exit: Sendable, Hashable {
        /// It exited with this status.
        case status(Int32)
        /// This signal killed it.
        case signal(Int32)

        /// The exit code that a shell would report: the status, or 128 plus the signal.
        package var code: Int32 {
            switch self {
            case .status(let status): status
            case .signal(let signal): 128 + signal
            }
        }
    }

    /// The process id.
    package var pid: Int32 { core.pid }
    /// The writer for its input, if that is a pipe.
    package let input: PolledWriter?
    /// The reader of its output, if that is a pipe.
    package let output: PolledReader?
    /// The reader of its errors, if they have a pipe of their own.
    package let error: PolledReader?
    /// Its pseudo-terminal, if it has one.
    package let terminal: PseudoTerminal?

    private let core: ChildCore
    private let livesOn: Bool

    /// Starts a program and waits until it is running.
    /// - Throws: `.notFound` or `.forbidden` when it can't be run; `.invalidInput`; `.unavailable`.
    package static func start(_ command: ChildCommand) async throws(MMError) -> ChildProcess {
        let plumbing = try ChildStreams.open(for: command)
        let child = try await Spawner.start(command, plumbing.childSide)
        plumbing.closeChildSide()
        let core = try ChildCore.adopt(child, endsGroup: command.endsGroup)
        return ChildProcess(core: core, plumbing: plumbing, livesOn: command.deathSignal == nil)
    }

    private init(core: ChildCore, plumbing: ChildStreams, livesOn: Bool) {
        self.core = core
        self.livesOn = livesOn
        input = plumbing.input
        output = plumbing.output
        error = plumbing.error
        terminal = plumbing.terminal
    }

    deinit {
        if !livesOn { core.signalGroup(SIGKILL) }
    }

    /// How it ended; nil while it is running.
    package var exited: Exit? { core.exited }

    /// Waits until it has ended.
    package func exit() async -> Exit {
        await core.exit()
    }

    /// Sends a signal to the process alone.
    /// - Returns: false when it has ended.
    @discardableResult
    package func signal(_ number: Int32) -> Bool { core.signal(number) }

    /// Sends a signal to its process group.
    /// - Returns: false when it has ended.
    @discardableResult
    package func signalGroup(_ number: Int32) -> Bool { core.signalGroup(number) }

    /// Terminates it: sends SIGTERM to its group, then SIGKILL after the grace period. Cancelling the task kills it at
    /// once.
    /// - Parameter grace: how long it may take to exit by itself.
    @discardableResult
    package func terminate(grace: Duration) async -> Exit {
        core.signalGroup(SIGTERM)
        // A stopped process doesn't handle SIGTERM until it continues.
        core.signalGroup(SIGCONT)
        let killer = Task { [core] in
            try? await Task.sleep(for: grace)
            if !Task.isCancelled { core.signalGroup(SIGKILL) }
        }
        return await withTaskCancellationHandler {
            let exit = await core.exit()
            killer.cancel()
            return exit
        } onCancel: {
            core.signalGroup(SIGKILL)
        }
    }
}

/// The process itself. The poll loop retains it until it has ended, so that it is always reaped.
private final class ChildCore: Sendable {
    private struct State {
        var exit: ChildProcess.Exit?
        var watch: PollLoop.Watch?
        var waiting: [OneShot<ChildProcess.Exit>] = []
    }

    let pid: Int32
    private let pidfd: FileDescriptor
    private let endsGroup: Bool
    private let state = Mutex(State())

    static func adopt(_ child: Spawner.Child, endsGroup: Bool) throws(MMError) -> ChildCore {
        let core = ChildCore(child, endsGroup: endsGroup)
        do throws(MMError) {
            let loop = try PollLoop.shared()
            try core.state.withLock { (state) throws(MMError) in
                // The loop's reference keeps the core alive until the child has ended.
                state.watch = try loop.watch(child.pidfd, for: .read, once: true) { _ in core.reap(loop) }
            }
        } catch {
            kill(-child.pid, SIGKILL)
            var signalled: Int32 = 0
            while mm_reap(child.pid, &signalled) < 0 { usleep(1_000) }
            throw error
        }
        return core
    }

    private init(_ child: Spawner.Child, endsGroup: Bool) {
        pid = child.pid
        pidfd = FileDescriptor(owning: child.pidfd)
        self.endsGroup = endsGroup
    }

    var exited: ChildProcess.Exit? { state.withLock { $0.exit } }

    func exit() async -> ChildProcess.Exit {
        let turn = OneShot<ChildProcess.Exit>()
        let exit = state.withLock { state in
            if state.exit == nil { state.waiting.append(turn) }
            return state.exit
        }
        if let exit { return exit }
        return await turn.wait()
    }

    func signal(_ number: Int32) -> Bool {
        state.withLock { $0.exit == nil && mm_pidfd_signal(pidfd.raw, number) == 0 }
    }

    @discardableResult
    func signalGroup(_ number: Int32) -> Bool {
        // The child is reaped under the same lock; until then its id can't be reused.
        state.withLock { $0.exit == nil && kill(-pid, number) == 0 }
    }

    private func reap(_ loop: PollLoop) {
        let (exit, waiting, watch) = state.withLock { state in
            if endsGroup { kill(-pid, SIGKILL) }
            var signalled: Int32 = 0
            let code = mm_reap(pid, &signalled)
            if code >= 0 { state.exit = signalled == 1 ? .signal(code - 128) : .status(code) }
            defer { state.waiting = state.exit == nil ? state.waiting : [] }
            return (state.exit, state.exit == nil ? [] : state.waiting, state.watch)
        }
        guard let watch else { return }
        guard let exit else {
            loop.rearm(watch, for: .read)
            return
        }
        loop.forget(watch)
        for turn in waiting { turn.resolve(exit) }
    }
}

extension ChildProcess {
    /// The result of a program that ran to its end.
    package struct Outcome: Sendable {
        /// How it ended.
        package let exit: Exit
        /// What it wrote to its output, up to the limit.
        package var output: [UInt8]
        /// What it wrote to its error output, up to the limit.
        package let error: [UInt8]
        /// Whether output over the limit was discarded.
        package let isCut: Bool
    }

    /// Runs a program to its end. Cancelling the task kills the program.
    /// - Parameters:
    ///   - command: the program; its input becomes a pipe if `input` is given.
    ///   - input: the bytes for its standard input.
    ///   - limit: the maximum number of bytes to keep of each output; the rest is read and discarded.
    ///   - timeout: how long it may run before its process group is killed.
    /// - Throws: `.deadlineExceeded`, `.cancelled`, and whatever starting it throws.
    package static func run(
        _ command: ChildCommand, input: [UInt8]? = nil, limit: Int = 16 << 20, timeout: Duration
    ) async throws(MMError) -> Outcome {
        var command = command
        if input != nil { command.input = .pipe }
        let child = try await start(command)
        let isLate = OneShot<Bool>()
        let outcome = await withTaskCancellationHandler {
            await withTaskGroup(of: Void.self, returning: Outcome.self) { group in
                group.addTask {
                    try? await Task.sleep(for: timeout)
                    if !Task.isCancelled, isLate.resolve(true) { child.signalGroup(SIGKILL) }
                }
                group.addTask {
                    if let bytes = input { try? await child.input?.write(bytes) }
                    child.input?.close()
                }
                async let output = collect(child.output, limit)
                async let error = collect(child.error, limit)
                let exit = await child.exit()
                isLate.resolve(false)
                // A process that left the group may hold the pipes open forever.
                let drain = Task {
                    try? await Task.sleep(for: .milliseconds(500))
                    if !Task.isCancelled {
                        child.output?.close()
                        child.error?.close()
                    }
                }
                let (out, err) = await (output, error)
                drain.cancel()
                group.cancelAll()
                return Outcome(
                    exit: exit, output: out.bytes, error: err.bytes, isCut: out.isCut || err.isCut)
            }
        } onCancel: {
            child.signalGroup(SIGKILL)
        }
        if await isLate.wait() {
            throw MMError(.deadlineExceeded, "\(command.executable) did not end in time and was killed.")
        }
        if Task.isCancelled { throw MMError(.cancelled, "\(command.executable) was cancelled.") }
        return outcome
    }

    private static func collect(_ reader: PolledReader?, _ limit: Int) async -> (bytes: [UInt8], isCut: Bool) {
        guard let reader else { return ([], false) }
        var bytes: [UInt8] = []
        var isCut = false
        while let piece = try? await reader.read() {
            let kept = min(piece.count, limit - bytes.count)
            bytes += piece.prefix(kept)
            isCut = isCut || kept < piece.count
        }
        return (bytes, isCut)
    }
}

/// The pipes and the terminal between a child and this process.
final class ChildStreams: Sendable {
    let input: PolledWriter?
    let output: PolledReader?
    let error: PolledReader?
    let terminal: PseudoTerminal?
    /// The child's descriptors 0, 1 and 2, and its controlling terminal.
    let childSide: Spawner.Plumbing
    private let toClose: OpenDescriptors

    /// Opens what a command asks for.
    static func open(for command: ChildCommand) throws(MMError) -> ChildStreams {
        try ChildStreams(command)
    }

    private init(_ command: ChildCommand) throws(MMError) {
        let toClose = OpenDescriptors()
        self.toClose = toClose
        var slave: Int32 = -1
        if let size = command.terminal {
            let pair = try PseudoTerminal.open(size)
            slave = toClose.keep(pair.slave)
            terminal = pair.terminal
        } else {
            terminal = nil
        }
        let null = toClose.keep(try FileDescriptor.open("/dev/null", O_RDWR).release())

        func borrowed(_ stream: ChildCommand.Stream, _ what: String) throws(MMError) -> Int32? {
            switch stream {
            case .null: return null
            case .pipe: return nil
            case .terminal where slave >= 0: return slave
            case .descriptor(let descriptor) where descriptor >= 0: return descriptor
            case .terminal, .descriptor, .output:
                throw MMError(.invalidInput, "The \(what) of \(command.executable) can't be \(stream).")
            }
        }
        let childInput: Int32
        if let given = try borrowed(command.input, "input") {
            childInput = given
            input = nil
        } else {
            let (readEnd, writeEnd) = try FileDescriptor.pipe().ends()
            childInput = toClose.keep(readEnd)
            // The kernel may refuse it, which only costs time.
            if let capacity = command.inputCapacity { _ = mm_set_pipe_capacity(writeEnd, capacity) }
            input = try PolledWriter(FileDescriptor(owning: writeEnd))
        }
        let childOutput: Int32
        if let given = try borrowed(command.output, "output") {
            childOutput = given
            output = nil
        } else {
            let (readEnd, writeEnd) = try FileDescriptor.pipe().ends()
            childOutput = toClose.keep(writeEnd)
            output = try PolledReader(FileDescriptor(owning: readEnd))
        }
        let childError: Int32
        if command.error == .output {
            childError = childOutput
            error = nil
        } else if let given = try borrowed(command.error, "error output") {
            childError = given
            error = nil
        } else {
            let (readEnd, writeEnd) = try FileDescriptor.pipe().ends()
            childError = toClose.keep(writeEnd)
            error = try PolledReader(FileDescriptor(owning: readEnd))
        }
        childSide = Spawner.Plumbing(input: childInput, output: childOutput, error: childError, terminal: slave)
    }

    /// Closes the ends that only the child needs; otherwise its pipes would never report their end.
    func closeChildSide() {
        toClose.closeAll()
    }
}

/// A set of descriptors that are closed together, at the latest when this object is destroyed.
final class OpenDescriptors: Sendable {
    private let all = Mutex<[Int32]>([])

    deinit { closeAll() }

    /// Takes ownership of a descriptor.
    func keep(_ descriptor: Int32) -> Int32 {
        all.withLock { $0.append(descriptor) }
        return descriptor
    }

    /// Closes all descriptors; further calls do nothing.
    func closeAll() {
        let descriptors = all.withLock { all in
            defer { all = [] }
            return all
        }
        for descriptor in descriptors { close(descriptor) }
    }
}

/// The single thread that starts programs. It lives as long as the process, because a child's death signal is tied to
/// the thread that started it.
enum Spawner {
    /// A started child.
    struct Child: Sendable {
        let pid: Int32
        let pidfd: Int32
    }

    /// The descriptors of the child's side, all borrowed until `start` returns.
    struct Plumbing: Sendable {
        var input: Int32
        var output: Int32
        var error: Int32
        var terminal: Int32
    }

    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var isRunning = false
    }

    private static let state = Mutex(State())
    private static let ready = ThreadSemaphore()

    /// Starts a program and waits until it is running or has failed to start.
    static func start(_ command: ChildCommand, _ plumbing: Plumbing) async throws(MMError) -> Child {
        try check(command)
        let outcome = OneShot<Result<Child, MMError>>()
        try state.withLock { (state) throws(MMError) in
            // Nothing is queued for a thread that can't be started.
            if !state.isRunning { try DedicatedThread.start("mm-spawn", stackSize: 256 << 10) { serve() } }
            state.isRunning = true
            state.jobs.append { outcome.resolve(spawn(command, plumbing)) }
        }
        ready.post()
        return try await outcome.wait().get()
    }

    private static func serve() {
        while true {
            ready.wait()
            state.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }?()
        }
    }

    private static func check(_ command: ChildCommand) throws(MMError) {
        guard command.executable.hasPrefix("/") else {
            throw MMError(
                .invalidInput, "The program “\(command.executable)” isn't an absolute path.",
                hint: "Use the absolute path.")
        }
        let texts = [command.executable, command.name ?? "", command.directory ?? ""] + command.arguments
        guard texts.allSatisfy({ !$0.utf8.contains(0) }),
            command.environment.allSatisfy({ !$0.key.utf8.contains(0) && !$0.value.utf8.contains(0) })
        else {
            throw MMError(.invalidInput, "An argument or variable for \(command.executable) contains a NUL character.")
        }
        if let name = command.environment.keys.first(where: { $0.isEmpty || $0.contains("=") }) {
            throw MMError(.invalidInput, "“\(name)” can't be the name of an environment variable.")
        }
        guard command.extraDescriptors.count <= 32 else {
            throw MMError(.invalidInput, "More than 32 descriptors can't be passed to \(command.executable).")
        }
    }

    private static func spawn(_ command: ChildCommand, _ plumbing: Plumbing) -> Result<Child, MMError> {
        var strings = CStrings()
        let path = strings.add(command.executable)
        let arguments = strings.list([command.name ?? command.executable] + command.arguments)
        let environment = strings.list(command.environment.map { "\($0.key)=\($0.value)" }.sorted())
        let directory = command.directory.map { strings.add($0) }
        defer { strings.free() }
        let limits = command.limits.flatMap { [UInt64(UInt32(bitPattern: $0.resource)), $0.value, $0.value] }
        var step: Int32 = 0
        var pidfd: Int32 = -1
        let pid = limits.withUnsafeBufferPointer { limits in
            command.extraDescriptors.withUnsafeBufferPointer { extra in
                var spawn = mm_spawn()
                spawn.path = UnsafePointer(path)
                spawn.arguments = UnsafePointer(arguments)
                spawn.environment = UnsafePointer(environment)
                spawn.directory = directory.flatMap { UnsafePointer($0) }
                spawn.input = plumbing.input
                spawn.output = plumbing.output
                spawn.error = plumbing.error
                spawn.terminal = plumbing.terminal
                spawn.death_signal = command.deathSignal ?? 0
                spawn.extra = extra.baseAddress
                spawn.extra_count = Int32(extra.count)
                spawn.limits = limits.baseAddress
                spawn.limit_count = Int32(command.limits.count)
                spawn.own_session = command.sharesSession ? 0 : 1
                return mm_start_program(&spawn, &pidfd, &step)
            }
        }
        if pid < 0 { return .failure(failure(of: command, step: step, number: errno)) }
        return .success(Child(pid: pid, pidfd: pidfd))
    }

    private static func failure(of command: ChildCommand, step: Int32, number: Int32) -> MMError {
        switch Int(step) {
        case Int(MM_SPAWN_EXECUTE) where number == ENOENT:
            MMError(
                .notFound, "The program \(command.executable) doesn't exist.",
                hint: "Install it, or check the path. For a script, check the interpreter in its first line.")
        case Int(MM_SPAWN_EXECUTE) where number == EACCES:
            MMError(.forbidden, "This user can't run the program \(command.executable).")
        case Int(MM_SPAWN_EXECUTE) where number == E2BIG:
            MMError(.limitExceeded, "The arguments and environment for \(command.executable) are too large.")
        case Int(MM_SPAWN_EXECUTE): SystemError.error("Running \(command.executable)", number)
        case Int(MM_SPAWN_DIRECTORY): SystemError.error("Entering \(command.directory ?? "")", number)
        case Int(MM_SPAWN_TERMINAL): SystemError.error("Giving \(command.executable) its terminal", number)
        case Int(MM_SPAWN_LIMITS): SystemError.error("Limiting \(command.executable)", number)
        case Int(MM_SPAWN_DESCRIPTORS): SystemError.error("Giving \(command.executable) its descriptors", number)
        default: SystemError.error("Starting \(command.executable)", number)
        }
    }
}

/// C strings that live until they are freed together.
private struct CStrings {
    private var all: [UnsafeMutablePointer<CChar>] = []
    private var lists: [UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>] = []

    mutating func add(_ text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = Array(text.utf8)
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
        for (index, byte) in bytes.enumerated() { copy[index] = CChar(bitPattern: byte) }
        copy[bytes.count] = 0
        all.append(copy)
        return copy
    }

    mutating func list(_ texts: [String]) -> UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> {
        let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() { list[index] = add(text) }
        list[texts.count] = nil
        lists.append(list)
        return list
    }

    func free() {
        for copy in all { copy.deallocate() }
        for list in lists { list.deallocate() }
    }
}
