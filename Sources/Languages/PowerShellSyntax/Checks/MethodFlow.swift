/// Analyses the control flow of a method as the engine does: every path of a method with a result must return or throw,
/// and a variable must be assigned on every path that leads to its use.
///
/// The analysis is recursive; a text beyond a fixed depth is rejected.
struct MethodFlow {
    typealias Fault = SemanticChecker.Fault

    /// The variables assigned on every path to a point; `nil` where no path leads to it.
    private typealias State = Set<String>?

    private struct Loop {
        let label: String
        var breaks: [State] = []
        var continues: [State] = []
    }

    private var state: State
    private var loops: [Loop] = []
    private var depth = 0

    /// Returns the first error of a method.
    static func check(_ method: MethodMemberSyntax, returnsVoid: Bool) -> Fault? {
        var assigned = always
        for parameter in method.function.parameters where parameter.variable.path.isLocal {
            assigned.insert(name(of: parameter.variable.path))
        }
        var flow = MethodFlow(state: assigned)
        do throws(Fault) {
            if let body = method.function.body.body { try flow.visit(body) }
            if !returnsVoid, flow.state != nil {
                throw Fault(id: "MethodHasCodePathNotReturn", extent: method.function.extent)
            }
            return nil
        } catch {
            return error
        }
    }

    private init(state: State) { self.state = state }

    /// Variables that exist without an assignment.
    private static let always: Set<String> = [
        "_", "args", "this", "input", "pscmdlet", "psboundparameters", "myinvocation", "psscriptroot", "pscommandpath",
        "?", "true", "false", "null", "lastexitcode", "error", "stacktrace", "outputencoding", "nestedpromptlevel",
        "pwd", "matches", "psapplicationoutputencoding",
    ]

    private static func name(of path: VariablePath) -> String {
        let key = CaseFold.key(path.name)
        return key == "psitem" ? "_" : key
    }

    private static func merge(_ states: [State]) -> State {
        var merged: State = nil
        for case let reached? in states { merged = merged.map { $0.intersection(reached) } ?? reached }
        return merged
    }

    private mutating func descend(_ place: SourceExtent) throws(Fault) {
        depth += 1
        if depth > 100 { throw Fault(id: "ScriptTooComplicated", extent: place) }
    }

    // MARK: Statements

    private mutating func visit(_ block: StatementBlockSyntax) throws(Fault) {
        for statement in block.statements { try visit(statement) }
    }

    private mutating func visit(_ statement: StatementSyntax?) throws(Fault) {
        guard let statement else { return }
        try descend(statement.extent)
        defer { depth -= 1 }
        switch statement {
        case .pipeline(let node): try visit(node)
        case .pipelineChain(let node): for pipeline in node.pipelines { try visit(pipeline) }
        case .assignment(let node):
            try visit(node.value)
            try assign(node.target)
        case .if(let node): try visit(node)
        case .switch(let node): try visit(node)
        case .forEach(let node): try visit(node)
        case .for(let node): try visit(node)
        case .while(let node):
            try visit(node.condition)
            let exit = state
            loops.append(Loop(label: CaseFold.key(node.label ?? "")))
            try visit(node.body)
            state = MethodFlow.merge([exit] + loops.removeLast().breaks)
        case .do(let node):
            loops.append(Loop(label: CaseFold.key(node.label ?? "")))
            try visit(node.body)
            state = MethodFlow.merge([state] + (loops.last?.continues ?? []))
            try visit(node.condition)
            state = MethodFlow.merge([state] + loops.removeLast().breaks)
        case .flow(let node):
            try visit(node.value)
            state = nil
        case .jump(let node): try visit(node)
        case .try(let node): try visit(node)
        case .data(let node):
            try visit(node.body)
            if let variable = node.variable { state?.insert(CaseFold.key(variable)) }
        case .trap, .function, .type: break
        }
    }

    private mutating func visit(_ node: PipelineSyntax) throws(Fault) {
        var invokesCommand = false
        for element in node.elements {
            let redirections: [RedirectionSyntax]
            switch element {
            case .expression(let element):
                try visit(element.expression)
                redirections = element.redirections
            case .command(let command):
                invokesCommand = true
                for element in command.elements {
                    switch element {
                    case .argument(let argument): try visit(argument)
                    case .parameter(let parameter): try visit(parameter.argument)
                    }
                }
                redirections = command.redirections
            }
            for case .file(let file) in redirections { try visit(file.target) }
        }
        // A command may leave any enclosing loop.
        guard invokesCommand, state != nil else { return }
        for index in loops.indices {
            loops[index].breaks.append(state)
            loops[index].continues.append(state)
        }
    }

    private mutating func visit(_ node: IfStatementSyntax) throws(Fault) {
        var ends: [State] = []
        for (index, clause) in node.clauses.enumerated() {
            try visit(clause.condition)
            let next = state
            // The first condition's assignments also hold on the path that skips every branch.
            if index == 0, node.elseBody == nil { ends.append(next) }
            try visit(clause.body)
            ends.append(state)
            state = next
        }
        if let body = node.elseBody { try visit(body) }
        state = MethodFlow.merge(ends + [state])
    }

