extension FactCollector {
    mutating func visit(_ statement: StatementSyntax) {
        switch statement {
        case .pipeline(let pipeline):
            if pipeline.isBackground { emit(pipeline.extent, .background) }
            visitElements(pipeline)
        case .pipelineChain(let chain):
            for (index, op) in chain.operators.enumerated().reversed() {
                let isLast = index == chain.operators.count - 1
                emit(chain.extent, .chain(op, isBackground: isLast && chain.isBackground))
            }
            for pipeline in chain.pipelines.reversed() { push(.statement(.pipeline(pipeline))) }
        case .assignment(let assignment):
            emitTargets(assignment.target, by: assignment.op.rawValue)
            push(.statement(assignment.value))
            push(.expression(assignment.target))
        case .if(let node):
            emit(node.extent, .statement(name: "if", flags: nil))
            if let body = node.elseBody { push(.block(body)) }
            for clause in node.clauses.reversed() {
                push(.block(clause.body))
                push(.statement(clause.condition))
            }
        case .switch(let node):
            emit(node.extent, .statement(name: "switch", flags: node.flags))
            if let body = node.defaultBody { push(.block(body)) }
            for clause in node.clauses.reversed() {
                push(.block(clause.body))
                push(.expression(clause.condition))
            }
            push(.statement(node.condition))
        case .forEach(let node):
            emit(node.extent, .statement(name: "foreach", flags: nil))
            emit(node.variable.extent, .set(path: node.variable.path, by: "foreach"))
            push(.block(node.body))
            push(.statement(node.collection))
            push(.expression(.variable(node.variable)))
        case .for(let node):
            emit(node.extent, .statement(name: "for", flags: nil))
            push(.block(node.body))
            for part in [node.iterator, node.condition, node.initializer] {
                if let part { push(.statement(part)) }
            }
        case .while(let node):
            emit(node.extent, .statement(name: "while", flags: nil))
            push(.block(node.body))
            push(.statement(node.condition))
        case .do(let node):
            emit(node.extent, .statement(name: node.isUntil ? "dountil" : "dowhile", flags: nil))
            push(.statement(node.condition))
            push(.block(node.body))
        case .flow(let node):
            emit(node.extent, .statement(name: node.kind.rawValue, flags: nil))
            if let value = node.value { push(.statement(value)) }
        case .jump(let node):
            emit(node.extent, .statement(name: node.kind.rawValue, flags: nil))
            if let label = node.label { push(.expression(label)) }
        case .trap(let node): push(.trap(node))
        case .try(let node):
            emit(node.extent, .statement(name: "try", flags: nil))
            if let body = node.finallyBody { push(.block(body)) }
            for clause in node.catchClauses.reversed() {
                push(.block(clause.body))
                for node in clause.types.reversed() { push(.type(node, .catch)) }
            }
            push(.block(node.body))
        case .data(let node):
            let commands = node.supportedCommands.map { FactValue($0) }
            emit(node.extent, .data(variable: node.variable, supportedCommands: commands))
            push(.block(node.body))
        case .function(let node):
            emit(node.extent, .function(name: node.name, isFilter: node.isFilter))
            push(.scriptBlock(node.body), deeper: 1)
            for node in node.parameters.reversed() { push(.parameter(node)) }
        case .type(let node):
            emit(node.extent, .typeDefinition(node.kind, name: node.name))
            for node in node.members.reversed() { push(.member(node)) }
            for node in node.baseTypes.reversed() { push(.type(node, .base)) }
            for node in node.attributes.reversed() { push(.attribute(node)) }
        }
    }

    private mutating func visitElements(_ pipeline: PipelineSyntax) {
        let count = pipeline.elements.count
        for (index, element) in pipeline.elements.enumerated().reversed() {
            switch element {
            case .command(let command): push(.command(command, index: index, count: count))
            case .expression(let expression): push(.commandExpression(expression))
            }
        }
    }

    /// Emits what an assignment, `++` or `--` writes: each of several targets, also below casts, attributes and
    /// parentheses.
    mutating func emitTargets(_ target: ExpressionSyntax, by op: String) {
        var open = [target]
        while let target = open.popLast() {
            switch target {
            case .variable(let node): emit(node.extent, .set(path: node.path, by: op))
            case .member(let node):
                emit(node.extent, .setMember(name: node.constantName, isStatic: node.isStatic))
            case .invokeMember(let node):
                // The engine writes to the member that a call names as to any other.
                emit(node.extent, .setMember(name: node.constantName, isStatic: node.isStatic))
            case .index(let node): emit(node.extent, .setIndex)
            case .convert(let node): open.append(node.operand)
            case .attributed(let node): open.append(node.operand)
            case .arrayLiteral(let node): open.append(contentsOf: node.elements.reversed())
            case .paren(let node):
                if let inner = node.pureExpression { open.append(inner) } else { emit(node.extent, .setOther) }
            default: emit(target.extent, .setOther)
            }
        }
    }
}
