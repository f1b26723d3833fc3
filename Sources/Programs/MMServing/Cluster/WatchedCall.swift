import MMCore
import MMOperations
import MMSystem

/// A call to another node that is abandoned when that node turns out not to answer any more.
enum WatchedCall {
    /// Waits for the answer.
    /// - Parameters:
    ///   - pause: the time between two checks of the node.
    ///   - fault: returns the reason why there will be no answer; `nil` while there may be one.
    ///   - work: the call; it is cancelled when it is abandoned.
    /// - Throws: the fault, or the error of the call.
    static func answer(
        lookingEvery pause: Duration, for fault: @escaping @Sendable () async -> MMError?,
        _ work: @escaping @Sendable () async throws(MMError) -> OperationAnswer
    ) async throws(MMError) -> OperationAnswer {
        let outcome = OneShot<Result<OperationAnswer, MMError>>()
        let call = Task {
            outcome.resolve(await Result(catching: work))
        }
        let watch = Task {
            while (try? await Task.sleep(for: pause)) != nil {
                guard let fault = await fault() else { continue }
                outcome.resolve(.failure(fault))
                return
            }
        }
        defer {
            watch.cancel()
            call.cancel()
        }
        return try await withTaskCancellationHandler {
            await outcome.wait()
        } onCancel: {
            call.cancel()
        }.get()
    }
}
