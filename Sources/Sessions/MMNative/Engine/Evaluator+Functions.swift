import PowerShellSyntax

/// Calls of functions.
extension Evaluator {
    /// The maximum depth of nested calls, and that of nested script blocks.
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

    /// Returns the script's own function of a name; `nil` if there is none.
    func function(named name: String) throws(Interrupt) -> ScriptFunction? {
        let name = name.lowercased()
        if !unfitFunctions.isEmpty, let reason = unfitFunctions[name] { throw .handOver(reason) }
        return functions[name]
    }

    /// Returns the value of a parameter that a call leaves out.
    func unboundValue(
        of parameter: ScriptFunction.Parameter, of function: ScriptFunction, isMandatory: Bool
    ) throws(Interrupt) -> PSValue {
        if isMandatory { throw .handOver("the parameter \(parameter.name) of \(function.name) without a value") }
        guard let node = parameter.defaultValue else {
            if case .own(.enumeration)? = parameter.type {
                throw .handOver("the parameter \(parameter.name) without a value")
            }
            return parameter.unbound
        }
        return try converted(try worth(of: node).withoutNothing, for: parameter, of: function)
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

    /// Converts a value to the type of a parameter.
    func converted(
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
            // A parameter, unlike a cast, takes a single value as the only element of a list.
            switch value {
            case .string, .int, .long, .double, .bool, .date, .guid:
                guard let kind = type.known?.listKind, kind.shape == .list || kind.shape == .set else { break }
                return try cast(.array([value]), to: type)
            default: break
            }
            return try cast(value, to: type)
        } catch {
            guard case .statement(let record) = error else { throw error }
            let message = "Cannot process argument transformation on parameter '\(parameter.name)'. \(record.message)"
            throw .statement(NativeError("ParameterArgumentTransformationError,\(function.name)", message))
        }
    }

    /// Returns why parameters refuse a value that a cast would accept; `nil` if they don't: those for truth values
    /// accept only truth values and numbers, switches only truth values, and a cmdlet's texts aren't made of lists.
    private static func refusal(of value: PSValue, as type: PSType, byCmdlet isOfCmdlet: Bool) -> String? {
        switch (type, value.plain) {
        case (.bools, .array(let items)) where isOfCmdlet:
            return items.lazy.compactMap { refusal(of: $0, as: .bool, byCmdlet: true) }.first
        case (.toggle, .enumeration),
            (.toggle, _) where Comparison.isNumber(value.plain):
            return
                "Cannot convert the \"\(value.text)\" value of type \"\(value.typeName)\" to type "
                + "\"System.Management.Automation.SwitchParameter\"."
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

    /// Converts a value to the type of a parameter, and checks it against the parameter's conditions.
    func checked(
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
        if parameter.refusesNothing(in: value) {
            guard onlyReads else { throw .handOver("an empty value for \(parameter.name)") }
            var fault =
                "The argument is null or empty. Provide an argument that is not null or empty, and then try the "
                + "command again."
            if case .string = value, parameter.refused == .blank {
                fault =
                    "The argument is null, empty, or consists of only white-space characters. Provide an argument that "
                    + "contains non white-space characters, and then try the command again."
            }
            throw .statement(
                NativeError(
                    "ParameterArgumentValidationError,\(function.name)",
                    "Cannot validate argument on parameter '\(parameter.name)'. \(fault)", category: "InvalidData"))
        }
        if parameter.isMandatory, let nothing = try parameter.refusal(of: value) {
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
            if parameter.allows(text) { continue }
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
