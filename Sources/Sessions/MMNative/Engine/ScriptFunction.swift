import PowerShellSyntax

/// A function that a script defines, with named and positional parameters, and a body that may consist of named blocks.
struct ScriptFunction {
    /// A parameter.
    struct Parameter {
        let name: String
        var type: NamedType?
        var isSwitch = false
        /// The parameter sets that it belongs to, and whether it is mandatory in each; an entry without a name stands
        /// for all sets.
        var sets: [(name: String, isMandatory: Bool)] = []
        /// Its value if it has no default, where a call leaves it out.
        var unbound: PSValue {
            if isSwitch { return .bool(false) }
            switch type?.known {
            case .string?: return .string("")
            case .int?: return .int(0)
            case .long?: return .long(0)
            case .double?: return .double(0)
            case .single?: return .single(0)
            case .bool?: return .bool(false)
            default: return .null
            }
        }
        /// Whether it is mandatory in one of its sets.
        var isMandatory: Bool { sets.contains(where: \.isMandatory) }
        var isNotEmpty = false
        /// What a mandatory parameter accepts although it is nothing: `allownull`, `allowemptystring`,
        /// `allowemptycollection`.
        var acceptedNothings: Set<String> = []
        var takesInput = false
        var takesProperties = false
        var takesRest = false
        var aliases: [String] = []
        var position: Int?
        /// The allowed texts; empty if all are allowed.
        var allowed: [String] = []
        /// Further conditions for its values.
        var checks: [ParameterCheck] = []
        /// Whether the engine lacks its type, so that it can only be left out.
        var isForeign = false
        var defaultValue: ExpressionSyntax?

        /// Whether no parameter set contains both this parameter and another one.
        func isOfOtherSets(than other: Parameter) -> Bool {
            let (own, others) = (Set(sets.map { $0.name.lowercased() }), Set(other.sets.map { $0.name.lowercased() }))
            guard !own.isEmpty, !others.isEmpty, !own.contains(""), !others.contains("") else { return false }
            return own.isDisjoint(with: others)
        }
    }

    let name: String
    let parameters: [Parameter]
    let beginning: StatementBlockSyntax?
    let processing: StatementBlockSyntax?
    let ending: StatementBlockSyntax?
    /// Whether it binds arguments as a cmdlet does, so that arguments without a parameter are errors.
    let isAdvanced: Bool
    /// The parameter sets.
    let sets: ParameterSets
    /// The variables that a closure keeps and sees instead of its caller's.
    var kept: [String: PSValue]?
    /// How it asks before its changes.
    let confirmation: ScriptConfirmation
    /// All blocks that it may run.
    var blocks: [StatementBlockSyntax] { [beginning, processing, ending].compactMap(\.self) }

    /// Reads a definition; `nil` if it uses other features.
    /// - Parameter types: what the script declares about types.
    init?(_ node: FunctionDefinitionSyntax, types: ScriptTypes) {
        guard !node.name.contains(":") else { return nil }
        self.init(node.body, name: node.name, declared: node.parameters, isFilter: node.isFilter, types: types)
    }

