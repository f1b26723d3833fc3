internal import PowerShellSyntax

extension ScriptWalk {
    /// Walks a statement.
    /// - Returns: its output.
    @discardableResult
    mutating func walk(_ statement: StatementSyntax, in scope: Scope) -> ValueFacts {
        guard enter(statement.extent) else { return .unknown }
        defer { depth -= 1 }
        switch statement {
        case .pipeline(let node): return walk(node, in: scope)
        case .pipelineChain(let node):
            if node.isBackground { report(.backgroundJob, node.extent) }
            var result = ValueFacts.nothing
            for pipeline in node.pipelines { result = result.then(walk(pipeline, in: scope)) }
            return result
        case .assignment(let node):
            walk(node, in: scope)
            return .nothing
        case .if(let node): return walk(node, in: scope)
        case .switch(let node): return walk(node, in: scope)
        case .forEach(let node): return walk(node, in: scope)
        case .for(let node): return walk(node, in: scope)
        case .while(let node):
            return walkConditional(node.extent, "while", condition: node.condition, body: node.body, in: scope)
        case .do(let node):
            return walkConditional(node.extent, "do", condition: node.condition, body: node.body, in: scope)
        case .flow(let node):
            seen.exits += 1
            return walk(node, in: scope)
        case .jump(let node):
            if node.kind == .break { seen.exits += 1 }
            if loops == 0 || node.label != nil || scope == .filterBlock {
                report(.jump, node.extent, subject: node.kind.rawValue)
            }
            if let label = node.label { walk(label) }
            return .nothing
        case .trap(let node):
            report(.trap, node.extent)
            walk(node.body, in: scope)
            return .nothing
        case .try(let node): return walk(node, in: scope)
        case .data(let node):
            report(.dataSection, node.extent)
            for command in node.supportedCommands { walk(command) }
            return walk(node.body, in: scope)
        case .function(let node):
            walk(definition: node)
            return .nothing
        case .type(let node):
            walk(definition: node)
            return .nothing
        }
    }

    private mutating func walk(_ node: IfStatementSyntax, in scope: Scope) -> ValueFacts {
        var parts: [(inout ScriptWalk) -> ValueFacts] = []
        for (index, clause) in node.clauses.enumerated() {
            // The first condition is always evaluated.
            if index == 0 { walk(clause.condition, in: scope) }
            parts.append { walk in
                if index > 0 { walk.walk(clause.condition, in: scope) }
                return walk.walk(clause.body, in: scope)
            }
        }
        if let body = node.elseBody { parts.append { $0.walk(body, in: scope) } }
        return branches(isExhaustive: node.elseBody != nil, parts)
    }

    private mutating func walk(_ node: TryStatementSyntax, in scope: Scope) -> ValueFacts {
        var result = branches(isExhaustive: false, isConditional: false, [{ $0.walk(node.body, in: scope) }])
        var parts: [(inout ScriptWalk) -> ValueFacts] = []
        for clause in node.catchClauses {
            for type in clause.types where type.typeName.assembly != nil || !isPlainTypeName(type.typeName) {
                report(.catchType, type.extent, subject: "[\(type.typeName.fullName)]")
            }
            parts.append { walk in
                walk.items.append(.of(.errors, count: 1))
                defer { walk.items.removeLast() }
                return walk.walk(clause.body, in: scope)
            }
        }
        result = result.or(branches(isExhaustive: false, parts))
        if let body = node.finallyBody { result = result.then(walk(body, in: scope)) }
        return result
    }

    private func isPlainTypeName(_ type: TypeNameSyntax) -> Bool {
        if case .name = type.form { return true }
        return false
    }

    private mutating func walk(_ node: SwitchStatementSyntax, in scope: Scope) -> ValueFacts {
        let isPlain = node.flags.subtracting([.exact, .caseSensitive, .wildcard]).isEmpty
        if !isPlain { report(.switchStatement, node.extent, subject: node.flags.names) }
        let all = walk(node.condition, in: scope)
        items.append(all.single)
        defer { items.removeLast() }
        var parts: [(inout ScriptWalk) -> ValueFacts] = []
        for clause in node.clauses {
            let condition = clause.condition
            parts.append { walk in
                let facts = walk.walk(condition)
                if facts.kinds.contains(.code) { walk.report(.switchStatement, condition.extent) }
                return walk.rounds(all.count, clause.body.extent) { $0.walk(clause.body, in: scope) }
            }
        }
        if let body = node.defaultBody {
            parts.append { walk in walk.rounds(all.count, body.extent) { $0.walk(body, in: scope) } }
        }
        return branches(isExhaustive: false, parts)
    }

    private mutating func walk(_ node: FlowStatementSyntax, in scope: Scope) -> ValueFacts {
        switch node.kind {
        // `exit` ends the script, not the session.
        case .exit where node.value.map(Self.isPlainCode) ?? true: break
        case .exit: report(.exitStatement, node.extent)
        case .return where scope == .filterBlock: report(.jump, node.extent, subject: "return")
        case .return, .throw: break
        }
        return node.value.map { walk($0, in: scope) } ?? .nothing
    }

    /// Returns whether this is a number or a variable, as scripts pass it to `exit`.
    private static func isPlainCode(_ value: StatementSyntax) -> Bool {
        switch value.pureExpression {
        case .number?, .variable?: true
        default: false
        }
    }

    // MARK: Pipelines

    @discardableResult
    mutating func walk(_ pipeline: PipelineSyntax, in scope: Scope) -> ValueFacts {
        if pipeline.isBackground { report(.backgroundJob, pipeline.extent) }
        var flow = ValueFacts.nothing
        for (index, element) in pipeline.elements.enumerated() {
            switch element {
            case .expression(let node):
                flow = walk(node.expression)
                for redirection in node.redirections { walk(redirection) }
            case .command(let node): flow = walk(node, place: index, input: flow)
            }
        }
        return flow
    }

    mutating func walk(_ redirection: RedirectionSyntax) {
        guard case .file(let file) = redirection else { return }
        switch ConstantValue(file.target) {
        case .null: return
        case .string(let path) where LocalPath.isDataFile(path): break
        default:
            report(.redirection, file.extent)
        }
        walk(file.target)
    }
}
