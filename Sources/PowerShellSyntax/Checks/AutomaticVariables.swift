/// Variables that the engine sets by itself with a fixed type.
enum AutomaticVariables {
    /// Their names and types, in lower case and without `System.`.
    static let types: [String: String] = [
        "_": "object", "args": "object[]", "this": "object", "input": "object",
        "pscmdlet": "management.automation.pscmdlet",
        "psboundparameters": "management.automation.psboundparametersdictionary",
        "myinvocation": "management.automation.invocationinfo", "psscriptroot": "string", "pscommandpath": "string",
    ]
}

extension VariablePath {
    /// A variable of the current scope.
    var isLocal: Bool {
        switch qualifier {
        case .none, .local, .private: true
        default: false
        }
    }
}
