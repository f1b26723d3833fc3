import PowerShellSyntax

/// The parameters of a script, as far as their values are certain without PowerShell: plain names, a few types, texts
/// as values. Anything else is left to PowerShell.
struct ScriptParameters {
    private let block: ParameterBlockSyntax
    /// The values by lower-case name.
    private let values: [String: String]

    init(_ block: ParameterBlockSyntax, values: [String: String]) {
        self.block = block
        self.values = Dictionary(
            values.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { (first, _) in first })
    }

    /// Returns why the block is not supported; `nil` when it is.
    /// - Parameters:
    ///   - script: the script that contains the block.
    ///   - expression: returns why a default value is not supported.
    func misfit(in script: ParsedScript, _ expression: (ExpressionSyntax) -> String?) -> String? {
        for attribute in block.attributes {
            guard attribute.typeName.fullName.lowercased() == "cmdletbinding",
                attribute.positionalArguments.isEmpty, attribute.namedArguments.isEmpty
            else { return "an attribute of the param block" }
        }
        var names: Set<String> = []
        var typed: Set<String> = []
        for parameter in block.parameters {
            let path = parameter.variable.path
            let name = path.name.lowercased()
            guard path.qualifier == .none, !AutomaticNames.contains(name), names.insert(name).inserted else {
                return "the parameter $\(path.path)"
            }
            guard let kind = Self.kind(of: parameter) else { return "the declaration of $\(path.name)" }
            if kind.type != nil { typed.insert(name) }
            if let value = parameter.defaultValue, let reason = expression(value) { return reason }
            let isUnbound = values[name] == nil && parameter.defaultValue == nil
            // A mandatory parameter accepts neither its default nor an empty text.
            if isUnbound && kind.unbound == nil || kind.isMandatory && values[name, default: ""].isEmpty {
                return "the parameter $\(path.name) without a value"
            }
            // Binding doesn't convert texts to Booleans.
            if values[name] != nil, kind.type == .bool { return "a text for $\(path.name)" }
        }
        if let stranger = values.keys.first(where: { !names.contains($0) }) {
            return "a value for \(stranger), which isn't the full name of a parameter"
        }
        // The type stays attached to the variable, so later assignments would have to be converted, too.
        for item in ScriptFacts(of: script).items {
            if case .set(let path, _) = item.detail, typed.contains(path.name.lowercased()) {
                return "an assignment to the typed $\(path.name)"
            }
        }
        return nil
    }

    /// Sets the parameters: first those with given values, then the defaults in order.
    func bind(in evaluator: Evaluator) throws(Interrupt) {
        for parameter in block.parameters {
            guard let kind = Self.kind(of: parameter) else { throw .handOver("a declaration") }
            let name = parameter.variable.path.name.lowercased()
            guard let text = values[name] else { continue }
            evaluator.variables[name] = try Self.converted(.string(text), kind)
        }
        for parameter in block.parameters {
            let name = parameter.variable.path.name.lowercased()
            guard values[name] == nil, let kind = Self.kind(of: parameter) else { continue }
            if let value = parameter.defaultValue {
                let value = try Self.certain { () throws(Interrupt) in try evaluator.value(of: value) }
                evaluator.variables[name] = try Self.converted(value, kind)
            } else {
                evaluator.variables[name] = kind.unbound ?? .null
            }
        }
    }

    private static func converted(_ value: PSValue, _ kind: Kind) throws(Interrupt) -> PSValue {
        guard let type = kind.type else { return value }
        return try certain { () throws(Interrupt) in try Conversion.cast(value, to: type) }
    }

    /// Hands over whatever fails here, since PowerShell reports it as a binding error that the engine can't reproduce.
    private static func certain(_ work: () throws(Interrupt) -> PSValue) throws(Interrupt) -> PSValue {
        do throws(Interrupt) { return try work() } catch {
            switch error {
            case .handOver, .stopped: throw error
            default: throw .handOver("a value that a parameter refuses")
            }
        }
    }

    /// A parameter's declaration.
    private struct Kind {
        var type: PSType?
        var isMandatory = false
        /// The parameter's value when none is given; `nil` where that isn't certain.
        var unbound: PSValue?
    }

    private static func kind(of parameter: ParameterSyntax) -> Kind? {
        var kind = Kind(unbound: .null)
        for attribute in parameter.attributes {
            switch attribute {
            case .typeConstraint(let node):
                guard kind.type == nil, node.typeName.assembly == nil,
                    let type = PSType(written: node.typeName.fullName)
                else { return nil }
                kind.type = type
                switch type {
                case .string: kind.unbound = .string("")
                case .int: kind.unbound = .int(0)
                case .long: kind.unbound = .long(0)
                case .double: kind.unbound = .double(0)
                case .bool: kind.unbound = .bool(false)
                case .datetime: kind.unbound = nil
                case .object: kind.type = nil
                default: return nil
                }
            case .attribute(let node):
                guard node.typeName.fullName.lowercased() == "parameter", node.positionalArguments.isEmpty else {
                    return nil
                }
                for argument in node.namedArguments {
                    switch argument.name.lowercased() {
                    case "mandatory": kind.isMandatory = true
                    case "position", "helpmessage": break
                    default: return nil
                    }
                }
            }
        }
        return kind
    }
}
