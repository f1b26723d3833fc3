extension NativeEngine {
    /// Whether the engine itself implements a command, given by name or built-in alias in any case.
    package static func carriesOut(_ name: String) -> Bool { Cmdlets.specification(of: name) != nil }
}

extension NativeSession {
    /// Drops variables whose values another engine has set since.
    package mutating func forget(_ names: Set<String>) {
        for name in names {
            variables[name] = nil
            types[name] = nil
        }
        foreignVariables = names
    }
}
