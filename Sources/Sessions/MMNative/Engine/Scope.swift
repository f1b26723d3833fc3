/// The variables of one scope by their lower-case names: the script's, a function's, or those of a block that has a
/// scope of its own. A scope also sees the variables of the scopes around it, and sets only its own.
final class Scope {
    private(set) var own: [String: PSValue]
    /// Whether a function's code has read the `$input` that this scope was given; `nil` if it was given none.
    var hasReadInput: Bool?
    private let outer: Scope?

    init(_ own: [String: PSValue] = [:], within outer: Scope? = nil) {
        (self.own, self.outer) = (own, outer)
    }

    /// The value of the nearest variable of a name. Setting it makes it this scope's own, removing it removes the
    /// nearest.
    subscript(name: String) -> PSValue? {
        get { owner(of: name)?.own[name] }
        set {
            if let newValue { own[name] = newValue } else { owner(of: name)?.own[name] = nil }
        }
    }

    /// Gives the code of a function the objects that were piped to it.
    func give(input: [PSValue]) {
        own["input"] = .array(input)
        hasReadInput = false
    }

    /// Notes that `$input` is read. It is an enumerator: how much of it remains for another look depends on what the
    /// first one did with it.
    func readInput(_ value: PSValue) throws(Interrupt) {
        guard let scope = owner(of: "input"), let hasRead = scope.hasReadInput else { return }
        if hasRead, case .array(let items) = value, !items.isEmpty { throw .handOver("$input that is read again") }
        scope.hasReadInput = true
    }

    /// Returns the scope whose variable a name means here; `nil` if there is none.
    func owner(of name: String) -> Scope? {
        var scope: Scope? = self
        while let one = scope, one.own[name] == nil { scope = one.outer }
        return scope
    }
}

/// What a running function has of its own, and what its caller gets back while another command of its pipeline runs.
struct Activation {
    /// What a function shares with its caller if it runs in its caller's scope.
    struct Surroundings {
        let variables: Scope
        let frames: [Scope]
        let typed: TypedVariables
        let functions: [String: ScriptFunction]
        let strictness: Int
    }

    let surroundings: Surroundings
    let cmdlet: PSValue?
    let questions: ScriptConfirmation.Questions
    let current: PSValue?
    let rest: [PSValue]
    let given: PSTable?
    let functionName: String?
    let isMethodBody: Bool
}

extension Evaluator {
    /// The scope of the script itself.
    var scriptScope: Scope { frames.first ?? variables }

    /// The state of the function, or of the script, whose code runs.
    var activation: Activation {
        Activation(
            surroundings: Activation.Surroundings(
                variables: variables, frames: frames, typed: typed, functions: functions, strictness: strictness),
            cmdlet: cmdlet, questions: questions, current: current, rest: rest, given: given,
            functionName: functionName, isMethodBody: isMethodBody)
    }

    /// Goes on with a function or script that was put aside.
    /// - Parameter stays: whether it shares the scope of the code that ran meanwhile.
    func resume(_ activation: Activation, inScope stays: Bool) {
        if !stays { surround(activation.surroundings) }
        (cmdlet, questions, current) = (activation.cmdlet, activation.questions, activation.current)
        (rest, given, functionName) = (activation.rest, activation.given, activation.functionName)
        isMethodBody = activation.isMethodBody
    }

    private func surround(_ surroundings: Activation.Surroundings) {
        (variables, frames, typed) = (surroundings.variables, surroundings.frames, surroundings.typed)
        (functions, strictness) = (surroundings.functions, surroundings.strictness)
    }

    /// Opens a scope within the running one.
    func openScope(_ own: [String: PSValue] = [:], within outer: Scope? = nil) {
        typed.enterFunction(isOfScript: frames.isEmpty)
        frames.append(variables)
        variables = Scope(own, within: outer ?? variables)
    }

    /// Evaluates code in a scope of its own, as a block that a command runs for an object has one: what it sets doesn't
    /// outlive it.
    func scoped<Value>(_ body: () throws(Interrupt) -> Value) throws(Interrupt) -> Value {
        let outer = activation.surroundings
        openScope()
        defer { surround(outer) }
        return try body()
    }
}
