extension NativeEngine {
    /// Whether the engine itself carries a command out, named in any case or by a built-in alias.
    package static func carriesOut(_ name: String) -> Bool { Cmdlets.specification(of: name) != nil }
}

extension NativeSession {
    /// Drops variables whose values are another engine's by now.
    package mutating func forget(_ names: Set<String>) {
        for name in names { variables[name] = nil }
        foreignVariables = names
    }
}
