import PowerShellSyntax

/// Checks whether a whole script is within the engine's language, before anything runs.
struct SubsetCheck {
    private let script: ParsedScript
    private let isSource: (String) -> Bool
    /// The functions that the script defines at its top, by lower-case name.
    private let functions: [String: ScriptFunction]

    /// Creates a check of a script.
    /// - Parameter isSource: whether a name, in any case, is a source's cmdlet.
    init(_ script: ParsedScript, isSource: @escaping (String) -> Bool) {
        self.script = script
        self.isSource = isSource
        var functions: [String: ScriptFunction] = [:]
        for case .function(let node) in script.root?.body?.statements ?? [] {
            functions[node.name.lowercased()] = ScriptFunction(node)
        }
        self.functions = functions
    }

    /// The maximum height of a tree that is walked: a limit of the stack, not of the language.
    static let height = 90

    /// Returns the first reason why the script is not supported; `nil` when it is.
    /// - Parameter values: texts for the script's `param` block.
    func reason(values: [String: String] = [:]) -> String? {
        guard let root = script.root else { return "the script does not parse" }
        guard script.height <= SubsetCheck.height else { return "the script is deeply nested" }
        guard script.requirements.map(KnownPackages.satisfy) ?? true else { return "#requires" }
        guard root.usings.isEmpty else { return "using" }
        guard let parameters = root.parameterBlock else {
            return values.isEmpty ? block(root) : "values without a param block"
        }
        guard root.definedTypes.isEmpty, let body = root.body else {
            return "a script block with parameters or named parts"
        }
        return ScriptParameters(parameters, values: values).misfit(in: script) { expression($0) } ?? statements(body)
    }

    private func block(_ node: ScriptBlockSyntax) -> String? {
        guard node.parameterBlock == nil, node.usings.isEmpty, node.definedTypes.isEmpty, let body = node.body else {
            return "a script block with parameters or named parts"
        }
        return statements(body)
    }

    private func statements(_ node: StatementBlockSyntax) -> String? {
        guard node.traps.isEmpty else { return "trap" }
        for statement in node.statements {
            if let reason = self.statement(statement) { return reason }
        }
        return nil
    }

    private func statement(_ node: StatementSyntax) -> String? {
        switch node {
        case .pipeline(let pipeline): return self.pipeline(pipeline)
        case .assignment(let assignment):
            if let reason = target(assignment.target) { return reason }
            return statement(assignment.value)
        case .if(let node):
            for clause in node.clauses {
                if let reason = statement(clause.condition) ?? statements(clause.body) { return reason }
            }
            return node.elseBody.flatMap { statements($0) }
        case .forEach(let node):
            guard node.label == nil, node.variable.path.qualifier == .none,
                !AutomaticNames.contains(node.variable.path.name.lowercased()) || node.variable.path.name == "_"
            else { return "an unusual foreach" }
            return statement(node.collection) ?? statements(node.body)
        case .while(let node):
            guard node.label == nil else { return "a label" }
            return statement(node.condition) ?? statements(node.body)
        case .do(let node):
            guard node.label == nil else { return "a label" }
            return statements(node.body) ?? statement(node.condition)
        case .for(let node):
            guard node.label == nil else { return "a label" }
            return node.initializer.flatMap { statement($0) } ?? node.condition.flatMap { statement($0) }
                ?? node.iterator.flatMap { statement($0) } ?? statements(node.body)
        case .switch(let node):
            guard node.label == nil, !node.flags.contains(.file) else {
                return "an unusual switch"
            }
            for clause in node.clauses {
                if let reason = expression(clause.condition) ?? statements(clause.body) { return reason }
            }
            return statement(node.condition) ?? node.defaultBody.flatMap { statements($0) }
        case .try(let node):
            for clause in node.catchClauses {
                guard clause.types.isEmpty else { return "catch by type" }
                if let reason = statements(clause.body) { return reason }
            }
            return statements(node.body) ?? node.finallyBody.flatMap { statements($0) }
        case .jump(let node): return node.label == nil ? nil : "a label"
        case .flow(let node):
            return node.value.flatMap { statement($0) }
        case .function(let node): return function(node)
        default: return "a statement outside the native language"
        }
    }

