import MMCore
import MMNative
import MMPowerShell

/// What the native engine put out.
struct NativeAnswer: Sendable {
    /// The streams.
    let result: NativeResult
    /// The account that it ran as.
    let account: String
    /// What was said to the person.
    let information: [String]
    /// What ended the script from outside: the service, the caller or the time.
    var interruption: MMError?
    /// How many columns texts may take; `nil` where nothing limits them.
    var width: Int?

    /// The answer for the caller.
    /// - Throws: `remote_failed` with the error's words when an exception ended the script, or when errors are all there is.
    func operationAnswer(of input: RunInput, connection: String) throws(MMError) -> OperationAnswer {
        let isText = input.output == "text"
        let values = isText ? [] : result.objects.map { $0.json(depth: input.depth ?? 3) }
        let text = isText ? TerminalText.plain(NativeText.shown(result.objects, width: width)) : ""
        if let failure = failure(after: result.objects.isEmpty ? [] : isText ? [.string(text)] : values) {
            throw failure
        }
        var notes = ["engine: native"] + Self.streams(of: result, information)
        if isText {
            if let note = NativeText.note(on: result.objects) { notes.append(note) }
            return OperationAnswer(.text(text), notes: notes, connection: connection)
        }
        return OperationAnswer(.value(.array(values)), notes: notes, connection: connection)
    }

    /// The error for the caller, when something ended the script before its time or errors are all there is.
    /// - Parameter output: what came before it.
    func failure(after output: [JSONValue]) -> MMError? {
        if let interruption { return interruption.withOutput(output) }
        guard let ending = result.failure ?? (result.objects.isEmpty ? result.errors.first : nil) else { return nil }
        var details: JSONObject = [
            "engine": "native", "id": .string(ending.id), "account": .string(account),
            "errors": .array(
                (result.errors + [result.failure].compactMap(\.self)).prefix(RepeatedLines.most).map {
                    ["id": .string($0.id), "message": .string($0.message)]
                }),
        ]
        if let category = ending.category { details["category"] = .string(category) }
        if let command = ending.command { details["cmdlet"] = .string(command) }
        let place = ending.command.map { "\($0): " } ?? ""
        return MMError(
            ending.category == "ObjectNotFound" ? .notFound : .remoteFailed, place + ending.message,
            hint: notes(without: ending), details: details
        ).withOutput(output)
    }

    /// What a script said beside its objects.
    /// - Parameter information: what was said to the person; what is in the result unless given.
    static func streams(of result: NativeResult, _ information: [String]? = nil) -> [String] {
        RepeatedLines.counted(
            result.information + (information ?? []) + result.warnings.map { "WARNING: \($0)" }
                + result.errors.map { "ERROR: \($0.message)" }
        ).map(TerminalText.plain)
    }

    private func notes(without ending: NativeError) -> String? {
        let others =
            result.warnings.map { "WARNING: \($0)" }
            + result.errors.filter { $0 != ending }.map { "ERROR: \($0.message)" }
        return others.isEmpty ? nil : RepeatedLines.counted(others).joined(separator: "\n")
    }
}
