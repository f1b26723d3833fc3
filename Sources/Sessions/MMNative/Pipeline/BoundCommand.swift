import PowerShellSyntax

/// A command with its parameters bound and its arguments evaluated.
struct BoundCommand {
    /// The name as written, which may be an alias.
    private(set) var written: String?
    /// The command's specification.
    let specification: CommandSpecification
    private var values: [String: PSValue] = [:]
    /// The arguments left for the last position, one value each.
    private(set) var rest: [PSValue] = []

    /// The handling of errors that don't end the command; `nil` if the command doesn't say.
    private(set) var errorAction: ErrorAction?

    /// The parameters that the command's code has asked for.
    private final class Read { var names: Set<String> = [] }
    private let read = Read()

    /// The value bound to a parameter; `$true` or `$false` for a switch.
    subscript(name: String) -> PSValue? {
        read.names.insert(name)
        return values[name]
    }

    /// Returns whether a switch is set.
    func isSet(_ name: String) -> Bool { self[name]?.isTrue ?? false }

    /// Returns the integer bound to a parameter.
    func count(_ name: String) -> Int? {
        if case .int(let number)? = self[name] { Int(number) } else { nil }
    }

    /// Hands over a bound parameter of the command's own that its code, which has run, never asked for, though it would
    /// change what the command does.
    func refuseUnread() throws(Interrupt) {
        let unread = (specification.values + specification.switches).first { name in
            values[name].map { !specification.switches.contains(name) || $0.isTrue } ?? false
                && !read.names.contains(name) && !HostCommands.changesNothing(name, specification.name)
        }
        if let unread { throw .handOver("-\(unread) of \(specification.name)") }
    }

    /// The names of the bound parameters.
    var names: Set<String> {
        read.names.formUnion(values.keys)
        return Set(values.keys).subtracting(["ErrorAction"]).subtracting(CommandSpecification.silent)
            .subtracting(CommandSpecification.recording)
    }

    /// The variables that it also fills, such as by -OutVariable.
    var recorded: RecordedOutput {
        RecordedOutput(values.filter { CommandSpecification.recording.contains($0.key) })
    }

    /// Returns the error for a parameter that doesn't accept `$null`.
    func nullArgument(_ name: String) -> NativeError {
        NativeError(
            specification.errorID("ParameterArgumentValidationErrorNullNotAllowed"),
            "Cannot bind argument to parameter '\(name)' because it is null.", category: "InvalidData",
            isReadable: true)
    }

    /// Returns the error of a value that a required parameter refuses: `$null` and the empty text; `nil` for any other.
    func refusal(of value: PSValue, for name: String) -> NativeError? {
        if value.isNull { return nullArgument(name) }
        guard case .string("") = value else { return nil }
        return NativeError(
            specification.errorID("ParameterArgumentValidationErrorEmptyStringNotAllowed"),
            "Cannot bind argument to parameter '\(name)' because it is an empty string.", category: "InvalidData",
            isReadable: true)
    }

    /// Returns the error for an argument that a parameter's condition refuses.
    func refusedArgument(_ name: String, _ fault: String) -> NativeError {
        NativeError(
            specification.errorID("ParameterArgumentValidationError"),
            "Cannot validate argument on parameter '\(name)'. \(fault)", category: "InvalidData", isReadable: true)
    }