    private mutating func visit(_ node: SwitchStatementSyntax) throws(Fault) {
        try visit(node.condition)
        let exit = state
        loops.append(Loop(label: CaseFold.key(node.label ?? "")))
        for clause in node.clauses {
            try visit(clause.condition)
            let skipped = state
            try visit(clause.body)
            state = MethodFlow.merge([skipped, state])
        }
        if let body = node.defaultBody { try visit(body) }
        state = MethodFlow.merge([exit] + loops.removeLast().breaks)
    }

    private mutating func visit(_ node: ForEachStatementSyntax) throws(Fault) {
        try visit(node.collection)
        if node.variable.path.isLocal { state?.insert(MethodFlow.name(of: node.variable.path)) }
        state?.insert("foreach")
        let exit = state
        loops.append(Loop(label: CaseFold.key(node.label ?? "")))
        try visit(node.body)
        state = MethodFlow.merge([exit] + loops.removeLast().breaks)
    }

    private mutating func visit(_ node: ForStatementSyntax) throws(Fault) {
        try visit(node.initializer)
        try visit(node.condition)
        let exit: State = node.condition == nil ? nil : state
        loops.append(Loop(label: CaseFold.key(node.label ?? "")))
        try visit(node.body)
        state = MethodFlow.merge([state] + (loops.last?.continues ?? []))
        try visit(node.iterator)
        state = MethodFlow.merge([exit] + loops.removeLast().breaks)
    }

    private mutating func visit(_ node: JumpStatementSyntax) throws(Fault) {
        var target: Int? = loops.indices.last
        if let label = node.label {
            try visit(label)
            target = nil
            if case .string(let name) = label {
                target = loops.lastIndex { $0.label == CaseFold.key(name.value) }
            }
        }
        if let target {
            if node.kind == .break { loops[target].breaks.append(state) } else { loops[target].continues.append(state) }
        }
        state = nil
    }

    private mutating func visit(_ node: TryStatementSyntax) throws(Fault) {
        let before = state
        try visit(node.body)
        var ends = [state]
        var catchesAll = false
        for clause in node.catchClauses {
            if clause.types.isEmpty { catchesAll = true }
            state = before
            try visit(clause.body)
            ends.append(state)
        }
        if let body = node.finallyBody {
            state = MethodFlow.merge(ends + (catchesAll ? [] : [before]))
            try visit(body)
            // The path of an error through the block doesn't continue after it.
            if MethodFlow.merge(ends) == nil { state = nil }
        } else {
            state = MethodFlow.merge(ends)
        }
    }

    // MARK: Expressions

    private mutating func assign(_ target: ExpressionSyntax) throws(Fault) {
        switch target {
        case .paren(let node):
            if let inner = node.pureExpression { try assign(inner) }
        case .arrayLiteral(let node):
            for element in node.elements { try assign(element) }
        case .variable(let node):
            if node.path.isLocal { state?.insert(MethodFlow.name(of: node.path)) }
        case .convert(let node):
            // The engine doesn't track a variable under more than one cast, or under an attribute.
            if case .variable(let variable) = node.operand, variable.path.isLocal {
                state?.insert(MethodFlow.name(of: variable.path))
            } else {
                try visit(node.operand)
            }
        case .attributed: break
        default: try visit(target)
        }
    }

    private mutating func visit(_ expression: ExpressionSyntax?) throws(Fault) {
        guard let expression else { return }
        try descend(expression.extent)
        defer { depth -= 1 }
        switch expression {
        case .variable(let node):
            guard node.path.isVariable, let reached = state else { return }
            switch node.path.qualifier {
            case .global, .script: return
            default: break
            }
            if !reached.contains(MethodFlow.name(of: node.path)) {
                throw Fault(id: "VariableNotLocal", extent: node.extent)
            }
        case .binary(let node):
            try visit(node.left)
            let after = state
            try visit(node.right)
            if node.op == .and || node.op == .or { state = after }
        case .ternary(let node):
            try visit(node.condition)
            let after = state
            try visit(node.ifTrue)
            let first = state
            state = after
            try visit(node.ifFalse)
            state = MethodFlow.merge([first, state])
        case .unary(let node): try visit(node.operand)
        case .convert(let node): try visit(node.operand)
        case .attributed(let node): try visit(node.operand)
        case .paren(let node): try visit(node.pipeline)
        case .sub(let node): try visit(node.block)
        case .array(let node): try visit(node.block)
        case .arrayLiteral(let node): for element in node.elements { try visit(element) }
        case .hashtable(let node):
            for entry in node.entries {
                try visit(entry.key)
                try visit(entry.value)
            }
        case .expandableString(let node): for part in node.parts { try visit(part) }
        case .member(let node):
            try visit(node.target)
            try visit(node.member)
        case .invokeMember(let node):
            try visit(node.target)
            try visit(node.member)
            for argument in node.arguments { try visit(argument) }
        case .index(let node):
            try visit(node.target)
            try visit(node.index)
        case .string, .number, .type, .using, .scriptBlock, .baseConstructorCall: break
        }
    }
}
