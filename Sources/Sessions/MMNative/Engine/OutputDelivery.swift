/// An item of a script's output, in the order of its streams' interleaving.
package enum NativeOutput: Sendable {
    /// An object of the output stream.
    case object(PSValue)
    /// A record of the error stream.
    case error(NativeError)
    /// A line of the warning stream.
    case warning(String)
    /// A message for the person.
    case information(String)
}

/// Delivers a script's output to its receiver in batches. Confined to the evaluating thread.
final class OutputDelivery {
    private let thread: EvaluationThread?
    private let receiver: NativeEngine.Receiver?
    private var pending: [NativeOutput] = []
    /// The number of errors reported so far.
    private(set) var errorCount = 0
    /// Whether a source's cmdlet has been started.
    var hasSent = false
    /// The exception that ended the script.
    var failure: NativeError?
    /// The code that the script gave to `exit`.
    var exitCode: Int32?

    private static let portion = 256

    init(thread: EvaluationThread? = nil, receiver: NativeEngine.Receiver? = nil) {
        self.thread = thread
        self.receiver = receiver
    }

    /// Whether the run was cancelled or its time is up.
    var isStopped: Bool { thread?.isStopped ?? false }

    /// Adds an item; waits for the receiver once enough items are pending.
    func add(_ output: NativeOutput) throws(Interrupt) {
        note(output)
        guard receiver != nil, pending.count >= OutputDelivery.portion else { return }
        guard flush() else { throw .stopped }
    }

    /// Adds an item without waiting.
    func note(_ output: NativeOutput) {
        if case .error = output { errorCount += 1 }
        pending.append(output)
    }

    /// Delivers the pending items; returns `false` when the run was cancelled or its time is up.
    func flush() -> Bool {
        guard let receiver, !pending.isEmpty else { return true }
        let portion = pending
        pending = []
        return thread?.perform { await receiver(portion) } ?? false
    }

    /// Has the waiting task perform some work, after the pending items are delivered.
    func perform(_ work: @escaping @Sendable () async -> Void) throws(Interrupt) {
        guard flush(), thread?.perform(work) ?? false else { throw .stopped }
    }

    /// All output that was not delivered.
    var result: NativeResult {
        var result = NativeResult()
        result.objects.reserveCapacity(pending.count)
        for output in pending {
            switch output {
            case .object(let object): result.objects.append(object)
            case .error(let error): result.errors.append(error)
            case .warning(let text): result.warnings.append(text)
            case .information(let text): result.information.append(text)
            }
        }
        result.failure = failure
        result.exitCode = exitCode
        return result
    }
}