    /// Binds a command's elements. A binding error ends the statement, as in PowerShell.
    init(_ command: CommandSyntax, in evaluator: Evaluator) throws(Interrupt) {
        guard command.invocation != .dot, let written = try PipelineSetup.name(of: command, in: evaluator),
            let specification = Cmdlets.specification(
                of: written.split(separator: "\\").last.map(String.init) ?? written)
        else { throw .handOver("the command \(command.constantName ?? "by computed name")") }
        self.specification = specification
        self.written = written
        var positional: [Argument] = []
        var splats: [VariableExpressionSyntax] = []
        let words = command.words
        for pair in specification.binder.pairs(words.map(\.argument)) {
            guard let written = pair.written else {
                switch words[pair.word] {
                case .splat(let splat): splats.append(splat)
                case .value(let argument): positional.append(.written(argument))
                case .name(let node), .text(let node): positional.append(.value(.string("-" + node.name)))
                }
                continue
            }
            if pair.candidates.isEmpty, specification.takesRest {
                guard specification.name != "ForEach-Object" else {
                    throw fault(
                        "CannotConvertArgumentNoMessage",
                        "Cannot bind parameter 'RemainingScripts'. Cannot convert the \"-\(written)\" value of type "
                            + "\"System.String\" to type \"System.Management.Automation.ScriptBlock\".")
                }
                guard specification.takesWords, case .name(let node) = words[pair.word] else {
                    throw .handOver("the parameter -\(written) of \(specification.name)")
                }
                positional.append(.value(.string("-" + node.name)))
                if let value = pair.value.flatMap({ words[$0].expression }) { positional.append(.written(value)) }
                continue
            }
            let name = try only(of: pair.candidates, written: written)
            guard values[name] == nil else {
                throw fault("ParameterAlreadyBound", "The parameter '\(name)' is specified more than once.")
            }
            let argument = pair.value.flatMap { words[$0].expression }
            if specification.isSwitch(name) {
                values[name] =
                    try argument.map { (argument) throws(Interrupt) in
                        try BoundCommand.flag(try evaluator.value(of: argument))
                    } ?? .bool(true)
                continue
            }
            guard let argument else {
                if pair.word + 1 < words.count, case .splat = words[pair.word + 1] {
                    throw .handOver("a splat as a value")
                }
                throw fault("MissingArgument", "Missing an argument for parameter '\(name)'.")
            }
            try set(name, try value(.written(argument), for: name, evaluator))
        }
        for splat in splats { positional += try spread(splat, in: evaluator) }
        try bind(positional, in: evaluator)
        try takeDefaults(from: evaluator)
        if specification.name == "Write-Output", values["InputObject"] == nil, !rest.isEmpty {
            // Several arguments form a single list.
            if rest.count > 1, rest.contains(where: { if case .array = $0 { true } else { false } }) {
                throw .handOver("lists among several arguments")
            }
            var isList = false
            if rest.count == 1, case .array = rest[0] { isList = true }
            if values["NoEnumerate"] != nil, !isList { throw .handOver("a list of another type") }
            values["InputObject"] = rest.count == 1 ? rest[0] : .array(rest)
        }
    }

    private enum Argument { case written(ExpressionSyntax), value(PSValue) }

    /// The parameters whose values are numbers, whichever command has them.
    private static let numbers: Set<String> = [
        "First", "Last", "Skip", "SkipLast", "Index", "SkipIndex", "Top", "Bottom", "Tail", "TotalCount", "Count",
        "Maximum", "Minimum", "SetSeed", "Depth", "Width", "Id", "ParentId", "SourceId", "PercentComplete",
        "SecondsRemaining", "ThrottleLimit", "TimeoutSeconds", "UnixTimeSeconds", "Year", "Month", "Day", "Hour",
        "Minute", "Second", "Millisecond", "Days", "Hours", "Minutes", "Seconds", "Milliseconds",
        "Version",
    ]

    /// Whether a parameter's value counts as a number alone. `Where-Object` compares so if it isn't told to compare
    /// texts, which is certain only where the comparison stands before the value.
    private func isNumber(_ name: String) -> Bool {
        if Self.numbers.contains(name) { return true }
        return specification.name == "Where-Object" && name == "Value"
            && values.keys.contains {
                specification.switches.contains($0) && !$0.hasSuffix("Like") && !$0.hasSuffix("Match")
            }
    }

    /// Returns an argument's value for a parameter; `nil` for one among others at the end.
    private func value(
        _ argument: Argument, for name: String?, _ evaluator: Evaluator
    ) throws(Interrupt) -> PSValue {
        switch argument {
        case .written(let expression):
            let type: PSType? = name.map(isNumber) == true ? .double : nil
            return try WrittenValue(of: expression, in: evaluator).value(for: type).withoutNothing
        case .value(let value): return value
        }
    }

    private static func flag(_ value: PSValue) throws(Interrupt) -> PSValue {
        switch value {
        case .bool: return value
        case .int(let number): return .bool(number != 0)
        case .null, .nothing: return .bool(false)
        default: throw .handOver("an unusual value of a switch")
        }
    }

    /// Takes values of `$PSDefaultParameterValues`; those for parameters that the command lacks are for others.
    private mutating func takeDefaults(from evaluator: Evaluator) throws(Interrupt) {
        for (written, value) in try evaluator.defaults(for: specification.name) {
            let found = specification.binder.match(written)
            guard !found.isEmpty || specification.isPartial else { continue }
            let name = try only(of: found, written: written)
            if values[name] == nil { try take(value, for: name) }
        }
    }

