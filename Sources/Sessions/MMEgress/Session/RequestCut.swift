import MMCore

/// Ends what a session's processes have under way on its wire, and lets nothing further pass until it is lifted.
///
/// Most cmdlets don't heed a stop while they wait for an answer: they come to their end when the answer does.
final class RequestCut: Sendable {
    private struct State {
        var isCut = false
        var open: [UInt64: @Sendable () -> Void] = [:]
    }

    /// What the client of a request gets that was cut off: a refusal, because modules try again after anything else.
    static let fault = WireFault(
        403, .stopped, "The command that sent this request is being stopped: its requests are ended with it.")

    private let state = Mutex(State())

    /// Ends everything that is under way.
    func begin() {
        let ends = state.withLock { state in
            state.isCut = true
            defer { state.open = [:] }
            return Array(state.open.values)
        }
        for end in ends { end() }
    }

    /// Lets requests pass again.
    func lift() { state.withLock { $0.isCut = false } }

    /// Does a request's work, which is cancelled when it is cut off.
    /// - Parameters:
    ///   - number: the request's number.
    ///   - drop: ends its connection, where an answer has begun.
    /// - Throws: `fault` for a request that was cut off before it was answered.
    func run(
        _ number: UInt64, dropping drop: @escaping @Sendable () -> Void,
        _ work: @escaping @Sendable () async throws(WireFault) -> Bool
    ) async throws(WireFault) -> Bool {
        guard !state.withLock({ $0.isCut }) else { throw Self.fault }
        let wasCut = FinalMark()
        let task = Task { await Result { () async throws(WireFault) in try await work() } }
        let end: @Sendable () -> Void = {
            wasCut.set()
            task.cancel()
            drop()
        }
        let isLate = state.withLock { state in
            if !state.isCut { state.open[number] = end }
            return state.isCut
        }
        if isLate { end() }
        let outcome = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        state.withLock { _ = $0.open.removeValue(forKey: number) }
        if case .failure = outcome, wasCut.isSet { throw Self.fault }
        return try outcome.get()
    }
}

/// Something that happens at most once and stays so.
private final class FinalMark: Sendable {
    private let mark = Mutex(false)
    var isSet: Bool { mark.withLock { $0 } }
    func set() { mark.withLock { $0 = true } }
}
