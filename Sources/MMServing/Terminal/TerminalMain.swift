import Glibc
import MMCLI
import MMCore
import MMOperations
import MMSystem

/// What `mm` is: the catalogue at a terminal.
package enum TerminalMain {
    /// Runs the command line of this process and ends it with the exit code.
    ///
    /// Nothing may wait on the main thread by way of the runtime: parked there, it would take signals with their default
    /// effect. So the work runs in a task, and the main thread sleeps in `pause` with its own mask.
    package static func main() -> Never {
        Signals.ignoreBrokenPipes()
        let words = Array(CommandLine.arguments.dropFirst())
        // A pool lets its calls finish; every other command ends at once.
        let serving = words.prefix(2) == ["pool", "serve"] ? try? PoolSignals.take() : nil
        let running = RunningCommand()
        let signals = serving == nil ? try? Signals.take([SIGINT, SIGTERM, SIGHUP]) { running.stop(by: $0) } : nil
        let task = Task { await perform(words, serving) }
        running.started(task)
        Task { exit(running.exitCode(await task.value)) }
        while true { withExtendedLifetime((signals, serving)) { _ = pause() } }
    }

    private static func perform(_ words: [String], _ serving: PoolSignals?) async -> Int32 {
        let environment = ProcessEnvironment.read()
        if let code = await PowerShellStandInCommand.run(words, environment: environment) { return code }
        let streams = CommandStreams(environment: environment)
        let services = OperationServices(environment: environment)
        let program = CommandLineProgram(
            catalogue: .standard,
            service: { options in
                do throws(MMError) {
                    let choice = try PoolChoice.of(
                        embedded: options.isEmbedded, pool: options.pool, environment: environment)
                    return .success(try FrontEndService.make(choice, services, environment))
                } catch {
                    return .failure(error)
                }
            }, locals: { LocalCommands.all($0, environment: environment, signals: serving) }, terminal: streams,
            content: ContentSource(standardInput: StandardInput.text), proof: OwnerProof(paths: services.paths))
        let code = await program.run(words)
        await services.close()
        return code
    }
}

/// The command that runs, and the signal that ended it. The first Ctrl-C cancels the work and lets it clean up, the second
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
        if isSecond { exit(128 + signal) }
        task?.cancel()
    }

    func exitCode(_ code: Int32) -> Int32 {
        guard code != 0, let signal = state.withLock({ $0.signal }) else { return code }
        return 128 + signal
    }
}