    /// Checks the definition of a function, which stands at the top of the script, once, under a name of its own.
    private func function(_ node: FunctionDefinitionSyntax) -> String? {
        let name = node.name.lowercased()
        guard let known = functions[name], known.body.extent.start == node.body.body?.extent.start else {
            return "the function \(node.name)"
        }
        guard Cmdlets.specification(of: name) == nil, !isSource(name) else {
            return "a function with the name of a cmdlet, \(node.name)"
        }
        for parameter in known.parameters {
            if let value = parameter.defaultValue, let reason = expression(value) { return reason }
        }
        return statements(known.body)
    }

    /// The types that a variable may keep.
    private static let variableTypes: Set<PSType> = [
        .string, .int, .long, .double, .bool, .array, .datetime, .object, .arraylist, .objectlist, .hashtable,
    ]

    /// Checks what an assignment changes.
    private func target(_ node: ExpressionSyntax) -> String? {
        switch node {
        case .variable(let variable):
            guard !variable.isSplatted, variable.path.qualifier == .none else {
                return "an assignment to a variable of a scope or drive"
            }
            let name = variable.path.name.lowercased()
            guard !AutomaticNames.contains(name) || Evaluator.settable.contains(name) else {
                return "an assignment to $\(variable.path.name)"
            }
            return nil
        case .convert(let typed):
            guard case .variable(let variable) = typed.operand,
                !Evaluator.settable.contains(variable.path.name.lowercased()),
                let type = PSType(written: typed.type.typeName.fullName),
                Self.variableTypes.contains(type)
            else { return "an assignment with the type \(typed.type.typeName.fullName)" }
            return target(typed.operand)
        case .arrayLiteral(let list):
            for element in list.elements {
                guard case .variable = element else { return "an assignment to several places" }
                if let reason = target(element) { return reason }
            }
            return nil
        case .index(let index):
            guard !index.isNullConditional else { return "an unusual assignment" }
            return expression(index.target) ?? expression(index.index)
        case .member(let member):
            guard !member.isStatic, !member.isNullConditional, member.constantName != nil else {
                return "an assignment to a computed member"
            }
            return expression(member.target)
        default: return "an assignment to other than a variable"
        }
    }

    private func pipeline(_ node: PipelineSyntax) -> String? {
        guard !node.isBackground else { return "a background job" }
        for (place, element) in node.elements.enumerated() {
            switch element {
            case .expression(let element):
                guard element.redirections.isEmpty else { return "a redirection" }
                if let reason = expression(element.expression) { return reason }
            case .command(let command):
                if place > 0, let name = command.constantName, functions[name.lowercased()] != nil {
                    return "the function \(name) within a pipeline"
                }
                if let reason = self.command(command) { return reason }
            }
        }
        return nil
    }

    private func command(_ node: CommandSyntax) -> String? {
        guard node.invocation == nil, let name = node.constantName else { return "a command whose name is computed" }
        guard node.redirections.isEmpty else { return "a redirection" }
        if let function = functions[name.lowercased()] { return call(of: function, node) }
        let isBuiltIn = Cmdlets.specification(of: name) != nil
        guard isBuiltIn || isSource(name) else { return "the command \(name)" }
        for element in node.elements {
            switch element {
            case .parameter(let parameter):
                guard parameter.name.isPlain else { return "an unusual parameter" }
                if let argument = parameter.argument, let reason = self.argument(argument, ofSource: !isBuiltIn) {
                    return reason
                }
            case .argument(.variable(let splat)) where splat.isSplatted && splat.path.qualifier == .none:
                guard !AutomaticNames.contains(splat.path.name.lowercased()) else {
                    return "a splat of the shell's own"
                }
                continue
            case .argument(let argument):
                if let reason = self.argument(argument, ofSource: !isBuiltIn) { return reason }
            }
        }
        return nil
    }

