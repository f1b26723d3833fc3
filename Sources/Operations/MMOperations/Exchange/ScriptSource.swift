import MMCore
import MMNative

/// A source of cmdlets, with what a script's answer says about their requests.
protocol ScriptSource: CmdletSource {
    /// What happened to the cmdlets of the source.
    var story: SourceStory { get }
}

/// A property that a script reads of an object to which the service returned none.
struct MissedProperty: Sendable, Hashable {
    let name: String
    /// Whether it leads to other objects, which only `$expand` returns.
    let isNavigation: Bool
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

    /// The properties of one cmdlet's objects that the script reads and the service didn't return.
    private struct Missed {
        let cmdlet: String
        var properties: [MissedProperty]

        /// What a person is told of them.
        var told: String {
            let names = properties.map(\.name).joined(separator: ", ")
            let links = properties.filter(\.isNavigation).map(\.name).joined(separator: ",")
            let others = properties.filter { !$0.isNavigation }.map(\.name).joined(separator: ",")
            let remedies = [
                others.isEmpty ? nil : "-Property \(others),… with all others that the script reads",
                links.isEmpty ? nil : "-ExpandProperty \(links)",
            ]
            return "The script reads \(names) of \(cmdlet), which Graph did not return and so counts as empty. Graph "
                + "returns some properties only if asked: \(remedies.compactMap(\.self).joined(separator: "; "))."
        }
    }

    private struct State {
        var failure: MMError?
        var writes: [Write] = []
        var information: [String] = []
        var missed: [Missed] = []
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
    var information: [String] { state.withLock { $0.information + $0.missed.map(\.told) } }

    func note(missed property: MissedProperty, of cmdlet: String) {
        state.withLock { state in
            guard let place = state.missed.firstIndex(where: { $0.cmdlet == cmdlet }) else {
                return state.missed.append(Missed(cmdlet: cmdlet, properties: [property]))
            }
            if !state.missed[place].properties.contains(property) { state.missed[place].properties.append(property) }
        }
    }

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
