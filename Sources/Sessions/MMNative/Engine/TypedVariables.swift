/// What assignments to the variables of a scope have to respect: their types, and the conditions of their attributes.
/// All names are in lower case.
struct TypedVariables {
    /// The types; assigned values are converted to them.
    var types: [String: NamedType] = [:]
    /// The conditions that variables have by attributes such as `[ValidateRange(1, 9)]`.
    var conditions: [String: ScriptFunction.Parameter] = [:]
    /// The types of the script's own variables while a function runs.
    private(set) var ofScript: [String: NamedType] = [:]
    /// The variables whose types belong to callers: setting one here makes a new variable without the type.
    private var ofCallers: Set<String> = []

    /// Returns the type to which a value of this scope's variable is converted.
    func type(of name: String) -> NamedType? { ofCallers.contains(name) ? nil : types[name] }

    /// Gives a variable of this scope a type, or none.
    mutating func declare(_ name: String, _ type: NamedType?) {
        types[name] = type == .known(.object) ? nil : type
        ofCallers.remove(name)
    }

    /// Begins the scope of a function, which sees its caller's variables.
    /// - Parameter isOfScript: whether the script itself calls it.
    mutating func enterFunction(isOfScript: Bool) {
        if isOfScript { ofScript = types }
        ofCallers = Set(types.keys)
        conditions = [:]
    }

    /// Begins the scope of a class's code, which has no variables of its caller.
    mutating func enterClass(isOfScript: Bool) {
        if isOfScript { ofScript = types }
        (types, ofCallers, conditions) = ([:], [], [:])
    }
}