    /// Binds a value that isn't written at the parameter's name.
    private mutating func take(_ value: PSValue, for name: String) throws(Interrupt) {
        if specification.switches.contains(name) {
            values[name] = try BoundCommand.flag(value)
        } else {
            try set(name, value.withoutNothing)
        }
    }

    private mutating func set(_ name: String, _ value: PSValue) throws(Interrupt) {
        guard name == "ErrorAction" else {
            values[name] = try converted(value, for: name)
            return
        }
        guard let action = ErrorAction(value) else {
            guard case .string(let text) = value, ErrorAction.isNone(text) else {
                throw .handOver("an unusual -ErrorAction")
            }
            throw fault("CannotConvertArgumentNoMessage", "Cannot bind parameter 'ErrorAction'.")
        }
        errorAction = action
        values[name] = value
    }

    /// Expands `@name`: the keys of a hashtable become parameters, the elements of a list become values. Parameters
    /// that are written out take precedence.
    private mutating func spread(
        _ splat: VariableExpressionSyntax, in evaluator: Evaluator
    ) throws(Interrupt) -> [Argument] {
        switch try evaluator.splatted(splat) {
        case .array(let items): return items.map { .value($0) }
        case .table(let table):
            var bound = Set<String>()
            for (key, value) in table.pairs {
                let name = try only(of: specification.binder.match(key), written: key)
                guard bound.insert(name).inserted else { throw .handOver("a parameter splatted twice") }
                if values[name] == nil { try take(value, for: name) }
            }
            return []
        case let value: throw .handOver("splatting of \(value.typeName)")
        }
    }

    private func fault(_ id: String, _ message: String) -> Interrupt {
        .statement(NativeError(specification.errorID(id), message))
    }

    private mutating func bind(_ positional: [Argument], in evaluator: Evaluator) throws(Interrupt) {
        var free = specification.positions.filter { values[$0] == nil }
        for argument in positional {
            let isInRest = free.isEmpty || specification.takesRest && free.first == specification.positions.last
            let value = try self.value(argument, for: isInRest ? nil : free[0], evaluator)
            if isInRest {
                guard specification.takesRest else {
                    guard !specification.isPartial else { throw .handOver("the arguments of \(specification.name)") }
                    throw fault(
                        "PositionalParameterNotFound",
                        "A positional parameter cannot be found that accepts argument '\(value.text)'.")
                }
                rest.append(value.plain)
                continue
            }
            let name = free.removeFirst()
            values[name] = try converted(value, for: name)
        }
    }

    private func converted(_ value: PSValue, for name: String) throws(Interrupt) -> PSValue {
        guard specification.counts.contains(name) else { return specification.keeps(name) ? value : value.plain }
        switch value {
        case .int(let number):
            guard number >= 0 else {
                throw fault(
                    "ParameterArgumentValidationError",
                    "Cannot validate argument on parameter '\(name)'. The \(number) argument is less than the minimum "
                        + "allowed range of 0. Supply an argument that is greater than or equal to 0 and then try the command "
                        + "again.")
            }
            return value
        case .string(let text):
            guard case .number(.int(let number)) = try NumberText.read(text), !text.isEmpty else {
                if case .none = try NumberText.read(text) {
                    let message = "Cannot bind parameter '\(name)'. Cannot convert value \"\(text)\"."
                    throw fault("CannotConvertArgumentNoMessage", message)
                }
                throw .handOver("an unusual count")
            }
            return try converted(.int(number), for: name)
        default: throw .handOver("an unusual count")
        }
    }

    /// Returns the only parameter that a name can refer to.
    private func only(of candidates: [Int], written: String) throws(Interrupt) -> String {
        if let reason = specification.misfit(written, of: candidates) { throw .handOver(reason) }
        guard let place = candidates.first else {
            throw fault(
                "NamedParameterNotFound", "A parameter cannot be found that matches parameter name '\(written)'.")
        }
        return specification.parameterNames[place].name
    }
}

extension CommandWord {
    /// The word in the form that the binder expects.
    var argument: ArgumentWord {
        switch self {
        case .name(let node): .name(node.name, isTied: node.argument != nil)
        case .value: .value
        case .text, .splat: .apart
        }
    }

    /// The word's value.
    var expression: ExpressionSyntax? {
        switch self {
        case .name(let node): node.argument
        case .value(let value): value
        case .text, .splat: nil
        }
    }
}

