import PowerShellSyntax

/// Provides cmdlets whose objects come from elsewhere: a service, a file. The engine places them at the head of a
/// pipeline and reads their rows on demand.
package protocol CmdletSource: Sendable {
    /// Returns whether a name, in any case, is one of this source's cmdlets.
    func knows(_ name: String) -> Bool
    /// Returns the names of a cmdlet's parameters; `nil` if not all of them are known.
    func parameters(of cmdlet: String) -> [String]?
    /// Checks a call without sending anything, so that a script's errors are known before its first request. A call
    /// that takes pipeline input is checked without an object.
    /// - Throws: an error that `open` would certainly throw.
    func check(_ call: CmdletCall) throws(CmdletFault)
    /// Carries out a cmdlet on the evaluating thread, without waiting.
    /// - Returns: the complete output; `nil` where the cmdlet has to wait for something and must be opened.
    func immediateOutput(_ call: CmdletCall) throws(CmdletFault) -> CmdletBatch?
    /// Starts a cmdlet, for which nothing has been sent so far. The first rows may be fetched here or later.
    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows
}

extension CmdletSource {
    /// Returns `nil`: the parameters aren't known.
    package func parameters(of cmdlet: String) -> [String]? { nil }
    /// Accepts every call.
    package func check(_ call: CmdletCall) throws(CmdletFault) {}
    /// Returns `nil`: a service's answer always has to be awaited.
    package func immediateOutput(_ call: CmdletCall) throws(CmdletFault) -> CmdletBatch? { nil }
}

/// The rows of a running cmdlet, in batches as they arrive; a page of the service is one batch.
package protocol CmdletRows {
    /// Returns the next batch, or `nil` at the end. Ends soon after its task is cancelled.
    mutating func next() async throws(CmdletFault) -> CmdletBatch?
}

/// Rows with the messages that accompanied them.
package struct CmdletBatch: Sendable {
    /// The rows.
    package var objects: [PSValue]
    /// The warnings that came with the rows.
    package var warnings: [String]
    /// The errors that did not end the cmdlet.
    package var errors: [NativeError]
    /// What the script is told of these errors.
    package var errorDisplay: ErrorDisplay
    /// Messages for the person, such as those of `-WhatIf`.
    package var information: [String]
    /// Variables that the cmdlet sets, by name.
    package var variables: [String: PSValue] = [:]

    /// What a script is told of errors that don't end a cmdlet. All of them make `$?` false.
    package enum ErrorDisplay: Sendable {
        /// They are shown.
        case shown
        /// They are in `$Error` and `-ErrorVariable` alone, as with `-ErrorAction SilentlyContinue`.
        case recorded
        /// They are nowhere, as with `-ErrorAction Ignore`.
        case ignored

        /// Creates the display that an `-ErrorAction` in lower case asks for.
        package init(_ action: String?) {
            switch action {
            case "silentlycontinue": self = .recorded
            case "ignore": self = .ignored
            default: self = .shown
            }
        }
    }

    /// Creates a batch.
    package init(
        _ objects: [PSValue], warnings: [String] = [], errors: [NativeError] = [],
        errorDisplay: ErrorDisplay = .shown, information: [String] = []
    ) {
        self.objects = objects
        self.warnings = warnings
        self.errors = errors
        self.errorDisplay = errorDisplay
        self.information = information
    }
}

/// A cmdlet with evaluated arguments that are not yet bound to its parameters.
package struct CmdletCall: Sendable {
    /// An argument, in the order written.
    package enum Argument: Sendable {
        /// `-Name`, with its value when a colon attaches one, and the text of that value when it is a number.
        case parameter(String, PSValue?, text: String?)
        /// A value, for the preceding parameter or by position; the text is a number as written.
        case value(PSValue, text: String?)
    }

    /// The name as written.
    package let name: String
    /// The arguments.
    package let arguments: [Argument]
    /// The number of arguments, the last ones, that were splatted: they give way to those that are written out.
    var splatted = 0
    /// Whether the cmdlet follows a `|`; it is then opened once for every incoming object.
    package var takesInput = false
    /// The incoming object.
    package var input: PSValue?
    /// The value of `$ErrorActionPreference` in lower case; `nil` if a script that changes something has not set it. It
    /// applies to a cmdlet without `-ErrorAction`.
    package var errorPreference: String?

    /// Creates a call.
    package init(name: String, arguments: [Argument]) {
        self.name = name
        self.arguments = arguments
    }

    /// Returns the same call for a pipeline object.
    package func with(input: PSValue) -> CmdletCall {
        var call = self
        call.takesInput = true
        call.input = input
        return call
    }
}

