import MMCore
import MMNative

/// A source of cmdlets, with what a script's answer says about their requests.
protocol ScriptSource: CmdletSource {
    /// What happened to the cmdlets of the source.
    var story: SourceStory { get }
}

/// What happened to the cmdlets of one source while one script ran.
final class SourceStory: Sendable {
    /// A cmdlet that was sent and may have changed something.
    struct Write: Sendable {
        let cmdlet: String
        /// How often it was sent.
        var count = 1

        /// The cmdlet with the number of its calls.
        var told: String { count == 1 ? cmdlet : "\(cmdlet) (\(count) times)" }
    }

    private struct State {
        var failure: MMError?
        var writes: [Write] = []
        var information: [String] = []
        var causes: [NativeError: MMError] = [:]
    }

    private let state = Mutex(State())

    /// The error that stopped the script; `nil` if none did.
    var failure: MMError? { state.withLock { $0.failure } }

    /// The cmdlets that were sent and may have changed something, each once, in the order of their first calls.
    var writes: [Write] { state.withLock { $0.writes } }

    /// The original errors of the records of refused cmdlets, so that a caller whose script ended with a record gets
    /// the whole error.
    var causes: [NativeError: MMError] { state.withLock { $0.causes } }

    /// Messages for the person, such as the lines of `-WhatIf` and `-Confirm`.
    var information: [String] { state.withLock { $0.information } }

    func note(write cmdlet: String) {
        state.withLock { state in
            if let place = state.writes.firstIndex(where: { $0.cmdlet == cmdlet }) {
                state.writes[place].count += 1
            } else {
                state.writes.append(Write(cmdlet: cmdlet))
            }
        }
    }

    func note(information: [String]) {
        guard !information.isEmpty else { return }
        state.withLock { JournalNotes.add(information, to: &$0.information) }
    }

    func note(failure: MMError) {
        state.withLock { state in
            if state.failure == nil { state.failure = failure }
        }
    }

    private func note(cause: MMError, of record: NativeError) {
        state.withLock { state in
            if state.causes.count < ReportedError.most { state.causes[record] = cause }
        }
    }

    /// Decides how the script continues after a cmdlet failed. Its own `-ErrorAction` and `$ErrorActionPreference`
    /// decide; by default a refusal ends the script and an error about one object doesn't.
    /// - Parameters:
    ///   - record: the error as the script sees it.
    ///   - cause: the error that the record was made of.
    ///   - isRefusal: whether the service refuses the caller or the request, rather than reporting an error about one
    ///     object.
    ///   - endsStatement: whether an error about one object ends the statement, as those of cmdlets in .NET do.
    func ended(
        by record: NativeError, of cause: MMError, isRefusal: Bool, errorAction: String?, endsStatement: Bool = false
    ) throws(CmdletFault) -> CmdletBatch? {
        note(cause: cause, of: record)
        switch errorAction {
        case "silentlycontinue", "ignore":
            return CmdletBatch([], errors: [record], errorDisplay: .init(errorAction))
        case nil where endsStatement && !isRefusal, "continue" where endsStatement, "stop" where endsStatement:
            throw .failed(record)
        case "stop" where !isRefusal: throw .interrupted(PipelineStop(endingWith: record))
        case nil where !isRefusal, "continue": return CmdletBatch([], errors: [record])
        default: throw .interrupted(PipelineStop(refusedWith: record))
        }
    }

    /// Ends the script with an error that concerns its caller, after which no other cmdlet is sent.
    func broken(by failure: MMError, as record: NativeError) -> CmdletFault {
        note(failure: failure)
        return .interrupted(PipelineStop(refusedWith: record))
    }
}
