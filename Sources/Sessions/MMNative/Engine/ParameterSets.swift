import PowerShellSyntax

/// The set of parameters that a call of a function or script uses.
struct ParameterSets {
    /// The name of the only set if the parameters name none.
    static let all = "__AllParameterSets"

    private let parameters: [ScriptFunction.Parameter]
    private let usual: String?

    /// Creates the choice between the sets of some parameters.
    /// - Parameter usual: the set to use if several are possible.
    init(_ parameters: [ScriptFunction.Parameter], usual: String?) {
        (self.parameters, self.usual) = (parameters, usual)
    }

    /// Returns the default set that `[CmdletBinding()]` names.
    static func usual(of attributes: [AttributeSyntax]) -> String? {
        for attribute in attributes where attribute.typeName.fullName.lowercased() == "cmdletbinding" {
            for argument in attribute.namedArguments where argument.name.lowercased() == "defaultparametersetname" {
                if case .string(let name) = argument.argument { return name.value }
            }
        }
        return nil
    }

    /// Returns the named sets to which all given parameters belong.
    func possible(_ isGiven: (ScriptFunction.Parameter) -> Bool) -> [String] {
        var names: [String] = []
        for name in parameters.flatMap(\.sets).map(\.name) + [usual].compactMap(\.self)
        where !name.isEmpty && !names.contains(where: { $0.lowercased() == name.lowercased() }) {
            names.append(name)
        }
        let given = parameters.filter(isGiven)
        return names.filter { name in given.allSatisfy { $0.belongs(to: name) } }
    }

    /// Returns the set to use for the given parameters.
    func chosen(_ isGiven: (ScriptFunction.Parameter) -> Bool) throws(Interrupt) -> String {
        guard usual?.isEmpty == false || parameters.contains(where: { $0.sets.contains { !$0.name.isEmpty } }) else {
            return Self.all
        }
        let left = possible(isGiven)
        let given = parameters.filter(isGiven)
        if left.count == 1 { return left[0] }
        if let usual, let name = left.first(where: { $0.lowercased() == usual.lowercased() }) { return name }
        let whole = left.filter { name in
            parameters.allSatisfy { parameter in
                !parameter.isMandatory(in: name) || given.contains { $0.name == parameter.name }
            }
        }
        guard whole.count == 1 else { throw .handOver("parameters of which no set is certain") }
        return whole[0]
    }
}

extension ScriptFunction.Parameter {
    /// Returns whether a set has the parameter.
    func belongs(to set: String) -> Bool {
        sets.isEmpty || sets.contains { $0.name.isEmpty || $0.name.lowercased() == set.lowercased() }
    }

    /// Returns whether a call that uses a set must give the parameter.
    func isMandatory(in set: String) -> Bool {
        sets.contains { $0.isMandatory && ($0.name.isEmpty || $0.name.lowercased() == set.lowercased()) }
    }
}

/// `$PSCmdlet`: how an advanced function or script was called.
extension Evaluator {
    private static let cmdletType = "System.Management.Automation.PSScriptCmdlet"

    /// Returns the value of `$PSCmdlet` in a call that uses a set of parameters.
    static func cmdlet(_ set: String, _ invocation: PSValue) -> PSValue {
        PSObject(
            [("ParameterSetName", .string(set)), ("MyInvocation", invocation)], typeName: cmdletType, isCustom: false
        ).map { .object($0) } ?? .null
    }

    /// Calls a method of `$PSCmdlet`; `nil` for any other object.
    func cmdletMethod(_ target: PSObject, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard target.typeName == Self.cmdletType else { return nil }
        switch (method, arguments.count) {
        case ("shouldprocess", 1...3): return .bool(try mayProcess(arguments))
        case ("shouldcontinue", 2): return .bool(try confirmed(arguments[0].text))
        case ("writewarning", 1):
            warn(try PSText.string(arguments[0]))
            return .nothing
        case ("writeverbose", 1), ("writedebug", 1): return .nothing
        case ("throwterminatingerror", 1):
            guard let record = caught.last, ErrorRecords.message(of: arguments[0]) == record.message else { return nil }
            throw .fatal(record)
        default: return nil
        }
    }
}
