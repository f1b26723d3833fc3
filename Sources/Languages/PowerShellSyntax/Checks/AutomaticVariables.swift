/// The variables that the engine sets itself, with fixed types.
enum AutomaticVariables {
    /// The variables' types by name, in lower case and without `System.`.
    static let types: [String: String] = [
        "_": "object", "args": "object[]", "this": "object", "input": "object",
        "pscmdlet": "management.automation.pscmdlet",
        "psboundparameters": "management.automation.psboundparametersdictionary",
        "myinvocation": "management.automation.invocationinfo", "psscriptroot": "string", "pscommandpath": "string",
    ]
}

extension VariablePath {
    /// Whether the path names a variable of the current scope.
    var isLocal: Bool {
        switch qualifier {
        case .none, .local, .private: true
        default: false
        }
    }
}
