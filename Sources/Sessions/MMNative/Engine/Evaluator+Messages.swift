import PowerShellSyntax

/// `$ErrorActionPreference`: the handling of errors for commands without `-ErrorAction`.
extension Evaluator {
    /// The variable's lower-case name.
    static let preferenceName = "erroractionpreference"
    /// The lower-case name of the variable that says how many elements of a list are shown.
    static let limitName = "formatenumerationlimit"
    /// The lower-case names of PowerShell's own variables that scripts use as they do any other.
    static let ordinary: Set<String> = ["profile", "transcript", "pwd", "lastexitcode", defaultsName, limitName]
    /// The lower-case names of PowerShell's own variables that scripts may assign to.
    static let settable = ordinary.union(["_", "null", "input", "matches", preferenceName, "warningpreference"])

    /// The lower-case names of PowerShell's own variables that accept no value.
    static let readOnly: Set<String> = ["error"]

    /// The script's value, in lower case; `nil` if it has set none.
    var preferenceWord: String? { variables[Self.preferenceName].flatMap { ErrorAction($0)?.rawValue } }

    /// The current handling of errors.
    var preference: ErrorAction { variables[Self.preferenceName].flatMap { ErrorAction($0) } ?? .goOn }

    /// Returns an action in the form that the variable keeps, its name; `nil` for one that isn't carried out here.
    static func preference(_ value: PSValue) -> PSValue? {
        guard let action = ErrorAction(value.plain), action != .ignore else { return nil }
        return PSEnum(.actionPreference, named: action.rawValue).map { .string($0.name) }
    }
}

/// What a script tells beside its output: errors, warnings and messages.
extension Evaluator {
    /// Reports an error that doesn't end its command by itself.
    /// - Parameter action: the command's own `-ErrorAction`.
    func report(_ error: NativeError, _ action: ErrorAction? = nil) throws(Interrupt) {
        guard !error.id.isEmpty else { throw .handOver(error.message) }
        try record(error, isKept: action != .ignore, isEnd: action == .stop)
        switch action ?? preference {
        case .goOn: show(.error(error))
        case .silence, .ignore: break
        case .stop: throw .fatal(error.kept)
        }
    }

    /// Records an error, without showing it.
    /// - Parameters:
    ///   - isKept: whether it stays in `$Error`.
    ///   - isEnd: whether its command is to end with it.
    func record(_ error: NativeError, isKept: Bool = true, isEnd: Bool = false) throws(Interrupt) {
        if isKept {
            let value = ErrorRecords.value(of: error, isWhole: onlyReads)
            try keep(value, as: isEnd ? ErrorRecords.stop(value) : nil)
        }
        hasSucceeded = false
        reports += 1
    }

    /// Adds an error to `$Error`, and to the variables of the running command and of those around it.
    /// - Parameter other: what the variables get instead.
    func keep(_ error: PSValue, as other: PSValue? = nil) throws(Interrupt) {
        errors.items.insert(error, at: 0)
        for keeper in routes.keepers { try keeper.add(error: other ?? error, in: self) }
    }

    /// Shows a message, unless the running command sends its stream elsewhere.
    func show(_ output: NativeOutput) {
        let stream: RedirectionStream =
            switch output {
            case .error: .error
            case .warning: .warning
            case .information: .information
            case .object: .output
            }
        switch routes[stream] {
        case nil: delivery.note(output)
        case .dropped?: break
        case .merged(let messages)?: messages.add(output)
        }
    }

    /// Runs a part of a pipeline, during which messages go these ways; `nil` leaves them as they are.
    func routing(_ routes: MessageRoutes?, _ body: () throws(Interrupt) -> Void) throws(Interrupt) {
        guard let routes else { return try body() }
        let before = self.routes
        self.routes = routes
        defer { self.routes = before }
        try body()
    }

    /// Shows text to the person; text without a line end is shown together with the text that follows.
    /// - Parameter stream: the stream that it is a message of.
    func say(_ text: String, endsLine: Bool = true, on stream: RedirectionStream = .information) {
        guard routes[stream] == nil else { return show(.information(text)) }
        begun += text
        guard endsLine else { return }
        delivery.note(.information(begun))
        begun = ""
    }

    /// Shows an unfinished line.
    func endLine() { if !begun.isEmpty { say("") } }

    /// Shows a message of `Write-Verbose`, `Write-Debug` or `Write-Information`, which only a script that asks for it
    /// shows. Information that goes elsewhere goes there in any case.
    /// - Parameters:
    ///   - stream: the stream of the command.
    ///   - own: what the command itself asks for, in lower case; `nil` leaves it to the preference.
    func remark(_ text: String, on stream: RedirectionStream, _ own: String?) {
        let name =
            switch stream {
            case .verbose: "verbose"
            case .debug: "debug"
            default: "information"
            }
        let action = own ?? variables[name + "preference"].map { ErrorAction.word($0.text) }
        let route = routes[stream]
        guard action == "continue" || stream == .information && route != nil && action != "ignore" else { return }
        switch route {
        case nil: say(stream == .information ? text : "\(name.uppercased()): \(text)", on: stream)
        case .dropped?: break
        case .merged(let messages)?: messages.add(.object(MergedMessages.record(of: text, on: stream)))
        }
    }

    /// Emits a warning.
    func warn(_ text: String) {
        if case .string(let word)? = variables["warningpreference"],
            ["silentlycontinue", "ignore"].contains(word.lowercased())
        {
            return
        }
        show(.warning(text))
    }
}
