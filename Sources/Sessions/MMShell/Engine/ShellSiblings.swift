import MMCore
import MMSystem

/// The shells beside a session, each for one command: they end with it, or with the session.
final class ShellSiblings: Sendable {
    private struct State {
        var sessions: [UInt64: any ShellSession] = [:]
        var next: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Runs a command in a shell that nobody else uses.
    /// - Parameter prepare: makes the shell ready.
    /// - Throws: what starting throws; the shell is closed then.
    func run(
        _ command: ShellCommand, in sibling: any ShellSession, deadline: Deadline,
        observer: (@Sendable (ShellCommand.Stream, UnsafeRawBufferPointer) -> Void)?,
        prepare: () async throws(MMError) -> Void = {}
    ) async throws(MMError) -> ShellJob {
        let number: UInt64? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.next += 1
            state.sessions[state.next] = sibling
            return state.next
        }
        guard let number else {
            await sibling.close()
            throw MMError(.unavailable, "The session was closed.")
        }
        do throws(MMError) {
            try await prepare()
            let job = try await sibling.start(command, deadline: deadline, observer: observer)
            Task {
                _ = await job.waitForEnd()
                await self.end(number)
            }
            return job
        } catch {
            await end(number)
            throw error
        }
    }

    private func end(_ number: UInt64) async {
        // Whoever closes them all meanwhile waits for it, too.
        await state.withLock { $0.sessions[number] }?.close()
        state.withLock { $0.sessions[number] = nil }
    }

    /// Ends them all, and lets no more begin.
    func close() async {
        let left = state.withLock { state in
            state.isClosed = true
            defer { state.sessions = [:] }
            return Array(state.sessions.values)
        }
        for sibling in left { await sibling.close() }
    }
}
