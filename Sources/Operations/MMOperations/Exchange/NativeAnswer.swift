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
    /// Whether it wrote files, which are what it was run for.
    var hasFiles = false
    /// What the records of refused cmdlets were made of.
    var causes: [NativeError: MMError] = [:]

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
        if isText, let note = NativeText.note(on: result.objects) { notes.append(note) }
        var answer = OperationAnswer(
            isText ? .text(text) : .value(.array(values)), notes: notes, connection: connection)
        answer.errors = result.errors.map { ReportedError($0) }
        if let code = result.exitCode { answer.exitStatus = code }
        return answer
    }

    /// The error for the caller, when something ended the script before its time or errors are all there is.
    /// - Parameter output: what came before it.
    func failure(after output: [JSONValue]) -> MMError? {
        if let interruption { return interruption.withOutput(output) }
        // A script that says how it ended has looked at its errors.
        let alone = result.objects.isEmpty && !hasFiles && result.exitCode == nil ? result.errors.first : nil
        guard let ending = result.failure ?? alone else { return nil }
        var details: JSONObject = [
            "engine": "native", "id": .string(ending.id), "account": .string(account),
            "errors": .array(
                (result.errors + [result.failure].compactMap(\.self)).prefix(RepeatedLines.most).map {
                    .object(ReportedError($0).json)
                }),
        ]
        if let category = ending.category { details["category"] = .string(category) }
        if let command = ending.command { details["cmdlet"] = .string(command) }
        if var cause = causes[ending] {
            for (key, value) in details { cause.details[key] = value }
            let others = notes(without: ending)
            cause.hint = [cause.hint, others].compactMap(\.self).joined(separator: "\n")
            if cause.hint?.isEmpty == true { cause.hint = nil }
            return cause.withOutput(output)
        }
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

extension ReportedError {
    /// The error of a script of the native engine.
    init(_ error: NativeError) {
        self.init(error.message, id: error.id, category: error.category, cmdlet: error.command)
    }
}
