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
            for (index, pipeline) in node.pipelines.enumerated() {
                // The first one decides whether the others run.
                let facts =
                    index == 0 ? walk(pipeline, in: scope) : maybe { $0.walk(pipeline, in: scope) }
                result = result.then(facts)
            }
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
            // `return` in a block that runs for each object ends this run, not the loop around it.
            if node.kind != .return || scope != .filterBlock { seen.exits += 1 }
            return walk(node, in: scope)
        case .jump(let node):
            // A jump ends at most the script. What it skips is judged as code that may not run, since an error could
            // skip it too.
            if node.kind == .break { seen.exits += 1 }
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
        var parts: [Branch] = []
        for (index, clause) in node.clauses.enumerated() {
            // The first condition is always evaluated.
            if index == 0 { walk(clause.condition, in: scope) }
            parts.append(
                Branch(
                    condition: index == 0 ? nil : { $0.walk(clause.condition, in: scope) },
                    body: { $0.walk(clause.body, in: scope) }))
        }
        if let body = node.elseBody { parts.append(Branch { $0.walk(body, in: scope) }) }
        return branches(isExhaustive: node.elseBody != nil, parts)
    }

    private mutating func walk(_ node: TryStatementSyntax, in scope: Scope) -> ValueFacts {
        let mark = variables.mark
        // An error may end the body anywhere.
        var result = maybe { $0.walk(node.body, in: scope) }
        var parts: [Branch] = []
        for clause in node.catchClauses {
            for type in clause.types where type.typeName.assembly != nil || !isPlainTypeName(type.typeName) {
                report(.catchType, type.extent, subject: "[\(type.typeName.fullName)]")
            }
            parts.append(
                Branch { walk in
                    walk.items.append(.of(.errors, count: 1))
                    defer { walk.items.removeLast() }
                    return walk.walk(clause.body, in: scope)
                })
        }
        result = result.or(branches(isExhaustive: false, parts))
        if let body = node.finallyBody {
            // It also runs after an error in a catch clause.
            variables.loosen(since: mark)
            result = result.then(walk(body, in: scope))
        }
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
        let isOneOf = Self.matchesOnce(node)
        return rounds(all.count, node.extent) { walk in
            if isOneOf { return walk.branches(isExhaustive: false, walk.clauses(of: node, in: scope)) }
            // Each clause that matches runs, one after the other.
            var result = ValueFacts.nothing
            for clause in walk.clauses(of: node, in: scope) {
                result = result.then(walk.branches(isExhaustive: false, [clause]))
            }
            return result
        }
    }

    private func clauses(of node: SwitchStatementSyntax, in scope: Scope) -> [Branch] {
        var clauses = node.clauses.map { clause in
            Branch(
                condition: { walk in
                    // A block that is written here runs for the object, which it has as `$_`.
                    if case .scriptBlock(let block) = walk.soleElement(clause.condition) ?? clause.condition {
                        walk.walk(block: block.scriptBlock, in: .filterBlock)
                        return
                    }
                    let facts = walk.walk(clause.condition)
                    if facts.kinds.contains(.code) { walk.report(.switchStatement, clause.condition.extent) }
                }, body: { $0.walk(clause.body, in: scope) })
        }
        if let body = node.defaultBody { clauses.append(Branch { $0.walk(body, in: scope) }) }
        return clauses
    }

    /// Returns whether an object can match only one of the clauses, because all are different texts.
    private static func matchesOnce(_ node: SwitchStatementSyntax) -> Bool {
        guard node.flags.isDisjoint(with: [.wildcard, .regex]) else { return false }
        let texts = node.clauses.map { ConstantValue($0.condition).text?.asciiLowercased }
        return !texts.contains(nil) && Set(texts).count == texts.count
    }

    private mutating func walk(_ node: FlowStatementSyntax, in scope: Scope) -> ValueFacts {
        switch node.kind {
        // `exit` ends the script, not the session.
        case .exit where node.value.map(Self.isPlainCode) ?? true: break
        case .exit: report(.exitStatement, node.extent)
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
        guard pipeline.elements.count > 1 else { return walk(elementsOf: pipeline) }
        return together(pipeline.extent) { $0.walk(elementsOf: pipeline) }
    }

    private mutating func walk(elementsOf pipeline: PipelineSyntax) -> ValueFacts {
        var flow = ValueFacts.nothing
        for (index, element) in pipeline.elements.enumerated() {
            switch element {
            case .expression(let node):
                flow = walk(node.expression)
                for redirection in node.redirections { walk(redirection) }
                if Self.mergesInformation(node.redirections) { flow = .unknown }
            case .command(let node):
                flow = walk(node, place: index, input: flow)
                if Self.mergesInformation(node.redirections) { flow = .unknown }
            }
        }
        return flow
    }

    /// Returns whether redirections add information records to the output, which hold any object that was written.
    private static func mergesInformation(_ redirections: [RedirectionSyntax]) -> Bool {
        redirections.contains { redirection in
            guard case .merging(let node) = redirection else { return false }
            return [.all, .information].contains(node.from)
        }
    }

    /// Walks a statement whose value is used: that of an assignment is what it assigns.
    mutating func walk(value statement: StatementSyntax, in scope: Scope) -> ValueFacts {
        guard case .assignment(let node) = statement else { return walk(statement, in: scope) }
        guard enter(statement.extent) else { return .unknown }
        defer { depth -= 1 }
        return walk(node, in: scope)
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