/// The parameters of a built-in command.
struct CommandSpecification {
    /// The cmdlet's name.
    let name: String
    /// The .NET class name at the end of its error ids.
    let className: String
    /// The parameters that take a value.
    let values: [String]
    /// The switch parameters.
    let switches: [String]
    /// The positional parameters, in order.
    let positions: [String]
    /// Whether the last position takes all remaining arguments.
    var takesRest = false
    /// Parameter aliases, with the parameters that they name.
    var aliases: [String: String] = [:]
    /// The parameters whose values are non-negative integers.
    var counts: [String] = []
    /// Whether the command creates objects of its own and needs no input.
    var makesObjects = false
    /// Whether the command also has parameters that aren't listed here.
    var isPartial = false

    /// Whether what is no parameter is among the remaining arguments, as the word that it is.
    var takesWords: Bool { name == "Write-Output" || name == "Write-Host" }

    /// Returns whether the value of a parameter stays with an object or a variable: a list is the same list there.
    func keeps(_ parameter: String) -> Bool {
        ["Value", "NotePropertyValue"].contains(parameter)
            && ["Add-Member", "New-Variable", "Set-Variable"].contains(name)
    }

    /// Returns the fully qualified id of an error that the command raises.
    func errorID(_ id: String) -> String { "\(id),Microsoft.PowerShell.Commands.\(className)" }

    /// The parameters of every command, each with its alias. The engine implements -ErrorAction among them, and
    /// those that name variables.
    private static let common = [
        ("Debug", "db"), ("ErrorAction", "ea"), ("ErrorVariable", "ev"), ("InformationAction", "infa"),
        ("InformationVariable", "iv"), ("OutBuffer", "ob"), ("OutVariable", "ov"), ("PipelineVariable", "pv"),
        ("ProgressAction", "proga"), ("Verbose", "vb"), ("WarningAction", "wa"), ("WarningVariable", "wv"),
    ]

    /// The names of the parameters of every command.
    static var commonNames: [String] { common.map(\.0) }

    /// Common parameters that only decide whether a stream is shown, which is fixed here.
    static let silent: Set<String> = [
        "Debug", "InformationAction", "ProgressAction", "Verbose", "WarningAction", "OutBuffer",
    ]

    /// Common parameters that name a variable for a command's output or messages.
    static let recording: Set<String> = [
        "OutVariable", "ErrorVariable", "WarningVariable", "InformationVariable", "PipelineVariable",
    ]

    /// Returns the parameter of every command with a full name or alias, in any case; `nil` for any other.
    static func commonName(_ written: String) -> String? {
        let lower = written.lowercased()
        return common.first { $0.0.lowercased() == lower || $0.1 == lower }.map(\.0)
    }

    /// Returns whether a written parameter may name a variable for a command's output or messages. A command's own
    /// parameters decide how far a name may be shortened.
    static func mayRecord(_ written: String) -> Bool {
        recording.contains { $0.lowercased().hasPrefix(written.lowercased()) }
            || commonName(written).map(recording.contains) == true
    }

    /// Returns whether a parameter takes no value.
    func isSwitch(_ name: String) -> Bool { switches.contains(name) || name == "Debug" || name == "Verbose" }

    /// Returns whether the engine implements a parameter.
    func takes(_ name: String) -> Bool {
        name == "ErrorAction" || Self.silent.contains(name) || Self.recording.contains(name) || values.contains(name)
            || switches.contains(name)
    }

    /// Returns the reason why the engine can't bind a written parameter; `nil` if it can, or if no such parameter
    /// exists.
    /// - Parameter candidates: the places of the parameters that the written name can refer to.
    func misfit(_ written: String, of candidates: [Int]) -> String? {
        guard written.isPlain, written != "?" else { return "an unusual parameter" }
        guard let name = candidates.first.map({ parameterNames[$0].name }) else {
            return isPartial ? "the parameter -\(written) of \(self.name)" : nil
        }
        guard takes(name) else { return "the common parameter -\(written)" }
        guard candidates.count == 1 else { return "an ambiguous parameter" }
        return HostCommands.beyond[self.name]?.contains(name) == true ? "-\(name) of \(self.name)" : nil
    }

