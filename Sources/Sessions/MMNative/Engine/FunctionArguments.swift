import PowerShellSyntax

/// The evaluated arguments of a function, by parameter.
struct FunctionArguments {
    /// A parameter that a call gave a value.
    enum Bound {
        /// One that the function declares, by its index.
        case parameter(Int)
        /// One that every advanced function has, with its value in `$PSBoundParameters`.
        case common(String, PSValue)
    }

    /// The values by the parameter's index.
    private(set) var given: [Int: PSValue] = [:]
    /// The parameters in the order in which they were bound.
    private(set) var bound: [Bound] = []
    /// The values that belong to no parameter.
    private(set) var rest: [PSValue] = []
    /// The variables that an advanced function also fills, such as by -OutVariable.
    fileprivate(set) var recorded = RecordedOutput()
    /// Whether the caller wants no question before changes: `-Confirm:$false`.
    fileprivate(set) var isConfirmed = false

    /// The preferences that a call sets for its function, such as whether `Write-Verbose` shows something.
    fileprivate(set) var preferences: [String: PSValue] = [:]

    fileprivate init() {}

    /// Gives a declared parameter a value. No output is `$null` there.
    fileprivate mutating func give(_ index: Int, _ value: PSValue) {
        if given.updateValue(value.withoutNothing, forKey: index) == nil { bound.append(.parameter(index)) }
    }

    /// Gives a common parameter a value. What is written out is given first, and stays.
    fileprivate mutating func give(common name: String, _ value: PSValue) {
        bound.append(.common(name, value))
    }

    /// Binds the words of a call to the parameters.
    init(_ words: [CommandWord], of function: ScriptFunction, in evaluator: Evaluator) throws(Interrupt) {
        var call = CallWords(words: words[...], function: function, evaluator: evaluator)
        while let word = call.words.popFirst() { try call.read(word) }
        try call.spreadTables()
        self = call.arguments
        try fill(call.unnamed, of: function)
        recorded = RecordedOutput(call.recordings)
    }

    /// Gives values to the parameters of a block in order.
    init(_ values: [PSValue], of function: ScriptFunction) throws(Interrupt) {
        try fill(values.map { UnnamedArgument(WrittenValue($0)) }, of: function)
    }

