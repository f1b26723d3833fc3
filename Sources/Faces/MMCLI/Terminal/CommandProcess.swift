import Glibc
import MMCore
import MMSystem

/// The process of a command-line program: ends with the exit code of its command; signals cancel the command.
package enum CommandProcess {
    /// Occupies the standard streams that the caller closed, raises the limit of open files, and keeps libraries'
    /// notices out of the system's log. Ends a process that lacks what Swift's runtime needs: the runtime would end it
    /// with a trap, or run it without its arguments or with others. Programs call it before anything else.
    package static func prepare() {
        StandardStreams.occupyClosed()
        leaveSystemLogAlone()
        guard let lack else { return }
        let streams = CommandStreams(environment: ProcessEnvironment.read())
        if GlobalOptions.wantJSON(CommandLine.arguments) {
            streams.note(["error": .object(lack.json)])
        } else {
            streams.note("mm: \(lack.description)")
        }
        ProcessEnd.now(lack.exitCode)
    }

    /// Keeps notices of libraries out of the system's log, in which the programs write nothing themselves: at every
    /// start of a thread libdispatch notes there that an ordinary user may not raise its priority.
    static func leaveSystemLogAlone() { setlogmask((1 << (LOG_WARNING + 1)) - 1) }

    private static var lack: MMError? {
        guard access("/proc/self/cmdline", R_OK) == 0 else {
            return MMError(
                .unavailable, "/proc isn't mounted here, so not even the command line can be read.",
                hint: "Mount it: mount -t proc proc /proc.")
        }
        return ResourceLimits.shortage(at: ResourceLimits.raiseDescriptors())
            ?? fault(in: ProcFile.read("/proc/self/cmdline", limit: .max) ?? [])
            ?? fault(inEnvironment: ProcFile.read("/proc/self/environ", limit: .max) ?? [])
    }

    /// Returns the error for a variable that names folders of this program in bytes that aren't UTF-8. Read with other
    /// characters in their place, it would name other folders, and they would be made. Variables of other programs
    /// don't matter: a shell in a folder with a Latin-1 name sets `PWD`.
    /// - Parameter entries: the variables, `NAME=value`, each ending with a zero byte.
    static func fault(inEnvironment entries: [UInt8]) -> MMError? {
        for entry in entries.split(separator: 0) where String(validating: entry, as: UTF8.self) == nil {
            let name = String(decoding: entry.prefix { $0 != UInt8(ascii: "=") }, as: UTF8.self)
            guard name == "HOME" || name == "TMPDIR" || name.hasPrefix("XDG_") || name.hasPrefix("MM_") else {
                continue
            }
            return MMError(
                .invalidInput, "The value of \(name) is not UTF-8 text, and no path can be made of it.",
                hint: "Use a folder whose name is UTF-8 text, such as \(name)=/srv/mm, or a link to it.")
        }
        return nil
    }

    /// Returns the error for a command line with a word that isn't UTF-8, such as a name typed in a Latin-1 terminal.
    /// The runtime hands such a word on with other characters in place of its bytes, and a call would write these.
    /// - Parameter words: the program's name and the words after it, each ending with a zero byte.
    static func fault(in words: [UInt8]) -> MMError? {
        for word in words.split(separator: 0, omittingEmptySubsequences: false).dropFirst()
        where String(validating: word, as: UTF8.self) == nil {
            return MMError(
                .invalidInput, "The word “\(String(decoding: word.prefix(80), as: UTF8.self))” is not UTF-8 text.",
                hint: "Use a terminal with UTF-8. Pass other bytes in a file, where the command takes one.")
        }
        return nil
    }

    /// Runs the command line of this process and exits with the command's exit code.
    ///
    /// The main thread must not block in the Swift runtime: parked there, it would receive signals with their default
    /// action. So the work runs in a task, and the main thread sleeps in `pause` with its own signal mask.
    /// - Parameters:
    ///   - takesSignals: whether a signal cancels the command; `false` for a command that handles signals itself.
    ///   - work: receives the words after the program's name and the environment; returns the exit code.
    package static func run(
        takesSignals: Bool = true, _ work: @escaping @Sendable ([String], [String: String]) async -> Int32
    ) -> Never {
        Signals.ignoreBrokenPipes()
        let words = Array(CommandLine.arguments.dropFirst())
        let running = RunningCommand()
        // A change of the screen's size doesn't cancel the command; it is delivered to those who registered for it.
        let signals =
            takesSignals
            ? try? Signals.handle([SIGINT, SIGTERM, SIGHUP, SIGWINCH]) { signal in
                if !SignalTakers.shared.deliver(signal), signal != SIGWINCH { running.stop(by: signal) }
            } : nil
        let task = Task { await work(words, ProcessEnvironment.read()) }
        running.started(task)
        Task { ProcessEnd.now(running.exitCode(await task.value)) }
        while true { withExtendedLifetime((signals, work)) { _ = pause() } }
    }
}

/// The running command and the signal that ended it. The first Ctrl-C cancels the work and lets it clean up; the second
/// ends the process.
private final class RunningCommand: Sendable {
    private struct State {
        var task: Task<Int32, Never>?
        var signal: Int32?
    }
    private let state = Mutex(State())

    func started(_ task: Task<Int32, Never>) {
        let isStopped = state.withLock { state in
            state.task = task
            return state.signal != nil
        }
        if isStopped { task.cancel() }
    }

    func stop(by signal: Int32) {
        let (task, isSecond) = state.withLock { state in
            let isSecond = state.signal != nil
            state.signal = signal
            return (state.task, isSecond)
        }
        if isSecond { ProcessEnd.now(128 + signal) }
        task?.cancel()
    }

    func exitCode(_ code: Int32) -> Int32 {
        guard code != 0, let signal = state.withLock({ $0.signal }) else { return code }
        return 128 + signal
    }
}
