import PowerShellSyntax

/// A running call of a function. It sees its caller's variables, but variables that it sets are its own. While what it
/// emits goes down its pipeline, and between the objects that are piped to it, its caller's state is back.
final class FunctionCall {
    private let function: ScriptFunction
    private let arguments: FunctionArguments
    private let evaluator: Evaluator
    /// Whether objects are piped to it.
    private let isPiped: Bool
    /// Whether it runs in its caller's scope, as `. Name` does, so that variables it sets are the caller's.
    private let isDotted: Bool
    /// The function's state while it is put aside; `nil` before it began.
    private var own: Activation?
    private var caller: Activation
    /// The parameter set in use.
    private var set = ParameterSets.all
    /// The parameters that objects from the pipeline are bound to, with the values that they have without one.
    private var inputs: [(parameter: ScriptFunction.Parameter, unbound: PSValue)] = []
    /// The names of those that the last object was bound to, in lower case.
    private var bound: Set<String> = []
    /// The objects that no block has processed.
    private var waiting: [PSValue] = []

    init(
        _ function: ScriptFunction, _ arguments: FunctionArguments, isPiped: Bool, isDotted: Bool = false,
        in evaluator: Evaluator
    ) {
        (self.function, self.arguments, self.evaluator) = (function, arguments, evaluator)
        (self.isPiped, self.isDotted) = (isPiped, isDotted)
        caller = evaluator.activation
    }

    // MARK: Blocks

    /// Binds the arguments and runs the block `begin`.
    func begin(into sink: Sink) throws(Interrupt) {
        guard !isDotted || function.kept == nil else { throw .handOver("a closure in this scope") }
        guard evaluator.calls < Evaluator.deepest else { throw .handOver("a deep recursion") }
        try inside { () throws(Interrupt) in
            evaluator.isMethodBody = false
            evaluator.functionName = function.name
            if !isDotted {
                evaluator.openScope(function.kept ?? [:], within: function.kept.map { _ in evaluator.scriptScope })
            }
            do throws(Interrupt) {
                try takeArguments()
            } catch {
                throw error.whileBinding(toRecord: !arguments.recorded.isEmpty)
            }
            evaluator.variables.give(input: [])
            if let block = function.beginning { try run(block, into: sink) }
        }
    }

    /// Processes an object that is piped to the function; without one the block `process` runs once.
    func process(_ item: PSValue?, into sink: Sink) throws(Interrupt) {
        try inside { () throws(Interrupt) in
            if let item, function.isAdvanced {
                guard try bind(item) else { return }
            }
            guard let block = function.processing else {
                if let item { waiting.append(item) }
                return
            }
            evaluator.current = item ?? .null
            evaluator.variables.give(input: item.map { [$0] } ?? [])
            defer { evaluator.variables.give(input: []) }
            try run(block, into: sink)
        }
    }

    /// Runs the block `end`.
    func end(into sink: Sink) throws(Interrupt) {
        guard let block = function.ending else { return }
        try inside { () throws(Interrupt) in
            evaluator.variables.give(input: waiting)
            try run(block, into: sink)
        }
    }

    /// Runs a part of the function in its own state.
    private func inside(_ work: () throws(Interrupt) -> Void) throws(Interrupt) {
        caller = evaluator.activation
        if let own { evaluator.resume(own, inScope: isDotted) }
        evaluator.calls += 1
        defer {
            evaluator.calls -= 1
            own = evaluator.activation
            evaluator.resume(caller, inScope: isDotted)
        }
        try work()
    }

    /// Runs a block; `return` ends it, and no other block.
    private func run(_ block: StatementBlockSyntax, into sink: Sink) throws(Interrupt) {
        do throws(Interrupt) {
            try evaluator.run(block) { (item) throws(Interrupt) in try emit(item, into: sink) }
        } catch {
            guard case .leaveBlock(let items) = error else { throw error }
            for item in items { try emit(item, into: sink) }
        }
    }