    /// Gives values to the unbound parameters by position. What is left stays in the order of the call.
    private mutating func fill(_ unnamed: [UnnamedArgument], of function: ScriptFunction) throws(Interrupt) {
        var free = function.parameters.indices.filter { function.parameters[$0].position != nil && given[$0] == nil }
            .sorted { (function.parameters[$0].position ?? 0) < (function.parameters[$1].position ?? 0) }
        for argument in unnamed {
            guard argument.isPositional, !free.isEmpty else {
                rest.append(try argument.value.value(for: nil).withoutNothing)
                continue
            }
            let place = free.removeFirst()
            let parameter = function.parameters[place]
            if let rival = free.first.map({ function.parameters[$0] }), rival.position == parameter.position,
                !rival.isOfOtherSets(than: parameter)
            {
                throw .handOver(
                    "an argument of \(function.name) for \(parameter.name) or \(rival.name), which have one position")
            }
            give(place, try argument.value.value(for: function.parameters[place].type?.known))
        }
        if let place = function.parameters.firstIndex(where: \.takesRest), !rest.isEmpty {
            var all = rest
            if let first = given[place] { all.insert(first, at: 0) }
            give(place, .array(all))
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

/// An argument that no parameter of the function is named for.
private struct UnnamedArgument {
    let value: WrittenValue
    /// Whether a parameter may get it by position: not what belongs to a name that the function doesn't know.
    let isPositional: Bool

    init(_ value: WrittenValue, isPositional: Bool = true) { (self.value, self.isPositional) = (value, isPositional) }
}

/// The words of a call, which are read one after another.
private struct CallWords {
    /// The words that follow.
    var words: ArraySlice<CommandWord>
    let function: ScriptFunction
    let evaluator: Evaluator
    private(set) var arguments = FunctionArguments()
    private(set) var unnamed: [UnnamedArgument] = []
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
        case .text(let node): unnamed.append(UnnamedArgument(WrittenValue(.string("-" + node.name))))
        case .value(let node): unnamed.append(UnnamedArgument(try WrittenValue(of: node, in: evaluator)))
        case .splat(let node): try spread(try evaluator.splatted(node))
        case .name(let node): try parameter(node)
        }
    }

    private mutating func spread(_ value: PSValue) throws(Interrupt) {
        switch value {
        case .array(let items): unnamed += items.map { UnnamedArgument(WrittenValue($0)) }
        case .table(let table): tables.append(table)
        case let other: unnamed.append(UnnamedArgument(WrittenValue(other)))
        }
    }

    /// Takes the parameters of the splatted tables that aren't written out.
    mutating func spreadTables() throws(Interrupt) {
        let written = (Set(arguments.given.keys), arguments.preferences, recordings)
        for (key, value) in tables.flatMap(\.pairs) {
            let found = function.candidates(key)
            if found.count == 1, written.0.contains(found[0]) { continue }
            if let index = free(found) {
                arguments.give(index, value)
            } else if let name = found.isEmpty ? function.confirmation.parameter(key) : nil {
                try confirm(name, value, written: key)
            } else {
                let name = found.isEmpty ? CommandSpecification.commonName(key) : nil
                guard let name, take(value, by: name) else {
                    throw .handOver("the parameter \(key) of \(function.name)")
                }
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
        guard node.name != "?" else { throw .handOver("the help of \(function.name)") }
        let found = function.candidates(node.name)
        guard let index = free(found) else { return try others(node, isKnown: !found.isEmpty) }
        if function.parameters[index].isSwitch {
            let value = try node.argument.map { (value) throws(Interrupt) in try evaluator.value(of: value) }
            arguments.give(index, value ?? .bool(true))
        } else if let value = node.argument ?? nextValue() {
            let given = try WrittenValue(of: value, in: evaluator)
            arguments.give(index, try given.value(for: function.parameters[index].type?.known))
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
            guard node.argument == nil, !function.parameters.contains(where: \.takesRest) else {
                throw .handOver("the unknown parameter -\(node.name)")
            }
            // It belongs to no parameter, and neither does the value behind it.
            unnamed.append(UnnamedArgument(WrittenValue(.string("-" + node.name)), isPositional: false))
            if let value = nextValue() {
                unnamed.append(UnnamedArgument(try WrittenValue(of: value, in: evaluator), isPositional: false))
            }
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

    /// The preferences that common parameters set.
    private static let preferences = [
        "Verbose": "verbosepreference", "Debug": "debugpreference", "WarningAction": "warningpreference",
        "InformationAction": "informationpreference", "ErrorAction": Evaluator.preferenceName,
    ]
    /// The actions that are carried out here. Unlike a warning, a message of the script's own is shown or not whatever
    /// its preference, except by `Ignore`.
    private static let carriedOut: [String: Set<String>] = [
        "WarningAction": ["continue", "silentlycontinue", "ignore"],
        "InformationAction": ["continue", "silentlycontinue"],
    ]

    /// Whether a common parameter takes no value.
    private static func isSwitch(_ name: String) -> Bool { name == "Verbose" || name == "Debug" }

    /// Takes the value of a common parameter, by its full name.
    /// - Returns: false if the parameter needs a value and has none, or one that isn't carried out here.
    private mutating func take(_ value: PSValue?, by name: String) -> Bool {
        guard function.isAdvanced, let value = value ?? (Self.isSwitch(name) ? .bool(true) : nil) else { return false }
        var bound = value
        if Self.isSwitch(name), let preference = Self.preferences[name] {
            bound = .bool(value.isTrue)
            arguments.preferences[preference] = .string(value.isTrue ? "Continue" : "SilentlyContinue")
        } else if let preference = Self.preferences[name] {
            guard let action = ErrorAction(value.plain),
                let written = PSEnum(.actionPreference, named: action.rawValue),
                Self.carriedOut[name]?.contains(action.rawValue.lowercased()) ?? (action != .ignore)
            else { return false }
            arguments.preferences[preference] = .string(written.name)
            bound = .enumeration(written)
        } else if CommandSpecification.recording.contains(name) {
            recordings[name] = value
        } else if name != "ProgressAction" {
            return false
        }
        arguments.give(common: name, bound)
        return true
    }

    /// Takes a parameter that every advanced function has.
    private mutating func takesCommon(_ node: CommandParameterSyntax) throws(Interrupt) -> Bool {
        if let name = function.confirmation.parameter(node.name) {
            let value = try node.argument.map { (value) throws(Interrupt) in try evaluator.value(of: value) }
            try confirm(name, value ?? .bool(true), written: node.name)
            return true
        }
        if let name = CommandSpecification.commonName(node.name) {
            let value = node.argument ?? (Self.isSwitch(name) ? nil : nextValue())
            if take(try value.map { (value) throws(Interrupt) in try evaluator.value(of: value) }, by: name) {
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
        if name == "Confirm" { arguments.isConfirmed = true }
        arguments.give(common: name, .bool(false))
    }
}
