import MMCore
import MMSystem

/// Passes what a handler writes to the server's thread.
extension ServerExchange {
    func stream(
        heartbeat: Duration?, _ write: @escaping @Sendable (HTTPResponseWriter) async throws(HTTPError) -> Void
    ) async -> Bool {
        let writer = HTTPResponseWriter(
            { (bytes) async throws(HTTPError) in try await self.write(bytes) },
            trail: { name, value in self.addTrailer(name, value) })
        guard let heartbeat else {
            return await Self.succeeds { () async throws(HTTPError) in try await write(writer) }
        }
        return await withTaskGroup(of: Bool?.self) { group in
            group.addTask { await Self.succeeds { () async throws(HTTPError) in try await write(writer) } }
            group.addTask {
                while (try? await Task.sleep(for: heartbeat)) != nil { self.sendHeartbeat() }
                return nil
            }
            for await outcome in group {
                if let outcome {
                    group.cancelAll()
                    return outcome
                }
            }
            return false
        }
    }

    private func addTrailer(_ name: String, _ value: String) {
        let field: HTTPHeaders = [name: value]
        // A mistake in a handler must not produce a second response.
        guard HTTPFieldRules.fault(in: field) == nil else { return }
        state.withLock { $0.trailers.add(name, value) }
    }

    private static func succeeds(_ body: () async throws(HTTPError) -> Void) async -> Bool {
        do throws(HTTPError) {
            try await body()
            return true
        } catch {
            return false
        }
    }

    /// Sends a comment if nothing was written since the last heartbeat.
    private func sendHeartbeat() {
        state.withLock { state in
            if !state.hasWritten, state.out.isEmpty, !state.isGone, state.outEnd == nil {
                state.out = Array(": keep-alive\n\n".utf8)
                resume(&state)
            }
            state.hasWritten = false
        }
    }

    private func write(_ bytes: [UInt8]) async throws(HTTPError) {
        if bytes.isEmpty { return }
        var isAccepted = false
        while !isAccepted {
            if Task.isCancelled { throw HTTPError(.cancelled, "The answer was cancelled.") }
            let (isGone, turn): (Bool, OneShot<Void>?) = state.withLock { state in
                if state.isGone { return (true, nil) }
                if state.out.count - state.outStart < Self.highWater {
                    state.out.append(contentsOf: bytes)
                    state.hasWritten = true
                    // Before the head is queued, the connection is suspended for the handler, whose response resumes
                    // it.
                    if state.phase == .answering { resume(&state) }
                    isAccepted = true
                    return (false, nil)
                }
                let turn = OneShot<Void>()
                let earlier = state.writer
                state.writer = turn
                earlier?.resolve(())
                return (false, turn)
            }
            if isGone { throw HTTPError(.connectionLost, "The client is gone.") }
            guard let turn else { continue }
            await withTaskCancellationHandler {
                await turn.wait()
            } onCancel: {
                turn.resolve(())
            }
        }
    }
}
