import Glibc
package import MMCore

extension ChildProcess {
    /// The result of a program that ran to its end.
    package struct Outcome: Sendable {
        /// How it ended.
        package let exit: Exit
        /// What it wrote to its output, up to the limit.
        package let output: [UInt8]
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