    /// Hands an object on, in the caller's state.
    private func emit(_ item: PSValue, into sink: Sink) throws(Interrupt) {
        let running = evaluator.activation
        evaluator.resume(caller, inScope: isDotted)
        defer {
            caller = evaluator.activation
            evaluator.resume(running, inScope: isDotted)
        }
        try sink(item)
    }

    // MARK: Parameters

    /// Gives the parameters the values of the call, and the others their defaults.
    private func takeArguments() throws(Interrupt) {
        let parameters = function.parameters
        for (name, value) in arguments.preferences { evaluator.variables[name] = value }
        evaluator.rest = arguments.rest
        let table = PSTable(isOrdered: true)
        for parameter in parameters { evaluator.typed.declare(parameter.name.lowercased(), nil) }
        for one in arguments.bound {
            switch one {
            case .common(let name, let value): _ = table.add(name, value)
            case .parameter(let index):
                let parameter = parameters[index]
                let bound = try evaluator.checked(arguments.given[index] ?? .null, for: parameter, of: function)
                evaluator.variables[parameter.name.lowercased()] = bound
                _ = table.add(parameter.name, bound)
            }
        }
        evaluator.given = table
        func isGiven(_ parameter: ScriptFunction.Parameter) -> Bool {
            arguments.given.keys.contains { parameters[$0].name == parameter.name }
        }
        set = try function.sets.chosen(isGiven)
        let sets = function.sets.possible(isGiven)
        if function.isAdvanced {
            evaluator.cmdlet = try evaluator.automatic("myinvocation").map { Evaluator.cmdlet(set, $0) }
            evaluator.questions =
                function.confirmation.asksFirst && !arguments.isConfirmed ? .open : .answered(true)
        }
        for (index, parameter) in parameters.enumerated() where arguments.given[index] == nil {
            let isInput =
                isPiped && (parameter.takesInput || parameter.takesProperties)
                && (parameter.belongs(to: set) || sets.contains(where: parameter.belongs))
            if isInput, !parameter.belongs(to: set) {
                throw .handOver("an object that chooses the parameter set of \(function.name)")
            }
            let value = try evaluator.unboundValue(
                of: parameter, of: function, isMandatory: parameter.isMandatory(in: set) && !isInput)
            evaluator.variables[parameter.name.lowercased()] = value
            if isInput { inputs.append((parameter, value)) }
        }
        for parameter in parameters {
            if let type = parameter.isSwitch ? .known(.toggle) : parameter.type {
                evaluator.typed.declare(parameter.name.lowercased(), type)
            }
        }
    }

    /// Binds an object from the pipeline to the parameters that accept it. Those that the object before was bound to
    /// have their own values again.
    /// - Returns: false if the object can't be bound, which is reported.
    private func bind(_ item: PSValue) throws(Interrupt) -> Bool {
        restore()
        do throws(Interrupt) {
            for (parameter, _) in inputs {
                guard let value = try input(item, of: parameter) else { continue }
                evaluator.variables[parameter.name.lowercased()] = value
                evaluator.given?.set(.string(parameter.name), value)
                bound.insert(parameter.name.lowercased())
            }
        } catch {
            guard case .statement(let record) = error else { throw error }
            return try refuse(record)
        }
        guard !bound.isEmpty else {
            return try refuse(
                NativeError(
                    "InputObjectNotBound,\(function.name)",
                    "The input object cannot be bound to any parameters for the command either because the command does "
                        + "not take pipeline input or the input and its properties do not match any of the parameters "
                        + "that take pipeline input.", category: "InvalidArgument", isReadable: true))
        }
        let missing = inputs.map(\.parameter).filter {
            $0.isMandatory(in: set) && !bound.contains($0.name.lowercased())
        }
        guard missing.isEmpty else {
            return try refuse(
                NativeError(
                    "InputObjectMissingMandatory,\(function.name)",
                    "The input object cannot be bound because it did not contain the information required to bind all "
                        + "mandatory parameters:  \(missing.map(\.name).joined(separator: " "))",
                    category: "InvalidArgument"))
        }
        return true
    }

