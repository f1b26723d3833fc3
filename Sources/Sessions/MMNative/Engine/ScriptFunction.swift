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
        /// What its attributes refuse: `$null`, also as an element, or also empty texts and lists.
        var refused: Refused?
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
        /// Whether these texts are allowed in any case.
        var allowsAnyCase = true
        /// Further conditions for its values.
        var checks: [ParameterCheck] = []
        /// Whether the engine lacks its type, so that it can only be left out.
        var isForeign = false
        var defaultValue: ExpressionSyntax?

        /// The values that `[ValidateNotNull()]`, `[ValidateNotNullOrEmpty()]` and `[ValidateNotNullOrWhiteSpace()]`
        /// refuse; each refuses also what those before it do.
        enum Refused: Comparable { case null, empty, blank }

        /// Returns whether its attributes refuse a value because it, or an element of it, is nothing.
        func refusesNothing(in value: PSValue) -> Bool {
            guard let refused else { return false }
            func isRefused(_ item: PSValue) -> Bool {
                guard case .string(let text) = item else { return item.isNull }
                return refused == .blank ? text.allSatisfy(\.isWhitespace) : text.isEmpty && refused >= .empty
            }
            if case .table(let table) = value { return table.count == 0 && refused >= .empty }
            guard case .array(let items) = value.plain else { return isRefused(value) }
            return items.contains(where: isRefused) || items.isEmpty && refused >= .empty
        }

        /// Returns whether a text is one of those of its set.
        func allows(_ text: String) -> Bool {
            allowed.contains { allowsAnyCase ? $0.lowercased() == text.lowercased() : $0 == text }
        }

        /// Whether no parameter set contains both this parameter and another one.
        func isOfOtherSets(than other: Parameter) -> Bool {
            let (own, others) = (Set(sets.map { $0.name.lowercased() }), Set(other.sets.map { $0.name.lowercased() }))
            guard !own.isEmpty, !others.isEmpty, !own.contains(""), !others.contains("") else { return false }
            return own.isDisjoint(with: others)
        }
    }

    let name: String
    /// The text of its definition; empty for a block.
    var definition: ArraySlice<UInt16> = []
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
        guard ScriptParameters.misfit(attributes) == nil else { return nil }
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
        if !parameters.contains(where: { $0.position != nil }), ScriptParameters.areByPosition(attributes) {
            var position = 0
            for index in parameters.indices where !parameters[index].isSwitch {
                parameters[index].position = position
                position += 1
            }
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
        guard path.qualifier == .none, Self.isFree(path.name.lowercased()), Collation.isCertain(path.name) else {
            return nil
        }
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
    static func isFree(_ name: String) -> Bool {
        !AutomaticNames.contains(name) || Evaluator.silent.contains(name) || Evaluator.ordinary.contains(name)
    }

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
        case "parameter": return read(named: node.namedArguments, into: &parameter)
        case "validateset": return readSet(node, into: &parameter)
        case "alias":
            for argument in node.positionalArguments {
                guard case .string(let text) = argument else { return false }
                parameter.aliases.append(text.value)
            }
            return true
        case "validatenotnullorempty":
            parameter.refused = max(parameter.refused ?? .null, .empty)
            return true
        case "validatenotnullorwhitespace":
            parameter.refused = .blank
            return true
        case "validatenotnull":
            parameter.refused = parameter.refused ?? .null
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

    /// Reads the arguments of `[Parameter()]`; returns `false` if one of them has a meaning that isn't known here.
    private static func read(named arguments: [NamedAttributeArgumentSyntax], into parameter: inout Parameter) -> Bool {
        var set: (name: String, isMandatory: Bool) = ("", false)
        for argument in arguments {
            let flag = truth(of: argument)
            switch (argument.name.lowercased(), argument.argument) {
            case ("parametersetname", .string(let name)): set.name = name.value
            case ("position", .number(let number)):
                guard case .int32(let place) = number.value, place >= 0 else { return false }
                parameter.position = Int(place)
            case ("helpmessage", _), ("helpmessagebasename", _), ("helpmessageresourceid", _): break
            case ("mandatory", _):
                guard let flag else { return false }
                set.isMandatory = flag
            case ("valuefrompipeline", _):
                guard let flag else { return false }
                parameter.takesInput = flag
            case ("valuefrompipelinebypropertyname", _):
                guard let flag else { return false }
                parameter.takesProperties = flag
            case ("valuefromremainingarguments", _):
                guard let flag else { return false }
                parameter.takesRest = flag
            case ("dontshow", _):
                guard flag != nil else { return false }
            default: return false
            }
        }
        parameter.sets.append(set)
        return true
    }

    /// Returns what an argument of an attribute says that is true or false; `nil` if it says something else.
    static func truth(of argument: NamedAttributeArgumentSyntax) -> Bool? {
        if argument.isOmitted { return true }
        guard case .variable(let value) = argument.argument else { return nil }
        return ["true": true, "false": false][value.path.name.lowercased()]
    }

    /// Reads `[ValidateSet()]`; returns `false` if it isn't a set of texts.
    private static func readSet(_ node: AttributeSyntax, into parameter: inout Parameter) -> Bool {
        for argument in node.namedArguments {
            guard argument.name.lowercased() == "ignorecase", let flag = truth(of: argument) else { return false }
            parameter.allowsAnyCase = flag
        }
        for argument in node.positionalArguments {
            guard let text = constantText(argument) else { return false }
            parameter.allowed.append(text)
        }
        return !parameter.allowed.isEmpty
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

extension FunctionDefinitionSyntax {
    /// The name by which the function is called, in lower case: without the scope that it is defined in.
    var calledName: String {
        let parts = name.lowercased().split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let isScoped = parts.count == 2 && ["global", "script", "local", "private"].contains(parts[0])
        return isScoped ? parts[1] : name.lowercased()
    }
}