    /// Reads a block that is called like a function.
    init?(
        _ block: ScriptBlockSyntax, name: String, declared: [ParameterSyntax] = [], isFilter: Bool = false,
        types: ScriptTypes
    ) {
        guard block.usings.isEmpty, block.definedTypes.isEmpty else { return nil }
        self.name = name
        var beginning: StatementBlockSyntax?
        var processing: StatementBlockSyntax?
        var ending: StatementBlockSyntax?
        if let body = block.body, block.namedBlocks.isEmpty {
            if isFilter { processing = body } else { ending = body }
        }
        for part in block.namedBlocks {
            switch part.kind {
            case .begin: beginning = part.block
            case .process: processing = part.block
            case .end: ending = part.block
            default: return nil
            }
        }
        (self.beginning, self.processing, self.ending) = (beginning, processing, ending)
        var declared = declared
        var isAdvanced = false
        if let parameters = block.parameterBlock {
            guard declared.isEmpty || parameters.parameters.isEmpty else { return nil }
            if declared.isEmpty { declared = parameters.parameters }
            isAdvanced = parameters.attributes.contains { $0.typeName.fullName.lowercased() == "cmdletbinding" }
        }
        let attributes = block.parameterBlock?.attributes ?? []
        confirmation = ScriptConfirmation(attributes)
        var parameters: [Parameter] = []
        for parameter in declared {
            guard let read = Self.parameter(parameter, types) else { return nil }
            guard !parameters.contains(where: { $0.name.lowercased() == read.name.lowercased() }) else { return nil }
            if ScriptParameters.isOfCmdlet(parameter) { isAdvanced = true }
            parameters.append(read)
        }
        self.isAdvanced = isAdvanced
        // Once one parameter states its position, the others aren't positional.
        if !parameters.contains(where: { $0.position != nil }) {
            var position = 0
            for index in parameters.indices where !parameters[index].isSwitch {
                parameters[index].position = position
                position += 1
            }
        }
        // Which of two parameters with one place gets an argument depends on their sets.
        let placed = parameters.filter { $0.position != nil }
        for (index, one) in placed.enumerated() {
            let rivals = placed[(index + 1)...].filter { $0.position == one.position }
            guard rivals.allSatisfy({ $0.isOfOtherSets(than: one) }) else { return nil }
        }
        self.parameters = parameters
        sets = ParameterSets(parameters, usual: ParameterSets.usual(of: attributes))
    }

    /// Reads a block that is called; `nil` if it uses features that functions here don't have.
    init?(calling block: PSBlock, types: ScriptTypes) {
        self.init(block.syntax.scriptBlock, name: "", types: types)
        kept = block.kept
    }

    static func parameter(_ node: ParameterSyntax, _ types: ScriptTypes) -> Parameter? {
        let path = node.variable.path
        guard path.qualifier == .none, Self.isFree(path.name.lowercased()), path.name.isPlain else { return nil }
        var parameter = Parameter(name: path.name, defaultValue: node.defaultValue)
        for attribute in node.attributes {
            switch attribute {
            case .typeConstraint(let constraint):
                guard parameter.type == nil, !parameter.isSwitch else { return nil }
                guard let type = types.named(constraint.typeName.fullName) else {
                    guard Self.foreignTypes.contains(constraint.typeName.fullName.lowercased()),
                        node.defaultValue.map(Self.isNull) ?? true
                    else { return nil }
                    parameter.isForeign = true
                    continue
                }
                if type == .known(.toggle) {
                    parameter.isSwitch = true
                } else if type != .known(.object) {
                    parameter.type = type
                }
            case .attribute(let node):
                guard read(node, into: &parameter) else { return nil }
            }
        }
        return parameter
    }

    /// Returns whether a parameter may have a name, in lower case. A preference for what is shown is here a variable
    /// like others.
    static func isFree(_ name: String) -> Bool { !AutomaticNames.contains(name) || Evaluator.silent.contains(name) }

    private static func isNull(_ expression: ExpressionSyntax) -> Bool {
        if case .variable(let variable) = expression { variable.path.name.lowercased() == "null" } else { false }
    }

    /// The text of a constant in an attribute that takes texts.
    private static func constantText(_ expression: ExpressionSyntax) -> String? {
        switch expression {
        case .string(let text): return text.value
        case .number(let number):
            guard case .int32(let number) = number.value else { return nil }
            return String(number)
        case .variable(let variable):
            let name = variable.path.name.lowercased()
            return ["true": "True", "false": "False"][name]
        default: return nil
        }
    }

    /// Types of parameters whose values no script can produce here.
    private static let foreignTypes: Set<String> = [
        "io.fileinfo", "system.io.fileinfo", "io.directoryinfo", "system.io.directoryinfo", "x509certificate",
        "system.security.cryptography.x509certificates.x509certificate2",
    ]