    private func refuse(_ record: NativeError) throws(Interrupt) -> Bool {
        restore()
        try evaluator.report(record)
        return false
    }

    private func restore() {
        for (parameter, unbound) in inputs where bound.contains(parameter.name.lowercased()) {
            evaluator.variables[parameter.name.lowercased()] = unbound
        }
        bound = []
    }

    /// Returns the value that an object gives to a parameter; `nil` if it gives none. PowerShell tries the object, then
    /// its property, each without a conversion first.
    private func input(_ item: PSValue, of parameter: ScriptFunction.Parameter) throws(Interrupt) -> PSValue? {
        // Whether a table becomes an object isn't certain.
        if parameter.type == .known(.pscustomobject), case .table = item {
            throw .handOver("a table for the parameter \(parameter.name)")
        }
        let part = parameter.takesProperties ? try property(of: item, for: parameter) : nil
        if parameter.takesInput, part != nil {
            if try fits(item, parameter) { return try evaluator.checked(item, for: parameter, of: function) }
            if let part, try fits(part, parameter) {
                return try evaluator.checked(part, for: parameter, of: function)
            }
        }
        if parameter.takesInput {
            do throws(Interrupt) {
                return try evaluator.checked(item, for: parameter, of: function)
            } catch {
                guard case .statement(let record) = error,
                    record.id.hasPrefix("ParameterArgumentTransformationError")
                else { throw error }
            }
        }
        return try part.map { (part) throws(Interrupt) in
            try evaluator.checked(part, for: parameter, of: function)
        }
    }

    /// Returns the property of an object with a parameter's name or alias.
    private func property(
        of item: PSValue, for parameter: ScriptFunction.Parameter
    ) throws(Interrupt) -> PSValue? {
        for name in [parameter.name] + parameter.aliases {
            switch item {
            case .object(let object):
                if let value = object[name] { return value }
            case .string(let text):
                if name.lowercased() == "length" { return .int(Int32(truncatingIfNeeded: text.utf16.count)) }
            case .null, .nothing, .bool, .byte, .int, .long, .double, .single, .decimal, .char: break
            case .table(let table):
                guard table[name] != nil || !["keys", "values", "count"].contains(name.lowercased()) else {
                    throw .handOver("a property of \(item.typeName) for the parameter \(parameter.name)")
                }
            default:
                if let value = try Members.ownProperty(item, name), !value.isNull {
                    throw .handOver("a property of \(item.typeName) for the parameter \(parameter.name)")
                }
            }
        }
        return nil
    }

    /// Returns whether a value has a parameter's type already.
    private func fits(_ value: PSValue, _ parameter: ScriptFunction.Parameter) throws(Interrupt) -> Bool {
        guard parameter.isSwitch || parameter.type != nil else { return true }
        do throws(Interrupt) {
            let made = try evaluator.converted(value, for: parameter, of: function)
            if case .array(let items) = made, case .array(let given) = value {
                return items.map(\.typeName) == given.map(\.typeName)
            }
            if case .array(let items) = made { return items.map(\.typeName) == [value.typeName] }
            return made.typeName == value.typeName
        } catch {
            guard case .statement = error else { throw error }
            return false
        }
    }
}

extension Evaluator {
    /// Runs a function.
    /// - Parameters:
    ///   - input: the objects that were piped to it; `nil` if it is first in its pipeline.
    ///   - isDotted: whether it runs in its caller's scope.
    func call(
        _ function: ScriptFunction, _ arguments: FunctionArguments, input: [PSValue]?, isDotted: Bool = false,
        into sink: Sink
    ) throws(Interrupt) {
        let call = FunctionCall(function, arguments, isPiped: input != nil, isDotted: isDotted, in: self)
        try call.begin(into: sink)
        for item in input.map({ $0.map(Optional.some) }) ?? [nil] { try call.process(item, into: sink) }
        try call.end(into: sink)
    }
}
