import PowerShellSyntax

/// The evaluated arguments of a function, by parameter.
struct FunctionArguments {
    /// The values by the parameter's index.
    var given: [Int: PSValue] = [:]
    /// The values that belong to no parameter.
    var rest: [PSValue] = []
    /// The variables that an advanced function also fills, such as by -OutVariable.
    fileprivate(set) var recorded = RecordedOutput()
    /// Whether the caller wants no question before changes: `-Confirm:$false`.
    fileprivate(set) var isConfirmed = false

    /// The preferences that a call sets for its function, such as whether `Write-Verbose` shows something.
    fileprivate(set) var preferences: [String: PSValue] = [:]

    fileprivate init() {}

    /// Binds the words of a call to the parameters.
    init(_ words: [CommandWord], of function: ScriptFunction, in evaluator: Evaluator) throws(Interrupt) {
        var call = CallWords(words: words[...], function: function, evaluator: evaluator)
        while let word = call.words.popFirst() { try call.read(word) }
        try call.spreadTables()
        self = call.arguments
        try fill(call.positional, of: function)
        recorded = RecordedOutput(call.recordings)
    }

    /// Gives values to the parameters of a block in order.
    init(_ values: [PSValue], of function: ScriptFunction) throws(Interrupt) { try fill(values, of: function) }

    /// Gives values to the unbound parameters by position.
    private mutating func fill(_ positional: [PSValue], of function: ScriptFunction) throws(Interrupt) {
        var free = function.parameters.indices.filter { function.parameters[$0].position != nil && given[$0] == nil }
            .sorted { (function.parameters[$0].position ?? 0) < (function.parameters[$1].position ?? 0) }
        for value in positional {
            guard !free.isEmpty else {
                rest.append(value)
                continue
            }
            given[free.removeFirst()] = value
        }
        if let place = function.parameters.firstIndex(where: \.takesRest), !rest.isEmpty {
            var all = rest
            if let first = given[place] { all.insert(first, at: 0) }
            given[place] = .array(all)
            rest = []
        }
        guard rest.isEmpty || !function.isAdvanced else {
            throw .statement(
                NativeError(
                    "PositionalParameterNotFound,\(function.name)",
                    "A positional parameter cannot be found that accepts argument '\(rest[0].text)'.",
                    isReadable: true))
        }
    }
}

/// The words of a call, which are read one after another.
private struct CallWords {
    /// The words that follow.
    var words: ArraySlice<CommandWord>
    let function: ScriptFunction
    let evaluator: Evaluator
    private(set) var arguments = FunctionArguments()
    private(set) var positional: [PSValue] = []
    /// The variables that common parameters name, such as that of -OutVariable.
    private(set) var recordings: [String: PSValue] = [:]
    /// The tables among the splatted values, whose parameters give way to those that are written out.
    private var tables: [PSTable] = []

    init(words: ArraySlice<CommandWord>, function: ScriptFunction, evaluator: Evaluator) {
        self.words = words
        self.function = function
        self.evaluator = evaluator
    }

    mutating func read(_ word: CommandWord) throws(Interrupt) {
        switch word {
        case .text(let node): positional.append(.string("-" + node.name))
        case .value(let node): positional.append(try evaluator.worth(of: node).withoutNothing)
        case .splat(let node): try spread(try evaluator.splatted(node))
        case .name(let node): try parameter(node)
        }
    }

    private mutating func spread(_ value: PSValue) throws(Interrupt) {
        switch value {
        case .array(let items): positional += items
        case .table(let table): tables.append(table)
        case let other: positional.append(other)
        }
    }

    /// Takes the parameters of the splatted tables that aren't written out.
    mutating func spreadTables() throws(Interrupt) {
        let written = (Set(arguments.given.keys), arguments.preferences, recordings)
        for (key, value) in tables.flatMap(\.pairs) {
            let found = function.candidates(key)
            if found.count == 1, written.0.contains(found[0]) { continue }
            if let index = free(found) {
                arguments.given[index] = value
            } else if let name = found.isEmpty ? function.confirmation.parameter(key) : nil {
                try confirm(name, value, written: key)
            } else {
                let isTaken = found.isEmpty ? common(key).map { take(value, by: $0) } : nil
                guard isTaken == true else { throw .handOver("the parameter \(key) of \(function.name)") }
            }
        }
        arguments.preferences.merge(written.1) { $1 }
        recordings.merge(written.2) { $1 }
    }

    /// Returns the parameter among those that a name may mean, unless there are several or it has a value.
    private func free(_ candidates: [Int]) -> Int? {
        candidates.count == 1 && arguments.given[candidates[0]] == nil ? candidates[0] : nil
    }

