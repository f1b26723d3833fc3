import Glibc
package import MMCore
import MMSystem

extension JQProgram {
    /// Runs the filter on a list while it is fetched, if it does the same to each item.
    /// - Parameters:
    ///   - items: the list.
    ///   - write: takes what jq writes, as it comes.
    /// - Returns: whether it did; where it didn't, nothing was fetched.
    /// - Throws: as `run`, and the error of fetching or of writing.
    package func run(
        onItemsOf items: ItemStream, write: @escaping @Sendable ([UInt8]) throws(MMError) -> Void
    ) async throws(MMError) -> Bool {
        try check()
        guard let each = JQItemProgram(of: program) else { return false }
        var command = try command(each.program, seconds: 600)
        command.input = .pipe
        let child = try await ChildProcess.start(command)
        let outcome = await withTaskCancellationHandler {
            async let written = Self.pass(child.output, to: write)
            async let said = Self.words(child.error)
            let fed = await Self.feed(items, to: child)
            // Who stopped reading has stopped the program too; what it says then is of no interest.
            let (end, text) = await (written, said)
            return (fed: fed, written: end, said: text, exit: await child.exit())
        } onCancel: {
            child.signalGroup(SIGKILL)
        }
        if Task.isCancelled { throw MMError(.cancelled, "The filter was cancelled.") }
        try outcome.written.get()
        try outcome.fed.get()
        guard outcome.exit.code == 0 else { throw Self.refusal(outcome.said) }
        return true
    }

    /// Fetches the list and hands it to jq, one text a line.
    private static func feed(_ items: ItemStream, to child: ChildProcess) async -> Result<Void, MMError> {
        defer { child.input?.close() }
        do throws(MMError) {
            while let batch = try await items.next() {
                var bytes: [UInt8] = []
                bytes.reserveCapacity(batch.reduce(0) { $0 + $1.count + 1 })
                for item in batch {
                    bytes += item
                    bytes.append(0x0A)
                }
                // jq has ended early, over an error of its own: that one is told.
                guard let input = child.input, (try? await input.write(bytes)) != nil else { break }
            }
            return .success(())
        } catch {
            child.signalGroup(SIGKILL)
            return .failure(error)
        }
    }

    private static func pass(
        _ output: PolledReader?, to write: @Sendable ([UInt8]) throws(MMError) -> Void
    ) async -> Result<Void, MMError> {
        do throws(MMError) {
            while let piece = try await output?.read() { try write(piece) }
            return .success(())
        } catch {
            output?.close()
            return .failure(error)
        }
    }

    private static func words(_ error: PolledReader?) async -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try? await error?.read() { bytes += piece.prefix(4_096 - bytes.count) }
        return bytes
    }
}