    static func read(_ node: AttributeSyntax, into parameter: inout Parameter) -> Bool {
        switch node.typeName.fullName.lowercased() {
        case "parameter":
            var set: (name: String, isMandatory: Bool) = ("", false)
            for argument in node.namedArguments {
                var isSet = argument.isOmitted
                if case .variable(let value) = argument.argument { isSet = value.path.name.lowercased() == "true" }
                switch (argument.name.lowercased(), argument.argument) {
                case ("mandatory", _): set.isMandatory = isSet
                case ("parametersetname", .string(let name)): set.name = name.value
                case ("parametersetname", _): return false
                case ("valuefrompipeline", _): parameter.takesInput = isSet
                case ("valuefrompipelinebypropertyname", _): parameter.takesProperties = isSet
                case ("valuefromremainingarguments", _): parameter.takesRest = isSet
                case ("position", .number(let number)):
                    guard case .int32(let place) = number.value, place >= 0 else { return false }
                    parameter.position = Int(place)
                case ("position", _): return false
                default: break
                }
            }
            parameter.sets.append(set)
            return true
        case "validateset":
            guard !node.namedArguments.contains(where: { $0.name.lowercased() == "errormessage" }) else { return false }
            for argument in node.positionalArguments {
                guard let text = constantText(argument) else { return false }
                parameter.allowed.append(text)
            }
            return !parameter.allowed.isEmpty
        case "alias":
            for argument in node.positionalArguments {
                guard case .string(let text) = argument else { return false }
                parameter.aliases.append(text.value)
            }
            return true
        case "validatenotnullorempty", "validatenotnull":
            parameter.isNotEmpty = true
            return true
        case "allownull", "allowemptystring", "allowemptycollection":
            parameter.acceptedNothings.insert(node.typeName.fullName.lowercased())
            return true
        case "system.management.automation.credential", "credential", "supportswildcards",
            // An object's further type names aren't known here, so any value is accepted.
            "pstypename", "system.management.automation.pstypename", "pstypenameattribute":
            return true
        default:
            guard let check = ParameterCheck(node) else { return false }
            parameter.checks.append(check)
            return true
        }
    }

    /// Returns the parameters that a written name may mean.
    func candidates(_ written: String) -> [Int] {
        let lower = written.lowercased()
        let exact = parameters.indices.filter { index in
            ([parameters[index].name] + parameters[index].aliases).contains { $0.lowercased() == lower }
        }
        guard exact.isEmpty else { return exact }
        return parameters.indices.filter { index in
            ([parameters[index].name] + parameters[index].aliases).contains { $0.lowercased().hasPrefix(lower) }
        }
    }
}

/// The evaluated arguments of a function, by parameter.
struct FunctionArguments {
    /// The values by the parameter's index.
    var given: [Int: PSValue] = [:]
    /// The values that belong to no parameter.
    var rest: [PSValue] = []
    /// The variables that an advanced function also fills, such as by -OutVariable.
    private(set) var recorded = RecordedOutput()
    /// Whether the caller wants no question before changes: `-Confirm:$false`.
    private(set) var isConfirmed = false

    /// The preferences that a call sets for its function: whether `Write-Verbose` and `Write-Debug` show something.
    private(set) var preferences: [String: PSValue] = [:]

    /// Common parameters that only decide whether silent streams are shown, with the preference that each sets.
    private static let common = [
        "verbose": "verbosepreference", "vb": "verbosepreference", "debug": "debugpreference",
        "db": "debugpreference",
    ]
    /// Common parameters whose value only decides the same.
    private static let silent: Set<String> = [
        "informationaction", "infa", "progressaction", "proga", "warningaction", "wa", "outbuffer", "ob",
    ]

