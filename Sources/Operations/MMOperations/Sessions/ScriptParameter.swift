import MMCore
import MMNative
import MMPowerShell
import PowerShellSyntax

/// A parameter of a script, with what is needed to bind a value.
struct ScriptParameter: Sendable {
    /// The kind of value that a parameter takes.
    enum Kind: Sendable, Hashable {
        /// Any value: the parameter has no type or a general one.
        case any
        /// A Boolean or a switch.
        case truth
        /// A list of values.
        case list(ofTruths: Bool)
        /// A table.
        case table
        /// One text.
        case text
        /// One value of another type, which PowerShell converts from a text.
        case value
    }

    /// The name.
    let name: String
    /// The name and the aliases, in lower case.
    let names: [String]
    /// The kind of value that it takes.
    let kind: Kind
    /// Whether it is a common parameter, which all advanced scripts have.
    var isCommon = false

    /// Reads a parameter of a script.
    init(_ parameter: ParameterSyntax) {
        name = parameter.variable.path.name
        var names = [name.lowercased()]
        var kind = Kind.any
        for attribute in parameter.attributes {
            switch attribute {
            case .typeConstraint(let node): kind = Self.kind(of: node.typeName)
            case .attribute(let node) where node.typeName.name.lowercased() == "alias":
                for argument in node.positionalArguments {
                    if case .string(let text) = argument { names.append(text.value.lowercased()) }
                }
            case .attribute: continue
            }
        }
        self.names = names
        self.kind = kind
    }

    private init(common name: String, alias: String, _ kind: Kind) {
        self.name = name
        names = [name.lowercased(), alias]
        self.kind = kind
        isCommon = true
    }

    /// The parameters that scripts with `[CmdletBinding()]` have in addition to their own (about_CommonParameters).
    static let common = [
        ScriptParameter(common: "Verbose", alias: "vb", .truth), ScriptParameter(common: "Debug", alias: "db", .truth),
        ScriptParameter(common: "ErrorAction", alias: "ea", .value),
        ScriptParameter(common: "WarningAction", alias: "wa", .value),
        ScriptParameter(common: "InformationAction", alias: "infa", .value),
        ScriptParameter(common: "ProgressAction", alias: "proga", .value),
    ]

    /// The additional parameters of scripts with `SupportsShouldProcess`.
    static let confirming = [
        ScriptParameter(common: "WhatIf", alias: "wi", .truth), ScriptParameter(common: "Confirm", alias: "cf", .truth),
    ]

    /// Returns whether a parameter has a `[Parameter()]` attribute, which makes its script an advanced one.
    static func isOfCmdlet(_ parameter: ParameterSyntax) -> Bool {
        parameter.attributes.contains { attribute in
            if case .attribute(let node) = attribute { node.typeName.name.lowercased() == "parameter" } else { false }
        }
    }

    private static func kind(of type: TypeNameSyntax) -> Kind {
        if case .array(let element, _) = type.form { return .list(ofTruths: kind(of: element) == .truth) }
        var name = type.name.lowercased()
        for prefix in ["system.", "management.automation.", "collections."] where name.hasPrefix(prefix) {
            name.removeFirst(prefix.count)
        }
        switch name {
        case "switch", "switchparameter", "bool", "boolean": return .truth
        case "object", "psobject", "pscustomobject": return .any
        case "string": return .text
        case "hashtable", "idictionary", "ordered", "specialized.ordereddictionary": return .table
        case "array", "arraylist", "ilist", "icollection", "ienumerable": return .list(ofTruths: false)
        case _ where name.hasPrefix("generic."): return .list(ofTruths: false)
        default: return .value
        }
    }

    /// Converts a value to the kind that the parameter takes.
    /// - Throws: `invalidInput` if that isn't possible.
    func bound(_ value: JSONValue) throws(MMError) -> JSONValue {
        switch kind {
        case .any: return value
        case .truth:
            guard let truth = Self.truth(value) else { throw wrong(value, due: "true or false") }
            return .bool(truth)
        case .list(let ofTruths):
            var items: [JSONValue] = []
            for item in value.array ?? [value] {
                guard ofTruths else {
                    items.append(item)
                    continue
                }
                guard let truth = Self.truth(item) else { throw wrong(item, due: "a list of true and false") }
                items.append(.bool(truth))
            }
            return .array(items)
        case .table:
            if case .object = value { return value }
            if let text = value.string, case .object(let object)? = try? JSONParser.parse(text, limits: .strict) {
                return .object(object)
            }
            throw wrong(value, due: "a JSON object")
        case .text, .value:
            switch value {
            case .array(let items):
                throw MMError(
                    .invalidInput, "The parameter `\(name)` takes one value, but \(items.count) are given.",
                    hint: "Give it once, or declare it as a list: [string[]] $\(name).", details: ["field": "param"])
            case .object: throw wrong(value, due: "one value")
            case .int, .double, .number: return .string(value.description)
            case .bool(let truth): return kind == .text ? .string(truth ? "True" : "False") : value
            case .string, .null: return value
            }
        }
    }

