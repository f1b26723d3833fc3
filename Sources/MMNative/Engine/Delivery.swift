/// What a script puts out, in the order in which it came.
package enum NativeOutput: Sendable {
    /// An object of the output stream.
    case object(PSValue)
    /// A record of the error stream.
    case error(NativeError)
    /// A line of the warning stream.
    case warning(String)
    /// A line said to the person.
    case information(String)
}

/// Carries what a script puts out to its receiver, in portions. Lives on the evaluating thread.
final class Delivery {
    private let thread: EvaluationThread?
    private let receiver: NativeEngine.Receiver?
    private var pending: [NativeOutput] = []
    /// How many errors were reported.
    private(set) var errorCount = 0
    /// Whether a source cmdlet was started.
    var hasSent = false
    /// The exception that ended the script.
    var failure: NativeError?

    private static let portion = 256

    init(thread: EvaluationThread? = nil, receiver: NativeEngine.Receiver? = nil) {
        self.thread = thread
        self.receiver = receiver
    }

    /// Whether the run was called off, or its time is over.
    var isStopped: Bool { thread?.isStopped ?? false }

    /// Puts something out; waits for the receiver when enough is pending.
    func add(_ output: NativeOutput) throws(Interrupt) {
        note(output)
        guard receiver != nil, pending.count >= Delivery.portion else { return }
        guard flush() else { throw .stopped }
    }

    /// Puts something out without waiting.
    func note(_ output: NativeOutput) {
        if case .error = output { errorCount += 1 }
        pending.append(output)
    }

    /// Delivers what is pending; `false` when the run was called off, or its time is over.
    func flush() -> Bool {
        guard let receiver, !pending.isEmpty else { return true }
        let portion = pending
        pending = []
        return thread?.perform { await receiver(portion) } ?? false
    }

    /// Has the waiting task do something; what is pending is delivered first.
    func perform(_ work: @escaping @Sendable () async -> Void) throws(Interrupt) {
        guard flush(), thread?.perform(work) ?? false else { throw .stopped }
    }

    /// All that was put out and not delivered.
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
        return result
    }
}
