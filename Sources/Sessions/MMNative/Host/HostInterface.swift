import MMCore

/// `$Host`: a script's messages and questions outside the pipeline. There is no window: its title and colours are
/// stored but not shown.
enum HostInterface {
    private static let hostType = "System.Management.Automation.Internal.Host.InternalHost"
    private static let interfaceType = "System.Management.Automation.Internal.Host.InternalHostUserInterface"
    private static let screenType = "System.Management.Automation.Internal.Host.InternalHostRawUserInterface"
    private static let choiceType = "System.Management.Automation.Host.ChoiceDescription"

    /// The value of `$Host`.
    static var host: PSValue {
        let size = made([("Width", .int(Int32(FormattedBlock.usualWidth))), ("Height", .int(50))], PSObject.customType)
        let screen = made(
            [
                ("WindowTitle", .string("")), ("ForegroundColor", .string("Gray")),
                ("BackgroundColor", .string("Black")),
                ("WindowSize", size), ("BufferSize", size), ("MaxWindowSize", size), ("KeyAvailable", .bool(false)),
            ], screenType)
        return made(
            [
                ("Name", .string("ConsoleHost")), ("Version", .version([7, 6, 5])),
                ("UI", made([("RawUI", screen), ("SupportsVirtualTerminal", .bool(false))], interfaceType)),
            ], hostType)
    }

    private static func made(_ pairs: [(String, PSValue)], _ type: String) -> PSValue {
        PSObject(pairs, typeName: type, isCustom: type == PSObject.customType).map { .object($0) } ?? .null
    }

    // MARK: Choices

    /// Returns the choice with a label and a help text.
    static func choice(_ arguments: [PSValue]) throws(Interrupt) -> PSValue {
        guard let label = arguments.first, arguments.count <= 2 else { throw .handOver("an unusual choice") }
        return made(
            [
                ("Label", .string(try PSText.string(label))),
                ("HelpMessage", .string(try arguments.count == 2 ? PSText.string(arguments[1]) : "")),
            ], choiceType)
    }

    /// Returns labels as choices; choices are left unchanged.
    static func choices(_ value: PSValue, isList: Bool) throws(Interrupt) -> PSValue {
        var choices: [PSValue] = []
        for item in Cmdlets.list(value.plain) {
            if case .object(let object) = item, object.typeName == choiceType {
                choices.append(item)
            } else {
                choices.append(try choice([item]))
            }
        }
        guard isList else {
            guard choices.count == 1 else { throw .handOver("an unusual choice") }
            return choices[0]
        }
        return .array(choices)
    }

    // MARK: Methods

    /// Calls a method; `nil` if the target isn't part of the host.
    static func call(
        _ target: PSObject, _ method: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        guard target.typeName == interfaceType || target.typeName == screenType, let host = evaluator.host else {
            return nil
        }
        switch (method, arguments.count) {
        case ("writeline", 0...3), ("write", 1...3):
            evaluator.say(try arguments.last.map(PSText.string) ?? "", endsLine: method == "writeline")
            return .nothing
        case ("writewarningline", 1):
            evaluator.warn(try PSText.string(arguments[0]))
            return .nothing
        case ("writeerrorline", 1):
            evaluator.say(try PSText.string(arguments[0]))
            return .nothing
        case ("writeverboseline", 1), ("writedebugline", 1), ("flushinputbuffer", 0): return .nothing
        case ("readline", 0):
            let name = evaluator.assigning ?? "Answer"
            return .string(try host.answer(name, in: evaluator))
        case ("readkey", 0...1):
            let name = evaluator.assigning ?? "Key"
            let answer = try host.answer(name, question: "Press a key", in: evaluator)
            // Without a character it is Enter, whose code is 13.
            let code = answer.uppercased().unicodeScalars.first?.value ?? 13
            return made(
                [
                    ("VirtualKeyCode", .int(Int32(code))), ("Character", .string(String(answer.prefix(1)))),
                    ("ControlKeyState", .string("")), ("KeyDown", .bool(true)),
                ], PSObject.customType)
        case ("promptforchoice", 4): return try prompted(arguments, host, evaluator)
        default: return nil
        }
    }

    /// Shows a message box: a text, or a question whose answer is the name of a button.
    static func message(_ arguments: [PSValue], in evaluator: Evaluator) throws(Interrupt) -> PSValue? {
        guard let host = evaluator.host else { return nil }
        let text = try PSText.string(arguments[0])
        let buttons = arguments.count > 2 ? arguments[2].text.lowercased() : "ok"
        guard buttons != "ok", buttons != "0" else {
            evaluator.say(text, endsLine: true)
            return .string("OK")
        }
        let answers = ["yes": "Yes", "no": "No", "cancel": "Cancel", "ok": "OK", "retry": "Retry"]
        evaluator.endLine()
        let answer = try host.answer(
            evaluator.assigning ?? "Choice", question: "\(text) [\(arguments[2].text)]", in: evaluator
        ).lowercased()
        return .string(answers.first { $0.key.hasPrefix(answer) && buttons.contains($0.key) }?.value ?? "Cancel")
    }

    /// Asks a question with a few answers, and returns the index of the chosen one.
    private static func prompted(
        _ arguments: [PSValue], _ host: NativeHost, _ evaluator: Evaluator
    ) throws(Interrupt) -> PSValue {
        guard case .array(let choices) = try choices(arguments[2], isList: true), !choices.isEmpty,
            case .int(let usual) = try Conversion.argument(arguments[3], to: .int)
        else { throw .handOver("an unusual question") }
        var words: [String] = []
        var keys: [String] = []
        for choice in choices {
            guard case .object(let object) = choice, let label = object["Label"]?.text else { continue }
            let mark = label.firstIndex(of: "&").map { label.index(after: $0) }
            keys.append(mark.flatMap { label.indices.contains($0) ? String(label[$0]) : nil }?.lowercased() ?? "")
            words.append(label.filter { $0 != "&" })
        }
        let asked = [arguments[0], arguments[1]].map(\.text).filter { !$0.isEmpty }.joined(separator: ": ")
        let shown = zip(keys, words).map { $0.isEmpty ? $1 : "[\($0.uppercased())] \($1)" }.joined(separator: "  ")
        evaluator.endLine()
        let answer = try host.answer(
            evaluator.assigning ?? "Choice", question: "\(asked) \(shown)", in: evaluator
        ).lowercased()
        if answer.isEmpty, words.indices.contains(Int(usual)) { return .int(usual) }
        let place =
            words.firstIndex { $0.lowercased() == answer } ?? keys.firstIndex { !$0.isEmpty && $0 == answer }
            ?? Int(answer).flatMap { words.indices.contains($0) ? $0 : nil }
        guard let place else {
            throw .fatal(
                NativeError("PromptForChoice", "“\(answer)” is not one of the answers \(shown).", isReadable: true))
        }
        return .int(Int32(place))
    }
}
