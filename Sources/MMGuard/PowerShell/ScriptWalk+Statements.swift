internal import PowerShellSyntax

extension ScriptWalk {
    mutating func walk(_ statement: StatementSyntax, in scope: Scope) {
        guard enter(statement.extent) else { return }
        defer { depth -= 1 }
        switch statement {
        case .pipeline(let node): walk(node, in: scope)
        case .pipelineChain(let node):
            if node.isBackground { report(.backgroundJob, node.extent) }
            for pipeline in node.pipelines { walk(pipeline, in: scope) }
        case .assignment(let node): walk(node, in: scope)
        case .if(let node):
            for clause in node.clauses {
                walk(clause.condition, in: scope)
                walk(clause.body, in: scope)
            }
            if let body = node.elseBody { walk(body, in: scope) }
        case .switch(let node): walk(node, in: scope)
        case .forEach(let node):
            write(node.variable, isData: isData(node.collection))
            walk(node.collection, in: scope)
            sources.append(.statement(node.collection))
            inLoop { $0.walk(node.body, in: scope) }
            sources.removeLast()
        case .for(let node):
            report(.loop, node.extent, subject: "for")
            for part in [node.initializer, node.condition, node.iterator] { if let part { walk(part, in: scope) } }
            inLoop { $0.walk(node.body, in: scope) }
        case .while(let node):
            report(.loop, node.extent, subject: "while")
            walk(node.condition, in: scope)
            inLoop { $0.walk(node.body, in: scope) }
        case .do(let node):
            report(.loop, node.extent, subject: "do")
            inLoop { $0.walk(node.body, in: scope) }
            walk(node.condition, in: scope)
        case .flow(let node): walk(node, in: scope)
        case .jump(let node):
            if loops == 0 || node.label != nil || scope == .filterBlock {
                report(.jump, node.extent, subject: node.kind.rawValue)
            }
            if let label = node.label { walk(label) }
        case .trap(let node):
            report(.trap, node.extent)
            walk(node.body, in: scope)
        case .try(let node):
            walk(node.body, in: scope)
            for clause in node.catchClauses {
                for type in clause.types where type.typeName.assembly != nil || !isPlainTypeName(type.typeName) {
                    report(.catchType, type.extent, subject: "[\(type.typeName.fullName)]")
                }
                walk(clause.body, in: scope)
            }
            if let body = node.finallyBody { walk(body, in: scope) }
        case .data(let node):
            report(.dataSection, node.extent)
            for command in node.supportedCommands { walk(command) }
            walk(node.body, in: scope)
        case .function(let node): walk(definition: node)
        case .type(let node): walk(definition: node)
        }
    }

    /// Counts a level; false (and a finding) when the tree is too deep to go on.
    mutating func enter(_ extent: SourceExtent) -> Bool {
        if depth >= Self.deepest {
            report(.tooDeep, extent)
            return false
        }
        depth += 1
        return true
    }

    private mutating func inLoop(_ body: (inout ScriptWalk) -> Void) {
        loops += 1
        body(&self)
        loops -= 1
    }

    private func isPlainTypeName(_ type: TypeNameSyntax) -> Bool {
        if case .name = type.form { return true }
        return false
    }

    private mutating func walk(_ node: SwitchStatementSyntax, in scope: Scope) {
        let isPlain = node.flags.subtracting([.exact, .caseSensitive, .wildcard]).isEmpty
        if !isPlain { report(.switchStatement, node.extent, subject: node.flags.names) }
        walk(node.condition, in: scope)
        for clause in node.clauses {
            if case .dynamic = ConstantValue(clause.condition) { report(.switchStatement, clause.condition.extent) }
            walk(clause.condition)
            inLoop { $0.walk(clause.body, in: scope) }
        }
        if let body = node.defaultBody { inLoop { $0.walk(body, in: scope) } }
    }

    private mutating func walk(_ node: FlowStatementSyntax, in scope: Scope) {
        switch node.kind {
        case .exit: report(.exitStatement, node.extent)
        case .return where scope == .filterBlock: report(.jump, node.extent, subject: "return")
        case .return, .throw: break
        }
        if let value = node.value { walk(value, in: scope) }
    }