/// The reason why a cmdlet did not continue.
package enum CmdletFault: Error {
    /// An error that ends the statement.
    case failed(NativeError)
    /// Only a real PowerShell can carry out the cmdlet; nothing was sent.
    case handedOver(String)
    /// The rest of the pipeline stopped.
    case interrupted(PipelineStop)
}

/// The reason why a pipeline stopped.
package struct PipelineStop: Sendable {
    let reason: Interrupt

    /// Ends the whole script with an error, as `-ErrorAction Stop` requires.
    package init(endingWith error: NativeError) { reason = .fatal(error) }

    /// Ends the whole script because a service refused a request. `try` catches it, but it doesn't make a calculated
    /// property empty.
    package init(refusedWith error: NativeError) { reason = .refused(error) }
}

extension CmdletCall {
    /// Evaluates the arguments of a command.
    init(_ command: CommandSyntax, name: String, in evaluator: Evaluator) throws(Interrupt) {
        var arguments: [Argument] = []
        var splatted: [(key: String, value: PSValue)] = []
        for word in command.words {
            switch word {
            case .name(let node):
                guard let tied = node.argument else {
                    arguments.append(.parameter(node.name, nil, text: nil))
                    continue
                }
                guard case .value(let value, let text) = try CmdletCall.value(tied, evaluator) else { continue }
                arguments.append(.parameter(node.name, value, text: text))
            case .text(let node): arguments.append(.value(.string("-" + node.name), text: nil))
            case .value(let argument): arguments.append(try CmdletCall.value(argument, evaluator))
            case .splat(let node):
                switch try evaluator.splatted(node) {
                case .table(let table): splatted += table.pairs
                case .array(let items): arguments += items.map { .value($0, text: nil) }
                case let value: throw .handOver("splatting of \(value.typeName)")
                }
            }
        }
        let last = try Self.spread(splatted, behind: arguments)
        self.init(name: name, arguments: arguments + last)
        self.splatted = last.count
    }

    /// Returns the parameters of splatted tables, without those that are also written out: these take precedence.
    private static func spread(
        _ splatted: [(key: String, value: PSValue)], behind arguments: [Argument]
    ) throws(Interrupt) -> [Argument] {
        let written = arguments.compactMap {
            if case .parameter(let name, _, _) = $0 { name.lowercased() } else { nil }
        }
        var left: [Argument] = []
        for (key, value) in splatted where !written.contains(key.lowercased()) {
            let name = key.lowercased()
            // One of them may be short for the other.
            guard !written.contains(where: { $0.hasPrefix(name) || name.hasPrefix($0) }) else {
                throw .handOver("a splatted parameter beside a similar one")
            }
            left.append(.parameter(key, value, text: nil))
        }
        return left
    }

    private static func value(_ node: ExpressionSyntax, _ evaluator: Evaluator) throws(Interrupt) -> Argument {
        switch node {
        case .number(let number): return .value(try evaluator.value(of: node), text: number.text)
        default: return .value(try evaluator.value(of: node), text: nil)
        }
    }

    /// Parses a command line with a single cmdlet, as a person writes it.
    /// - Returns: the call; `nil` when the line isn't a single cmdlet whose arguments can be evaluated.
    package init?(line: String) {
        let source = Array(line.utf16)
        let script = PowerShellParser.parse(utf16: source)
        guard script.height <= SubsetCheck.height, let root = script.root,
            case .pipeline(let pipeline)? = root.body?.statements.first,
            case .command(let command)? = pipeline.elements.first, let name = command.constantName,
            let call = try? CmdletCall(command, name: name, in: Evaluator(source: source, variables: [:]))
        else { return nil }
        self = call
    }
}

extension CmdletCall {
    /// A value and, for a number, its text as written.
    struct Given {
        var value: PSValue
        var text: String?
    }

    /// The arguments in the form that the binder expects.
    var words: [ArgumentWord] {
        arguments.map { argument in
            switch argument {
            case .parameter(let name, let tied, _): .name(name, isTied: tied != nil)
            case .value: .value
            }
        }
    }

    /// Returns the value of a word. A word that names no parameter is an ordinary value.
    func value(ofWord word: Int) -> Given? {
        switch arguments[word] {
        case .parameter(let name, let tied, let text): Given(value: tied ?? .string("-" + name), text: text)
        case .value(let value, let text): Given(value: value, text: text)
        }
    }
}
