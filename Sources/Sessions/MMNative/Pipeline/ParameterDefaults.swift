import MMCore

/// `$PSDefaultParameterValues`: the values of parameters that commands aren't given.
extension Evaluator {
    /// The variable's lower-case name.
    static let defaultsName = "psdefaultparametervalues"

    /// Returns the values for a command, each with the name of its parameter.
    func defaults(for command: String) throws(Interrupt) -> [(parameter: String, value: PSValue)] {
        guard case .table(let table)? = variables[Self.defaultsName] else { return [] }
        var found: [(parameter: String, value: PSValue)] = []
        for (key, value) in table.pairs {
            guard let colon = key.lastIndex(of: ":") else {
                if key.lowercased() == "disabled", value.isTrue { return [] }
                continue
            }
            guard try Wildcard(String(key[..<colon]), ignoringCase: true).matches(command) else { continue }
            if case .block = value { throw .handOver("a block in $PSDefaultParameterValues") }
            found.append((String(key[key.index(after: colon)...]), value))
        }
        return found
    }

    /// Hands over a command whose parameters can't be given such values here.
    func refuseDefaults(for command: String) throws(Interrupt) {
        guard let first = try defaults(for: command).first else { return }
        throw .handOver("the value of $PSDefaultParameterValues for -\(first.parameter) of \(command)")
    }
}