    /// Checks the call of a function of the script's own: that it is certain which parameter gets which argument.
    private func call(of function: ScriptFunction, _ node: CommandSyntax) -> String? {
        guard let bound = function.bound(node) else { return "the arguments of \(function.name)" }
        return first(bound.compactMap(\.value))
    }

    /// Checks an argument. A script block for a source's cmdlet is never run: it is the text of a filter.
    private func argument(_ node: ExpressionSyntax, ofSource: Bool) -> String? {
        guard ofSource, case .scriptBlock(let block) = node else { return expression(node) }
        let hasVariables = ScriptFacts(of: script).items.contains { item in
            guard case .variable = item.detail else { return false }
            return block.extent.start <= item.extent.start && item.extent.end <= block.extent.end
        }
        return hasVariables ? "a filter with variables" : nil
    }

    private func first(_ expressions: [ExpressionSyntax]) -> String? {
        for node in expressions {
            if let reason = expression(node) { return reason }
        }
        return nil
    }

    private func expression(_ node: ExpressionSyntax) -> String? {
        switch node {
        case .string, .number: return nil
        case .variable(let variable):
            guard !variable.isSplatted, variable.path.qualifier == .none else {
                return "a variable of a scope or drive, or a splat"
            }
            let name = variable.path.name.lowercased()
            let known = ["_", "psitem", "true", "false", "null", "matches"]
            return AutomaticNames.contains(name) && !known.contains(name)
                ? "the automatic variable $\(variable.path.name)" : nil
        case .expandableString(let string): return first(string.parts)
        case .member(let member):
            guard member.constantName != nil else { return "a computed member" }
            if member.isStatic, case .type = member.target {} else if member.isStatic { return "a static member" }
            return expression(member.target)
        case .binary(let binary): return expression(binary.left) ?? expression(binary.right)
        case .unary(let unary):
            switch unary.op {
            case .exclaim, .not, .bnot, .plus, .minus, .join, .isplit, .csplit: return expression(unary.operand)
            case .plusPlus, .minusMinus, .postfixPlusPlus, .postfixMinusMinus:
                if case .variable(let variable) = unary.operand, variable.path.name.lowercased() == "null" {
                    return "a step of $null"
                }
                return target(unary.operand) ?? expression(unary.operand)
            }
        case .paren(let paren): return statement(paren.pipeline)
        case .sub(let sub): return statements(sub.block)
        case .array(let array): return statements(array.block)
        case .arrayLiteral(let list): return first(list.elements)
        case .hashtable(let table):
            for entry in table.entries {
                if let reason = expression(entry.key) ?? statement(entry.value) { return reason }
            }
            return nil
        case .scriptBlock(let inner): return block(inner.scriptBlock)
        case .type(let type):
            return PSType(written: type.typeName.fullName) == nil ? "the type \(type.typeName.fullName)" : nil
        case .convert(let convert):
            guard PSType(written: convert.type.typeName.fullName) != nil else {
                return "the type \(convert.type.typeName.fullName)"
            }
            return expression(convert.operand)
        case .ternary(let ternary):
            return expression(ternary.condition) ?? expression(ternary.ifTrue) ?? expression(ternary.ifFalse)
        case .invokeMember(let call):
            guard call.constantName != nil, call.genericArguments.isEmpty else { return "a computed call" }
            if call.isStatic, case .type = call.target {} else if call.isStatic { return "a static call" }
            return expression(call.target) ?? first(call.arguments)
        case .index(let index): return expression(index.target) ?? expression(index.index)
        case .using, .attributed, .baseConstructorCall: return "an expression outside the native language"
        }
    }
}