    private static func truth(_ value: JSONValue) -> Bool? {
        if let truth = value.bool { return truth }
        switch value.string?.lowercased() ?? value.int.map(String.init) {
        case "true", "$true", "1": return true
        case "false", "$false", "0": return false
        default: return nil
        }
    }

    private func wrong(_ value: JSONValue, due: String) -> MMError {
        let shown = value.string.map { "`\($0.prefix(40))`" } ?? value.kindName
        return MMError(
            .invalidInput, "The parameter `\(name)` is \(due), not \(shown).",
            hint: kind == .truth ? "Write \(name)=true, \(name)=false, or \(name) alone for true." : nil,
            details: ["field": "param"])
    }
}

/// Values for a script's parameters, bound by its param block: names may be aliases or unique prefixes as in
/// PowerShell, switches and Booleans may be words, and single values become lists if the parameter takes a list.
struct ScriptArguments: Sendable {
    /// The values for PowerShell, by the parameters' full names.
    private(set) var parameters: [String: PowerShellValue] = [:]
    /// The text values, for the native engine.
    private(set) var texts: [String: String] = [:]
    /// The other values, for the native engine.
    private(set) var others: [String: PSValue] = [:]
    /// Answers to the script's questions, by the variables that receive them.
    private(set) var answers: [String: String] = [:]
    /// Why the native engine can't take the values; `nil` if it can.
    private(set) var misfit: String?
    /// The values in the form that a person sees and that a confirmation is bound to.
    private(set) var object = JSONObject()

    /// Binds values.
    /// - Parameters:
    ///   - given: names and values, with one entry for each name.
    ///   - script: the script. If it doesn't parse, all values are accepted, since it will not run.
    /// - Throws: `invalidInput` that names the parameter, what it takes, and the script's parameters.
    init(_ given: [(name: String, value: JSONValue)], for script: ParsedScript) throws(MMError) {
        let known = Self.parameters(of: script)
        let isOpen =
            !script.errors.isEmpty || script.root?.namedBlocks.contains { $0.kind == .dynamicparam } ?? false
        let asks = NativeEngine.asks(script)
        for (name, value) in given {
            if let parameter = try Self.parameter(name, among: known) {
                try add(parameter.name, parameter.bound(value))
            } else if let answer = value.string, asks {
                answers[name] = answer
                object[name] = value
            } else if isOpen {
                try add(name, value)
            } else {
                throw Self.unknown(name, known)
            }
        }
    }

    private mutating func add(_ name: String, _ value: JSONValue) throws(MMError) {
        guard object[name] == nil else {
            throw MMError(
                .invalidInput, "The parameter `\(name)` is given twice, with two of its names.", hint: "Give it once.")
        }
        object[name] = value
        parameters[name] = .json(value)
        switch value {
        case .string(let text): texts[name] = text
        case .bool(let flag): others[name] = .bool(flag)
        case .int(let number): others[name] = Int32(exactly: number).map { .int($0) } ?? .long(number)
        case .array(let items) where items.allSatisfy({ $0.string != nil }):
            others[name] = .array(items.map { .string($0.string ?? "") })
        default: misfit = misfit ?? "a value for $\(name) that isn't a string"
        }
    }

    private static func parameter(_ name: String, among known: [ScriptParameter]) throws(MMError) -> ScriptParameter? {
        let wanted = name.lowercased()
        if let exact = known.first(where: { $0.names.contains(wanted) }) { return exact }
        guard !wanted.isEmpty else { return nil }
        let near = known.filter { $0.names.contains { $0.hasPrefix(wanted) } }
        guard near.count > 1 else { return near.first }
        throw MMError(
            .invalidInput, "`\(name)` matches several parameters of the script.",
            hint: "Write one of \(near.map(\.name).joined(separator: ", ")).")
    }

    private static func unknown(_ name: String, _ known: [ScriptParameter]) -> MMError {
        let names = known.filter { !$0.isCommon }.map(\.name)
        guard !names.isEmpty else {
            return MMError(
                .invalidInput, "The script has no param block, so it takes no value for `\(name.prefix(60))`.",
                hint: "Start it with param($\(name.allSatisfy(\.isLetter) ? name : "Name")).",
                details: ["field": "param"])
        }
        let near = NearestNames.of(name, among: names, limit: 1).first.map { " Did you mean `\($0)`?" } ?? ""
        return MMError(
            .invalidInput, "The script has no parameter `\(name.prefix(60))`.\(near)",
            hint: "Its parameters are \(names.joined(separator: ", ")).", details: ["field": "param"])
    }

    private static func parameters(of script: ParsedScript) -> [ScriptParameter] {
        guard let block = script.root?.parameterBlock else { return [] }
        var all = block.parameters.map { ScriptParameter($0) }
        let binding = block.attributes.first { $0.typeName.name.lowercased() == "cmdletbinding" }
        guard binding != nil || block.parameters.contains(where: ScriptParameter.isOfCmdlet) else { return all }
        all += ScriptParameter.common
        let confirms = binding?.namedArguments.contains { $0.name.lowercased() == "supportsshouldprocess" } ?? false
        if confirms { all += ScriptParameter.confirming }
        return all
    }
}