    private mutating func walk(definition node: FunctionDefinitionSyntax) {
        report(.functionDefinition, node.extent, subject: node.name)
        for parameter in node.parameters { walk(parameter) }
        walk(block: node.body, in: .script)
    }

    private mutating func walk(definition node: TypeDefinitionSyntax) {
        report(.typeDefinition, node.extent, subject: node.name)
        for attribute in node.attributes { walk(attribute: attribute) }
        for base in node.baseTypes { walk(type: base.typeName) }
        for member in node.members {
            switch member {
            case .property(let property):
                for attribute in property.attributes { walk(attribute: attribute) }
                if let type = property.type { walk(type: type.typeName) }
                if let value = property.initialValue { walk(value) }
            case .method(let method):
                for attribute in method.attributes { walk(attribute: attribute) }
                if let type = method.returnType { walk(type: type.typeName) }
                for parameter in method.function.parameters { walk(parameter) }
                walk(block: method.function.body, in: .script)
            }
        }
    }

    // MARK: Assignments

    private mutating func walk(_ node: AssignmentStatementSyntax, in scope: Scope) {
        var target = node.target
        // [string]$name = …: the type must be harmless, the variable plain.
        unwrapping: while true {
            switch target {
            case .convert(let cast):
                walk(type: cast.type.typeName)
                target = cast.operand
            case .attributed(let node):
                walk(attribute: node.attribute)
                target = node.operand
            default: break unwrapping
            }
        }
        if case .variable(let variable) = target {
            write(variable, isData: node.op == .equals && isData(node.value))
            if node.op == .equals { values[variable.path.name.asciiLowercased] = node.value }
        } else {
            report(.variableTarget, target.extent)
            walk(target)
        }
        walk(node.value, in: scope)
    }

    /// Notes that a variable is written.
    mutating func write(_ variable: VariableExpressionSyntax, isData: Bool) {
        let path = variable.path
        let name = path.name.asciiLowercased
        guard path.qualifier == .none else {
            return report(
                path.drive != nil ? .driveVariable : .scopedVariable, variable.extent, subject: "$" + path.path)
        }
        if name == "null" { return }
        guard isPlainName(path.name) else { return report(.variableTarget, variable.extent, subject: "$" + path.path) }
        guard !tables.cmdlets.isAutomaticVariable(name) else {
            return report(.automaticVariable, variable.extent, subject: "$" + path.path)
        }
        assigned[name] = (assigned[name] ?? true) && isData
    }

    /// Letters, digits and `_`: what a person would type.
    func isPlainName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x5f
            }
    }

    /// Whether a statement is a constant, or a list of constants: a value that carries no code.
    private func isData(_ statement: StatementSyntax) -> Bool {
        guard case .pipeline(let pipeline) = statement, pipeline.elements.count == 1, !pipeline.isBackground,
            case .expression(let element) = pipeline.elements[0]
        else { return false }
        return ConstantValue(element.expression) != .dynamic
    }

    // MARK: Pipelines

    mutating func walk(_ pipeline: PipelineSyntax, in scope: Scope) {
        if pipeline.isBackground { report(.backgroundJob, pipeline.extent) }
        for (index, element) in pipeline.elements.enumerated() {
            switch element {
            case .expression(let node):
                walk(node.expression)
                for redirection in node.redirections { walk(redirection) }
            case .command(let node):
                if index > 0 { sources.append(.pipeline(pipeline.elements[..<index])) }
                walk(node, place: index)
                if index > 0 { sources.removeLast() }
            }
        }
    }

    mutating func walk(_ redirection: RedirectionSyntax) {
        guard case .file(let file) = redirection else { return }
        switch ConstantValue(file.target) {
        case .null: return
        case .string(let path) where LocalPath.isDataFile(path):
            report(
                GuardFinding(
                    rule: "local-file", classes: .write, reason: "It writes the file \(path) in the working folder.",
                    subject: path),
                file.extent)
        default:
            report(.redirection, file.extent)
        }
        walk(file.target)
    }
}
