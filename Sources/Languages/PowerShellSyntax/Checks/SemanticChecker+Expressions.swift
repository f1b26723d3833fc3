extension SemanticChecker {
    mutating func visit(_ expression: ExpressionSyntax, _ place: Place) throws(Fault) {
        switch expression {
        case .string, .number: break
        case .expandableString(let node): for part in node.parts.reversed() { push(part) }
        case .variable(let node): try visit(node, place)
        case .using(let node):
            try checkUsing(node)
            push(.expression(node.expression, .using))
        case .paren(let node): push(node.pipeline)
        case .sub(let node): push(.block(node.block))
        case .array(let node): push(.block(node.block))
        case .arrayLiteral(let node):
            let inner = place == .commandElement ? Place.commandArray : .plain
            for element in node.elements.reversed() { push(.expression(element, inner)) }
        case .hashtable(let node): try visit(node)
        case .scriptBlock(let node):
            try forbidInData("ScriptBlockNotSupportedInDataSection", node.extent)
            push(.scriptBlock(node.scriptBlock))
        case .type(let node):
            if shared.value.dataCommands != nil, !KnownTypes.isSimple(node.typeName) {
                throw Fault(id: "TypeNotAllowedInDataSection", extent: node.extent)
            }
            try checkType(node.typeName)
        case .convert(let node): try visit(node)
        case .attributed(let node): try visit(node)
        case .unary(let node): try visit(node)
        case .binary(let node):
            if shared.value.dataCommands != nil, Restricted.forbids(node.op) {
                throw Fault(id: "OperatorNotSupportedInDataSection", extent: node.operatorExtent)
            }
            push(node.right)
            push(node.left)
        case .ternary(let node):
            // The engine doesn't list this among the expressions that a data section rejects.
            push(node.ifFalse)
            push(node.ifTrue)
            push(node.condition)
        case .member(let node):
            try forbidInData("PropertyReferenceNotSupportedInDataSection", node.extent)
            push(node.member)
            push(node.target)
        case .invokeMember(let node):
            try forbidInData("MethodCallNotSupportedInDataSection", node.extent)
            for argument in node.arguments.reversed() { push(argument) }
            push(node.member)
            push(node.target)
        case .baseConstructorCall(let node):
            for argument in node.arguments.reversed() { push(argument) }
        case .index(let node):
            try forbidInData("ArrayReferenceNotSupportedInDataSection", node.extent)
            push(node.index)
            push(node.target)
        }
    }

    private mutating func visit(_ node: VariableExpressionSyntax, _ place: Place) throws(Fault) {
        if node.isSplatted, place != .commandElement, place != .using {
            let id = place == .commandArray ? "SplattingNotPermittedInArgumentList" : "SplattingNotPermitted"
            throw Fault(id: id, extent: node.extent)
        }
        if shared.value.dataCommands != nil, !Restricted.allowsVariable(node.path.path) {
            throw Fault(id: "VariableReferenceNotSupportedInDataSection", extent: node.extent)
        }
        if shared.value.member?.isStatic == true, ASCIIFold.equal(node.path.path, "this") {
            throw Fault(id: "NonStaticMemberAccessInStaticMember", extent: node.extent)
        }
    }

    mutating func visit(_ command: CommandSyntax) throws(Fault) {
        if let allowed = shared.value.dataCommands {
            if command.invocation == .dot {
                throw Fault(id: "DotSourcingNotSupportedInDataSection", extent: command.extent)
            }
            if !shared.value.allowsAnyCommand {
                guard let name = command.constantName else {
                    let isCall = command.invocation == .call
                    let id = isCall ? "OperatorNotSupportedInDataSection" : "CmdletNotInAllowedListForDataSection"
                    throw Fault(id: id, extent: command.extent)
                }
                guard allowed.contains(CaseFold.key(name)) else {
                    throw Fault(id: "CmdletNotInAllowedListForDataSection", extent: command.extent)
                }
            }
        }
        for redirection in command.redirections.reversed() { push(.redirection(redirection)) }
        for element in command.elements.reversed() {
            switch element {
            case .argument(.string), .argument(.number): continue
            case .argument(let argument): push(.expression(argument, .commandElement))
            case .parameter(let parameter): push(parameter.argument)
            }
        }
    }

    private mutating func visit(_ node: HashtableSyntax) throws(Fault) {
        var keys: Set<String> = []
        for entry in node.entries {
            let key: String
            switch entry.key {
            case .string(let string): key = string.value
            case .number(let number): key = number.value.invariantText
            default: continue
            }
            guard keys.insert(CaseFold.key(key)).inserted else {
                throw Fault(id: "DuplicateKeyInHashLiteral", extent: entry.key.extent)
            }
        }
        if shared.value.isInAssignmentTarget { context.isInAssignmentTarget = false }
        for entry in node.entries.reversed() {
            push(entry.value)
            push(entry.key)
        }
    }

    private mutating func visit(_ node: ConvertExpressionSyntax) throws(Fault) {
        let type = node.type.typeName
        if KnownTypes.isOrdered(type) {
            guard case .hashtable = node.operand else {
                throw Fault(id: "OrderedAttributeOnlyOnHashLiteralNode", extent: node.extent)
            }
        } else if KnownTypes.isReference(type) {
            var operand = node.operand
            scanning: while true {
                switch operand {
                case .convert(let inner):
                    if KnownTypes.isReference(inner.type.typeName) {
                        throw Fault(id: "ReferenceNeedsToBeByItselfInTypeSequence", extent: inner.type.extent)
                    }
                    operand = inner.operand
                case .attributed(let inner): operand = inner.operand
                default: break scanning
                }
            }
        } else if case .convert(let inner) = node.operand, KnownTypes.isReference(inner.type.typeName),
            !shared.value.isInAssignmentTarget
        {
            throw Fault(id: "ReferenceNeedsToBeLastTypeInTypeConversion", extent: inner.type.extent)
        }
        push(node.operand)
        push(.type(node.type))
    }

    private mutating func visit(_ node: AttributedExpressionSyntax) throws(Fault) {
        try forbidInData("AttributeNotSupportedInDataSection", node.extent)
        var operand = node.operand
        scanning: while true {
            switch operand {
            case .variable: break scanning
            case .convert(let inner): operand = inner.operand
            case .attributed(let inner): operand = inner.operand
            default: throw Fault(id: "UnexpectedAttribute", extent: node.attribute.extent)
            }
        }
        push(node.operand)
        push(.attribute(node.attribute))
    }

    private mutating func visit(_ node: UnaryExpressionSyntax) throws(Fault) {
        if shared.value.dataCommands != nil, Restricted.forbids(node.op) {
            throw Fault(id: "OperatorNotSupportedInDataSection", extent: node.extent)
        }
        switch node.op {
        case .plusPlus, .minusMinus, .postfixPlusPlus, .postfixMinusMinus:
            try checkTarget(node.operand, isSimple: false, id: "OperatorRequiresVariableOrProperty")
        default: break
        }
        push(node.operand)
    }

    /// Checks a `$using:` expression, which must be a variable with constant accesses.
    private mutating func checkUsing(_ node: UsingExpressionSyntax) throws(Fault) {
        var expression = node.expression
        while true {
            switch expression {
            case .variable: return
            case .member(let member) where member.constantName != nil: expression = member.target
            case .index(let index):
                guard ConstantCheck.isConstant(index.index, true) else {
                    throw Fault(id: "InvalidUsingExpression", extent: index.index.extent)
                }
                expression = index.target
            default: throw Fault(id: "InvalidUsingExpression", extent: expression.extent)
            }
        }
    }
}

/// The operators and expressions that a `data` section may contain.
enum Restricted {
    static func forbids(_ op: BinaryOperator) -> Bool {
        switch op {
        case .dotDot, .format, .join, .imatch, .inotmatch, .ireplace, .isplit, .cmatch, .cnotmatch, .creplace, .csplit,
            .as:
            true
        default: false
        }
    }

    static func forbids(_ op: UnaryOperator) -> Bool {
        switch op {
        case .plusPlus, .minusMinus, .postfixPlusPlus, .postfixMinusMinus, .join, .isplit, .csplit: true
        default: false
        }
    }

    static func allowsVariable(_ path: String) -> Bool {
        ["psculture", "psuiculture", "true", "false", "null"].contains(CaseFold.key(path))
    }
}
