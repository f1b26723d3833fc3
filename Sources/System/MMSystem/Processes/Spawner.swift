import CMMSystem
import Glibc
import MMCore

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
        let isFirst = state.withLock { state in
            state.jobs.append { outcome.resolve(spawn(command, plumbing)) }
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if isFirst {
            do throws(MMError) {
                try DedicatedThread.start("mm-spawn", stackSize: 256 << 10) { serve() }
            } catch {
                state.withLock { $0.isRunning = false }
                throw error
            }
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
                hint: "Look it up in PATH first.")
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
            throw MMError(.invalidInput, "More than 32 descriptors can't be handed to \(command.executable).")
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
            MMError(.forbidden, "The program \(command.executable) may not be run by this user.")
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