    /// Binds the words of a call to the parameters.
    init(_ words: [CommandWord], of function: ScriptFunction, in evaluator: Evaluator) throws(Interrupt) {
        var recordings: [String: PSValue] = [:]
        /// Takes the value of a common parameter that the engine implements.
        func takesCommon(_ written: String, _ value: () throws(Interrupt) -> PSValue?) throws(Interrupt) -> Bool {
            guard function.isAdvanced else { return false }
            if let preference = Self.common[written.lowercased()] {
                let isWanted = try value()?.isTrue ?? true
                preferences[preference] = .string(isWanted ? "Continue" : "SilentlyContinue")
                return true
            }
            if Self.silent.contains(written.lowercased()) { return try value() != nil }
            guard let name = CommandSpecification.recording(written), let value = try value() else { return false }
            recordings[name] = value
            return true
        }
        /// Takes `-Confirm` or `-WhatIf`.
        func takesConfirmation(_ written: String, _ value: () throws(Interrupt) -> PSValue) throws(Interrupt) -> Bool {
            guard let name = function.confirmation.parameter(written) else { return false }
            guard try !value().isTrue else { throw .handOver("-\(written) of \(function.name)") }
            if name == "confirm" { isConfirmed = true }
            return true
        }
        var positional: [PSValue] = []
        var place = 0
        while place < words.count {
            let word = words[place]
            place += 1
            switch word {
            case .text(let node): positional.append(.string("-" + node.name))
            case .value(let node): positional.append(try evaluator.worth(of: node).withoutNothing)
            case .splat(let node):
                switch try evaluator.splatted(node) {
                case .table(let table):
                    for (key, value) in table.pairs {
                        let found = function.candidates(key)
                        if found.isEmpty, try takesConfirmation(key, { value }) { continue }
                        if found.isEmpty, try takesCommon(key, { value }) { continue }
                        guard found.count == 1, let index = found.first, given[index] == nil else {
                            throw .handOver("the parameter \(key) of \(function.name)")
                        }
                        given[index] = value
                    }
                case .array(let items): positional += items
                case let other: positional.append(other)
                }
            case .name(let node):
                let found = function.candidates(node.name)
                guard found.count == 1, let index = found.first, given[index] == nil else {
                    if found.isEmpty, function.isAdvanced {
                        let isConfirmation = try takesConfirmation(node.name) { () throws(Interrupt) in
                            try node.argument.map { (value) throws(Interrupt) in try evaluator.value(of: value) }
                                ?? .bool(true)
                        }
                        if isConfirmation { continue }
                        let isTaken = try takesCommon(node.name) { () throws(Interrupt) in
                            if let value = node.argument { return try evaluator.value(of: value) }
                            if Self.common[node.name.lowercased()] != nil { return nil }
                            guard place < words.count, case .value(let value) = words[place] else { return nil }
                            place += 1
                            return try evaluator.value(of: value)
                        }
                        if isTaken { continue }
                        let isCommon =
                            CommandSpecification(
                                name: function.name, className: "", values: [], switches: [], positions: []
                            ).binder.match(node.name).isEmpty == false
                        if isCommon { throw .handOver("the common parameter -\(node.name)") }
                    }
                    if found.isEmpty, function.parameters.contains(where: \.takesRest), function.isAdvanced {
                        throw .handOver("the unknown parameter -\(node.name) among the remaining arguments")
                    }
                    if found.isEmpty, !function.isAdvanced {
                        positional.append(.string("-" + node.name))
                        if let value = node.argument { positional.append(try evaluator.value(of: value)) }
                        continue
                    }
                    throw .statement(
                        NativeError(
                            "\(found.isEmpty ? "NamedParameterNotFound" : "AmbiguousParameter"),\(function.name)",
                            "A parameter cannot be found that matches parameter name '\(node.name)'.",
                            isReadable: true))
                }
                if function.parameters[index].isSwitch {
                    given[index] =
                        try node.argument.map { (node) throws(Interrupt) in try evaluator.value(of: node) }
                        ?? .bool(true)
                } else if let value = node.argument {
                    given[index] = try evaluator.worth(of: value).withoutNothing
                } else if place < words.count, case .value(let value) = words[place] {
                    place += 1
                    given[index] = try evaluator.worth(of: value).withoutNothing
                } else {
                    throw .statement(
                        NativeError(
                            "MissingArgument,\(function.name)", "Missing an argument for parameter '\(node.name)'.",
                            isReadable: true))
                }
            }
        }
        try fill(positional, of: function)
        recorded = RecordedOutput(recordings)
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

/// Calls of functions.
extension Evaluator {
    /// The maximum depth of nested calls.
    static let deepest = 40

    /// Returns the value that `@name` spreads.
    func splatted(_ node: VariableExpressionSyntax) throws(Interrupt) -> PSValue {
        let name = node.path.name.lowercased()
        if name == "args" { return .array(rest) }
        if name == "psboundparameters" { return .table(given ?? PSTable(isOrdered: true)) }
        guard let value = ["_", "psitem"].contains(name) ? current : variables[name] else {
            throw .handOver("splatting of @\(node.path.name), which has no value in the native engine")
        }
        return value.plain
    }

    /// Runs a function. It sees its caller's variables, but variables that it sets are its own.
    /// - Parameters:
    ///   - input: the objects that were piped to it; `nil` if it is first in its pipeline.
    ///   - isDotted: whether it runs in its caller's scope, as `. Name` does, so that variables it sets are the
    ///     caller's.
    func call(
        _ function: ScriptFunction, _ arguments: FunctionArguments, input: [PSValue]?, isDotted: Bool = false,
        into sink: Sink
    ) throws(Interrupt) {
        calls += 1
        let outerCmdlet = (cmdlet, questions)
        defer { (cmdlet, questions) = outerCmdlet }
        let outer = (current, rest, given, functionName)
        let outerScope = (typed, functions, strictness)
        let wasMethodBody = isMethodBody
        isMethodBody = false
        if !isDotted {
            typed.enterFunction(isOfScript: frames.isEmpty)
            frames.append(variables)
            openedScopes += 1
            scopes.append(openedScopes)
        }
        if let kept = function.kept {
            guard !isDotted else { throw .handOver("a closure in this scope") }
            variables = (frames.first ?? [:]).merging(kept) { _, own in own }
        }
        defer {
            calls -= 1
            isMethodBody = wasMethodBody
            (current, rest, given, functionName) = outer
            if !isDotted {
                variables = frames.removeLast()
                scopes.removeLast()
                (typed, functions, strictness) = outerScope
            }
        }
        guard calls <= Self.deepest else { throw .handOver("a deep recursion") }
        functionName = function.name
        variables.merge(arguments.preferences) { _, own in own }
        rest = arguments.rest
        let table = PSTable(isOrdered: true)
        for (index, parameter) in function.parameters.enumerated() {
            typed.declare(parameter.name.lowercased(), nil)
            guard let value = arguments.given[index] else { continue }
            let bound = try checked(value, for: parameter, of: function)
            variables[parameter.name.lowercased()] = bound
            _ = table.add(parameter.name, bound)
        }
        given = table
        let set = try function.sets.chosen { parameter in
            arguments.given.keys.contains { function.parameters[$0].name == parameter.name }
        }
        if function.isAdvanced {
            cmdlet = try automatic("myinvocation").map { Self.cmdlet(set, $0) }
            questions = function.confirmation.asksFirst && !arguments.isConfirmed ? .open : .answered(true)
        }
        let inputs = function.parameters.enumerated().filter { index, parameter in
            input != nil && arguments.given[index] == nil && (parameter.takesInput || parameter.takesProperties)
        }.map(\.element)
        for (index, parameter) in function.parameters.enumerated() where arguments.given[index] == nil {
            if parameter.isMandatory(in: set), !inputs.contains(where: { $0.name == parameter.name }) {
                throw .handOver("the parameter \(parameter.name) of \(function.name) without a value")
            }
            let value = try parameter.defaultValue.map { (node) throws(Interrupt) in try self.worth(of: node) }
            if value == nil, case .own(.enumeration)? = parameter.type {
                throw .handOver("the parameter \(parameter.name) without a value")
            }
            variables[parameter.name.lowercased()] =
                try value.map { (value) throws(Interrupt) in
                    try converted(value.withoutNothing, for: parameter, of: function)
                } ?? parameter.unbound
        }
        for parameter in function.parameters {
            if let type = parameter.isSwitch ? .known(.toggle) : parameter.type {
                typed.declare(parameter.name.lowercased(), type)
            }
        }
        variables["input"] = .array(input ?? [])
        do throws(Interrupt) {
            if let block = function.beginning { try run(block, into: sink) }
            if let block = function.processing {
                for item in input ?? [.null] {
                    if input != nil {
                        current = item
                        try bind(item, to: inputs, of: function)
                    }
                    try part(block, into: sink)
                }
            } else if let last = input?.last {
                try bind(last, to: inputs, of: function)
            }
            if let block = function.ending { try run(block, into: sink) }
        } catch {
            guard case .leaveBlock = error else { throw error }
        }
    }

    /// Runs a block with arguments in its own scope, and returns its output.
    func invoke(_ block: PSBlock, _ arguments: [PSValue]) throws(Interrupt) -> [PSValue] {
        guard let function = ScriptFunction(calling: block, types: scriptTypes) else {
            throw .handOver("an unusual block")
        }
        var items: [PSValue] = []
        collecting += 1
        defer { collecting -= 1 }
        try inside(block) { () throws(Interrupt) in
            try call(function, try FunctionArguments(arguments, of: function), input: nil) {
                (item) throws(Interrupt) in items.append(item)
            }
        }
        return items
    }

    /// Runs a block of a function for one object; `return` ends it for that object.
    private func part(_ block: StatementBlockSyntax, into sink: Sink) throws(Interrupt) {
        do throws(Interrupt) {
            try run(block, into: sink)
        } catch {
            guard case .leaveBlock(let items) = error else { throw error }
            for item in items { try sink(item) }
        }
    }

    /// Binds an object from the pipeline to the parameters that accept one.
    private func bind(
        _ item: PSValue, to inputs: [ScriptFunction.Parameter], of function: ScriptFunction
    ) throws(Interrupt) {
        for parameter in inputs {
            var value: PSValue?
            if parameter.takesProperties, case .object(let object) = item {
                value = ([parameter.name] + parameter.aliases).lazy.compactMap { object[$0] }.first
            }
            if value == nil, parameter.takesInput { value = item }
            guard let value else { continue }
            do throws(Interrupt) {
                variables[parameter.name.lowercased()] = try checked(value, for: parameter, of: function)
            } catch {
                // An object that isn't of a parameter's type may still be bound to another one.
                if case .statement(let record) = error, record.id.hasPrefix("ParameterArgumentTransformationError") {
                    throw .handOver("an input that the parameter \(parameter.name) refuses")
                }
                throw error
            }
        }
    }

    private func converted(
        _ value: PSValue, for parameter: ScriptFunction.Parameter, of function: ScriptFunction
    ) throws(Interrupt) -> PSValue {
        if parameter.isSwitch { return .bool(value.isTrue) }
        guard let type = parameter.type else { return value }
        if let known = type.known, value.isNull, [.array, .hashtable, .texts, .ints, .pscustomobject].contains(known) {
            return .null
        }
        if type == .known(.string), case .object(let object) = value, object.isCustom {
            return .string(try PSText.string(value))
        }
        do throws(Interrupt) {
            return try cast(value, to: type)
        } catch {
            guard case .statement(let record) = error else { throw error }
            let message = "Cannot process argument transformation on parameter '\(parameter.name)'. \(record.message)"
            throw .statement(NativeError("ParameterArgumentTransformationError,\(function.name)", message))
        }
    }

    /// Returns why parameters refuse a value that a cast would accept; `nil` if they don't: those for truth values
    /// accept only truth values and numbers, and a cmdlet's texts aren't made of lists.
    private static func refusal(of value: PSValue, as type: PSType, byCmdlet isOfCmdlet: Bool) -> String? {
        switch (type, value.plain) {
        case (.bools, .array(let items)) where isOfCmdlet:
            return items.lazy.compactMap { refusal(of: $0, as: .bool, byCmdlet: true) }.first
        case (.bool, let given), (.toggle, let given),
            (.bools, let given) where isOfCmdlet:
            switch given {
            case .bool, .byte, .int, .long, .single, .double, .decimal, .enumeration: return nil
            default: break
            }
            let kind = given.isNull ? "" : given.typeName
            let name = type == .toggle ? "System.Management.Automation.SwitchParameter" : "System.Boolean"
            if kind == "System.Management.Automation.SwitchParameter" { return nil }
            if type == .toggle, given.isNull { return nil }
            return
                "Cannot convert value \"\(kind)\" to type \"\(name)\". Boolean parameters accept only Boolean "
                + "values and numbers, such as $True, $False, 1 or 0."
        case (.string, .array) where isOfCmdlet: return "Cannot convert value to type System.String."
        default: return nil
        }
    }

    private func checked(
        _ value: PSValue, for parameter: ScriptFunction.Parameter, of function: ScriptFunction
    ) throws(Interrupt) -> PSValue {
        if let type = parameter.isSwitch ? .toggle : parameter.type?.known,
            let fault = Self.refusal(of: value, as: type, byCmdlet: function.isAdvanced)
        {
            throw .statement(
                NativeError(
                    "ParameterArgumentTransformationError,\(function.name)",
                    "Cannot process argument transformation on parameter '\(parameter.name)'. \(fault)",
                    isReadable: true))
        }
        let value = try converted(value, for: parameter, of: function)
        if parameter.isNotEmpty {
            let isEmpty =
                switch value {
                case .null: true
                case .string(let text): text.isEmpty
                case .array(let items): items.isEmpty
                default: false
                }
            guard !isEmpty || onlyReads else { throw .handOver("an empty value for \(parameter.name)") }
            if isEmpty {
                throw .statement(
                    NativeError(
                        "ParameterArgumentValidationError,\(function.name)",
                        "Cannot validate argument on parameter '\(parameter.name)'. The argument is null or empty. Provide an "
                            + "argument that is not null or empty, and then try the command again.",
                        category: "InvalidData"))
            }
        } else if parameter.isMandatory, let nothing = try parameter.refusal(of: value) {
            throw .statement(
                NativeError(
                    nothing.id + ",\(function.name)",
                    "Cannot bind argument to parameter '\(parameter.name)' because it is \(nothing.word).",
                    category: "InvalidData", isReadable: true))
        }
        if parameter.isForeign { throw .handOver("a value for the parameter \(parameter.name)") }
        for check in parameter.checks {
            guard let fault = try check.fault(of: value, in: self) else { continue }
            throw .statement(
                NativeError(
                    "ParameterArgumentValidationError,\(function.name)",
                    "Cannot validate argument on parameter '\(parameter.name)'. \(fault)", isReadable: true))
        }
        guard !parameter.allowed.isEmpty else { return value }
        for item in Cmdlets.list(value.plain) {
            let text: String
            switch item {
            case .string, .int, .long, .enumeration: text = try PSText.string(item)
            default: throw .handOver("a value of a set that isn't text")
            }
            if parameter.allowed.contains(where: { $0.lowercased() == text.lowercased() }) { continue }
            let message =
                "Cannot validate argument on parameter '\(parameter.name)'. The argument \"\(text)\" does not belong to the "
                + "set \"\(parameter.allowed.joined(separator: ","))\" specified by the ValidateSet attribute. Supply an "
                + "argument that is in the set and then try the command again."
            throw .statement(NativeError("ParameterArgumentValidationError,\(function.name)", message))
        }
        return value
    }
}

extension ScriptFunction.Parameter {
    /// A value that is nothing, as an error names it.
    struct Nothing {
        let id: String
        let word: String

        init(_ id: String, _ word: String) {
            self.id = "ParameterArgumentValidationError\(id)NotAllowed"
            self.word = word
        }
    }

    /// Returns why a mandatory parameter refuses a value that is nothing; `nil` if it accepts it. Texts and lists count
    /// as empty only for parameters of their types: one of any type accepts them.
    func refusal(of value: PSValue) throws(Interrupt) -> Nothing? {
        func accepts(_ attribute: String) -> Bool { acceptedNothings.contains(attribute) }
        if value.isNull { return accepts("allownull") ? nil : Nothing("Null", "null") }
        if case .string(let text) = value {
            let isRefused = text.isEmpty && type == .known(.string) && !accepts("allowemptystring")
            return isRefused ? Nothing("EmptyString", "an empty string") : nil
        }
        let items: [PSValue]
        switch value {
        case .array(let own) where [.known(.texts), .known(.ints), .known(.array)].contains(type): items = own
        case .list(let list) where list.kind.shape == .list && type?.known?.rawValue == list.kind.rawValue:
            items = list.items
        default: return nil
        }
        if items.isEmpty {
            guard !accepts("allowemptycollection") else { return nil }
            // `[array]` is a collection to PowerShell and `[object[]]` an array; they are one type here.
            guard type != .known(.array) else { throw .handOver("an empty array for \(name)") }
            if case .list = value { return Nothing("EmptyCollection", "an empty collection") }
            return Nothing("EmptyArray", "an empty array")
        }
        if items.contains(where: \.isNull), !accepts("allownull") { return Nothing("Null", "null") }
        let hasEmptyText =
            type == .known(.texts)
            && items.contains { if case .string(let text) = $0 { text.isEmpty } else { false } }
        return hasEmptyText && !accepts("allowemptystring") ? Nothing("EmptyString", "an empty string") : nil
    }
}
