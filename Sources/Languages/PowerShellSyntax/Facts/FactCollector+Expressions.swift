extension FactCollector {
    mutating func visit(_ expression: ExpressionSyntax) {
        switch expression {
        case .string(let node): emit(node.extent, .string(node.value))
        case .number(let node): emit(node.extent, .number(FactNumber(text: node.text, value: node.value)))
        case .expandableString(let node):
            emit(node.extent, .expandableString(parts: node.parts.count))
            for node in node.parts.reversed() { push(.expression(node)) }
        case .variable(let node):
            if FactLiteral(node.path) == nil || node.isSplatted {
                emit(node.extent, .variable(path: node.path, isSplatted: node.isSplatted))
            }
        case .using(let node): push(.expression(node.expression))
        case .paren(let node): push(.statement(node.pipeline))
        case .sub(let node): push(.block(node.block))
        case .array(let node): push(.block(node.block))
        case .arrayLiteral(let node): for node in node.elements.reversed() { push(.expression(node)) }
        case .hashtable(let node):
            emit(node.extent, .hashtable(count: node.entries.count))
            for entry in node.entries.reversed() {
                push(.statement(entry.value))
                push(.expression(entry.key))
            }
        case .scriptBlock(let node):
            emit(node.extent, .scriptBlock)
            push(.scriptBlock(node.scriptBlock), deeper: 1)
        case .type(let node): emit(node.extent, .type(name: node.typeName.fullName, use: .expression))
        case .convert(let node):
            push(.expression(node.operand))
            push(.type(node.type, .cast))
        case .attributed(let node):
            push(.expression(node.operand))
            push(.attribute(node.attribute))
        case .unary(let node): visit(node)
        case .binary(let node):
            emit(node.extent, .operator(name: node.op.rawValue, arity: 2))
            push(.expression(node.right))
            push(.expression(node.left))
        case .ternary(let node):
            emit(node.extent, .operator(name: "Ternary", arity: 3))
            push(.expression(node.ifFalse))
            push(.expression(node.ifTrue))
            push(.expression(node.condition))
        case .member(let node):
            let name = node.constantName
            emit(
                node.extent,
                .member(name: name, isStatic: node.isStatic, isNullConditional: node.isNullConditional))
            if name == nil { push(.expression(node.member)) }
            push(.expression(node.target))
        case .invokeMember(let node): visit(node)
        case .baseConstructorCall(let node):
            let place = node.keywordExtent ?? SourceExtent(start: 0, end: 0)
            if node.keywordExtent != nil {
                let call = CallFact(
                    name: ".ctor", isStatic: false, isNullConditional: false, argumentCount: node.arguments.count,
                    genericArguments: [])
                emit(node.extent, .call(call))
            }
            emit(place, .variable(path: VariablePath("this"), isSplatted: false))
            for node in node.arguments.reversed() { push(.expression(node)) }
        case .index(let node):
            emit(
                node.extent,
                .index(value: FactValue(node.index), isNullConditional: node.isNullConditional))
            push(.expression(node.index))
            push(.expression(node.target))
        }
    }

    private mutating func visit(_ node: UnaryExpressionSyntax) {
        emit(node.extent, .operator(name: node.op.rawValue, arity: 1))
        switch node.op {
        case .plusPlus, .minusMinus, .postfixPlusPlus, .postfixMinusMinus:
            emitTargets(node.operand, by: node.op.rawValue)
        default: break
        }
        push(.expression(node.operand))
    }

    private mutating func visit(_ node: InvokeMemberExpressionSyntax) {
        let name = node.constantName
        let call = CallFact(
            name: name, isStatic: node.isStatic, isNullConditional: node.isNullConditional,
            argumentCount: node.arguments.count, genericArguments: node.genericArguments.map(\.fullName))
        emit(node.extent, .call(call))
        for node in node.arguments.reversed() { push(.expression(node)) }
        if name == nil { push(.expression(node.member)) }
        push(.expression(node.target))
    }
}