    private mutating func parameter(_ node: CommandParameterSyntax) throws(Interrupt) {
        let found = function.candidates(node.name)
        guard let index = free(found) else { return try others(node, isKnown: !found.isEmpty) }
        if function.parameters[index].isSwitch {
            arguments.given[index] =
                try node.argument.map { (value) throws(Interrupt) in try evaluator.value(of: value) } ?? .bool(true)
        } else if let value = node.argument ?? nextValue() {
            arguments.given[index] = try evaluator.worth(of: value).withoutNothing
        } else {
            throw .statement(
                NativeError(
                    "MissingArgument,\(function.name)", "Missing an argument for parameter '\(node.name)'.",
                    isReadable: true))
        }
    }

    /// Takes the next word if it is a value.
    private mutating func nextValue() -> ExpressionSyntax? {
        guard case .value(let value)? = words.first else { return nil }
        words.removeFirst()
        return value
    }

    /// Reads a parameter that the function doesn't declare, or not once.
    private mutating func others(_ node: CommandParameterSyntax, isKnown: Bool) throws(Interrupt) {
        if !isKnown, !function.isAdvanced {
            positional.append(.string("-" + node.name))
            if let value = node.argument { positional.append(try evaluator.value(of: value)) }
            return
        }
        if !isKnown {
            if try takesCommon(node) { return }
            if function.parameters.contains(where: \.takesRest) {
                throw .handOver("the unknown parameter -\(node.name) among the remaining arguments")
            }
        }
        throw .statement(
            NativeError(
                "\(isKnown ? "AmbiguousParameter" : "NamedParameterNotFound"),\(function.name)",
                "A parameter cannot be found that matches parameter name '\(node.name)'.", isReadable: true))
    }

    // MARK: Common parameters

    /// The effect of a common parameter.
    private enum Common {
        /// It sets a preference, by which a silent stream is shown or not.
        case preference(String)
        /// It sets a preference to its value.
        case action(String)
        /// It has none here, but takes a value.
        case silent
        /// It names a variable for a stream.
        case recording(String)
    }

    private static let preferences = [
        "verbose": "verbosepreference", "vb": "verbosepreference", "debug": "debugpreference",
        "db": "debugpreference",
    ]
    private static let actions = [
        "warningaction": "warningpreference", "wa": "warningpreference",
        "informationaction": "informationpreference", "infa": "informationpreference",
        "erroraction": Evaluator.preferenceName, "ea": Evaluator.preferenceName,
    ]
    private static let silent: Set<String> = ["progressaction", "proga"]
    /// The actions that are carried out here. Unlike a warning, a message of the script's own is shown or not whatever
    /// its preference, except by `Ignore`.
    private static let carriedOut: [String: Set<String>] = [
        "warningpreference": ["continue", "silentlycontinue", "ignore"],
        "informationpreference": ["continue", "silentlycontinue"],
    ]

    private func common(_ written: String) -> Common? {
        guard function.isAdvanced else { return nil }
        if let preference = Self.preferences[written.lowercased()] { return .preference(preference) }
        if let preference = Self.actions[written.lowercased()] { return .action(preference) }
        if Self.silent.contains(written.lowercased()) { return .silent }
        return CommandSpecification.recording(written).map { .recording($0) }
    }

    /// - Returns: false if the parameter needs a value and has none, or one that isn't carried out here.
    private mutating func take(_ value: PSValue?, by parameter: Common) -> Bool {
        switch parameter {
        case .preference(let name):
            arguments.preferences[name] = .string(value?.isTrue ?? true ? "Continue" : "SilentlyContinue")
            return true
        case .action(let name):
            let preference =
                if name == Evaluator.preferenceName {
                    value.flatMap { Evaluator.preference($0) }
                } else if case .string(let word)? = value, Self.carriedOut[name]?.contains(word.lowercased()) == true {
                    value
                } else {
                    nil as PSValue?
                }
            if let preference { arguments.preferences[name] = preference }
            return preference != nil
        case .silent: return value != nil
        case .recording(let name):
            recordings[name] = value
            return value != nil
        }
    }

    /// Takes a parameter that every advanced function has.
    private mutating func takesCommon(_ node: CommandParameterSyntax) throws(Interrupt) -> Bool {
        if let name = function.confirmation.parameter(node.name) {
            let value = try node.argument.map { (value) throws(Interrupt) in try evaluator.value(of: value) }
            try confirm(name, value ?? .bool(true), written: node.name)
            return true
        }
        if let parameter = common(node.name) {
            let isSwitch = if case .preference = parameter { true } else { false }
            let value = node.argument ?? (isSwitch ? nil : nextValue())
            if take(try value.map { (value) throws(Interrupt) in try evaluator.value(of: value) }, by: parameter) {
                return true
            }
        }
        let engine = CommandSpecification(
            name: function.name, className: "", values: [], switches: [], positions: [])
        if !engine.binder.match(node.name).isEmpty { throw .handOver("the common parameter -\(node.name)") }
        return false
    }

    /// Takes `-Confirm` or `-WhatIf`.
    private mutating func confirm(_ name: String, _ value: PSValue, written: String) throws(Interrupt) {
        guard !value.isTrue else { throw .handOver("-\(written) of \(function.name)") }
        if name == "confirm" { arguments.isConfirmed = true }
    }
}
