import MMCore
import MMNative
import MMSystem

/// Takes the output of a native script. Little output is collected and returned whole; more is streamed to its reader
/// while the script continues in its session.
final class NativeFlow: Sendable {
    /// The beginning of the answer.
    enum Start: Sendable {
        /// The script has ended, and this is its whole answer.
        case ended(Result<SessionAnswer, MMError>)
        /// The script continues: the stream of its rows, and the notes until now.
        case flowing(ItemStream, notes: [String])
    }

    /// The number of objects above which output is streamed. Results that a service cuts at its usual thousand, with a
    /// warning, stay below it.
    static let gathered = 2000
    /// The maximum number of warnings and errors that are kept for the end.
    static let keptNotes = 100

    fileprivate struct State {
        var result = NativeResult()
        var isFlowing = false
        var rows = 0
        var notes: [String] = []
        var leftOut = 0
        /// The errors: those before the streaming began and the ones since.
        var errors: [ReportedError] = []
        var exitStatus: Int32?
    }

    private let depth: Int
    private let channel = RowChannel()
    private let start = OneShot<[String]?>()
    private let outcome = OneShot<Result<SessionAnswer, MMError>>()
    private let state = Mutex(State())

    /// Creates the flow of one script.
    /// - Parameter depth: the depth to which objects are serialised.
    init(depth: Int) { self.depth = depth }

    /// Whether rows have already been streamed.
    var isFlowing: Bool { state.withLock { $0.isFlowing } }

    /// Starts a script; once its rows are streamed, it continues in the background.
    /// - Parameter work: runs the script in its session, which is held until it returns.
    func begin(_ work: @escaping @Sendable () async throws(MMError) -> SessionAnswer) async -> Start {
        let task = Task { [self] in
            finish(await Result(catching: work))
        }
        let notes = await withTaskCancellationHandler {
            await start.wait()
        } onCancel: {
            task.cancel()
        }
        guard let notes else { return .ended(await outcome.wait()) }
        let reading = HeldFlow(task: task, channel: channel)
        let stream = ItemStream(end: { [self] in end() }) { () async throws(MMError) in
            try await reading.next()
        }
        return .flowing(stream, notes: notes)
    }

    /// Takes a portion of the script's output; returns when the reader is ready for more.
    func take(_ outputs: [NativeOutput]) async {
        let portion: (rows: [PSValue], opening: [String]?)? = state.withLock { state in
            for output in outputs { state.take(output) }
            if !state.isFlowing {
                guard state.result.objects.count > Self.gathered else { return nil }
                state.isFlowing = true
                let opening = NativeAnswer.streams(of: state.result)
                state.errors = state.result.errors.prefix(ReportedError.most).map { ReportedError($0) }
                defer { state.result = NativeResult() }
                state.rows = state.result.objects.count
                return (state.result.objects, opening)
            }
            defer { state.result.objects = [] }
            state.rows += state.result.objects.count
            return (state.result.objects, nil)
        }
        guard let portion else { return }
        let depth = depth
        if !portion.rows.isEmpty {
            await channel.send(portion.rows.map { JSONWriter.bytes($0.json(depth: depth))[...] })
        }
        if let opening = portion.opening { start.resolve(opening) }
    }

    /// Returns the outcome with the collected output.
    func completed(_ outcome: NativeOutcome) -> NativeOutcome {
        let gathered = state.withLock { $0.isFlowing ? NativeResult() : $0.result }
        switch outcome {
        case .completed(let rest):
            var result = gathered
            result.failure = rest.failure
            result.exitCode = rest.exitCode
            return .completed(result)
        case .stopped(let rest):
            var result = gathered
            result.objects += rest.objects
            result.errors += rest.errors
            return .stopped(result)
        case .handedOver: return outcome
        }
    }

    private func finish(_ end: Result<SessionAnswer, MMError>) {
        let (isFlowing, rows) = state.withLock { ($0.isFlowing, $0.rows) }
        guard isFlowing else {
            start.resolve(nil)
            outcome.resolve(end)
            return
        }
        var failure: MMError?
        switch end {
        case .failure(let error): failure = error
        case .success(let answer):
            if case .native(let native) = answer.output {
                failure = native.failure(after: [])
                state.withLock { $0.exitStatus = native.result.exitCode }
            }
        }
        failure?.details["rows"] = .int(Int64(rows))
        channel.finish(failure.map { .failure($0) } ?? .success(()))
    }

    private func end() -> AnswerEnd {
        state.withLock { state in
            let more = state.leftOut > 0 ? ["Warnings and errors not shown: \(state.leftOut)."] : []
            var end = AnswerEnd(notes: state.notes + more)
            end.errors = state.errors
            end.exitStatus = state.exitStatus ?? (state.errors.isEmpty ? nil : 1)
            return end
        }
    }
}

extension NativeFlow.State {
    /// Collects an output; messages after the streaming has begun are kept for the end.
    mutating func take(_ output: NativeOutput) {
        switch output {
        case .object(let object): result.objects.append(object)
        case .error(let error):
            guard isFlowing else { return result.errors.append(error) }
            let reported = ReportedError(error)
            note(reported.line)
            if errors.count < ReportedError.most { errors.append(reported) }
        case .warning(let text):
            if isFlowing { note(RepeatedLines.warning(text)) } else { result.warnings.append(text) }
        case .information(let text):
            if isFlowing { note(text) } else { result.add(message: text) }
        }
    }

    private mutating func note(_ text: String) {
        if notes.count < NativeFlow.keptNotes { notes.append(text) } else { leftOut += 1 }
    }
}