    /// Returns the reason why the engine can't bind a command's written parameters; `nil` if it can. Only its run shows
    /// more.
    func misfit(of command: CommandSyntax) -> String? {
        guard !takesRest else { return nil }
        let changing = HostCommands.beyondWhenChanging[name] ?? []
        return binder.pairs(command.words.map(\.argument)).lazy.compactMap { pair in
            guard let written = pair.written else { return nil }
            if let reason = misfit(written, of: pair.candidates) { return reason }
            guard let parameter = pair.candidates.first.map({ parameterNames[$0].name }) else { return nil }
            // With a value it may be $false.
            let isPreview = parameter == "WhatIf" && pair.value == nil && !HostCommands.changesNothing(parameter, name)
            return isPreview || changing.contains(parameter) ? "-\(parameter) of \(name)" : nil
        }.first
    }

    /// The parameters in the binder's order, with their aliases.
    var parameterNames: [(name: String, aliases: [String])] {
        (values + switches).map { name in (name, aliases.filter { $0.value == name }.map(\.key)) }
            + Self.common.map { ($0.0, [$0.1]) }
    }

    /// The binder for the command's arguments.
    var binder: ParameterBinder {
        let names = parameterNames
        func bindable(_ index: Int) -> BindableParameter {
            let name = names[index].name
            return BindableParameter(
                isSwitch: isSwitch(name), position: positions.firstIndex(of: name) ?? -1, identity: index)
        }
        let ownCount = values.count + switches.count
        return ParameterBinder(own: (0..<ownCount).map(bindable), common: (ownCount..<names.count).map(bindable)) {
            ParameterFit($1, name: names[$0].name, aliases: names[$0].aliases)
        }
    }
}

/// A command of a running pipeline.
class Stage {
    /// Receives the command's output.
    var next: Sink = { _ in }
    /// Whether this is the last command.
    var isLast = false
    /// Whether it gets the output of an expression or of another command, which may be none.
    var isPiped = false
    /// Where messages go while the command runs; `nil` if no command of its pipeline redirects any.
    var routes: MessageRoutes?
    /// Passes on the messages that wait to be put out among the command's objects.
    private(set) var releaseMessages: () throws(Interrupt) -> Void = {}
    /// Receives an error that doesn't end the command by itself.
    var report: (NativeError) throws(Interrupt) -> Void = { _ in }

    /// Lets the command put out messages among its objects.
    func merges(_ messages: MergedMessages, into pass: @escaping Sink) {
        releaseMessages = { () throws(Interrupt) in try messages.release(pass) }
        next = { (item) throws(Interrupt) in
            try messages.release(pass)
            try pass(item)
        }
    }

    /// Called for a layout that arrives; `nil` if the command takes layouts as they are, instead of their records.
    var readsLayout: ((FormattedBlock) -> Void)?

    private var hasBegun = false

    /// Begins the processing, unless an object that came early did.
    final func start() throws(Interrupt) {
        guard !hasBegun else { return }
        hasBegun = true
        try begin()
    }

    /// Called for each object that arrives; hands over one with which the command isn't certain.
    var admits: ((PSValue) throws(Interrupt) -> Void)?

    /// Takes an object from the pipeline.
    final func take(_ item: PSValue) throws(Interrupt) {
        try start()
        try admits?(item)
        guard let readsLayout, let layout = FormattedBlock(item) else { return try process(item) }
        readsLayout(layout)
        for record in layout.records { try process(record) }
    }

    /// Processes an incoming object.
    func process(_ item: PSValue) throws(Interrupt) {}
    /// Ends the processing; called once, after the last object.
    func finish() throws(Interrupt) {}
    /// Begins the processing; called before the first object.
    func begin() throws(Interrupt) {}
}

/// The value of `-ErrorAction` and `$ErrorActionPreference`.
package enum ErrorAction: String {
    case goOn = "continue"
    case silence = "silentlycontinue"
    case stop
    /// The error leaves no trace but `$?`.
    case ignore

    private static let kind = PSEnum.Kind.actionPreference

    /// Creates the action that a value means; `nil` if it means none, or one that isn't carried out here.
    init?(_ value: PSValue) {
        switch value {
        case .string, .int, .enumeration: self.init(rawValue: Self.word(value.text))
        default: return nil
        }
    }

    /// Returns the lower-case name of the action that a text means, which may be its number or the beginning of its
    /// name; a text that means none is returned as it is.
    package static func word(_ text: String) -> String { (PSEnum(kind, reading: text)?.name ?? text).lowercased() }

    /// Returns whether a text certainly means no action.
    static func isNone(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x61...0x7A).contains($0 | 0x20) }
            && !kind.members.contains { $0.name.lowercased().hasPrefix(text.lowercased()) }
    }
}
