/// Operators, from the loosest to the tightest binding.
extension Parser {
    /// Parses an expression; `nil` when nothing that can start one follows.
    /// - Parameter inTernary: whether `?` and `:` end a number at the start.
    mutating func parseExpression(inTernary: Bool) throws(Stop) -> ExpressionSyntax? {
        let oldMode = lexer.mode
        setMode(.expression)
        guard var expression = try parseArrayLiteral(inTernary: inTernary) else {
            setMode(oldMode)
            return nil
        }
        let kind = try peekKind()
        if kind.binaryOperator != nil { expression = try finishBinary(expression) }
        if held.kind == .parameter { throw unexpected(held) }
        if try peekKind() == .questionMark { expression = try finishTernary(expression) }
        setMode(oldMode)
        return expression
    }

    @inline(never)
    private mutating func finishTernary(_ condition: ExpressionSyntax) throws(Stop) -> ExpressionSyntax {
        let question = try nextToken()
        try skipNewlines()
        guard let ifTrue = try parseExpression(inTernary: true) else {
            throw failIncomplete("ExpectedValueExpression", at: extent(question).after)
        }
        try skipNewlines()
        let colon = try nextToken()
        guard colon.kind == .colon else {
            throw failIncomplete("MissingColonInTernaryExpression", at: extent(colon))
        }
        try skipNewlines()
        guard let ifFalse = try parseExpression(inTernary: true) else {
            throw failIncomplete("ExpectedValueExpression", at: extent(colon).after)
        }
        try grow()
        return .ternary(
            keep(
                TernaryExpressionSyntax(
                    extent: condition.extent.through(ifFalse.extent), condition: condition, ifTrue: ifTrue,
                    ifFalse: ifFalse)))
    }

    /// A binary operator that awaits its right operand.
    private struct Pending {
        let op: BinaryOperator
        let precedence: Int
        let extent: SourceExtent
    }

    @inline(never)
    private mutating func finishBinary(_ first: ExpressionSyntax) throws(Stop) -> ExpressionSyntax {
        let outer = height
        height = 0
        var operands = [first]
        var pending: [Pending] = []
        var count = 0
        while let (op, precedence) = try peekKind().binaryOperator {
            let token = held
            while let last = pending.last, precedence <= last.precedence { reduce(&operands, &pending) }
            pending.append(Pending(op: op, precedence: precedence, extent: extent(token)))
            count += 1
            skipToken()
            try skipNewlines()
            guard let operand = try parseArrayLiteral(inTernary: true) else {
                throw failIncomplete("ExpectedValueExpression", at: extent(token).after)
            }
            operands.append(operand)
        }
        while !pending.isEmpty { reduce(&operands, &pending) }
        height = max(outer, height)
        try grow(count)
        return operands[0]
    }

    private mutating func reduce(_ operands: inout [ExpressionSyntax], _ pending: inout [Pending]) {
        let right = operands.removeLast()
        let left = operands.removeLast()
        let op = pending.removeLast()
        operands.append(
            .binary(
                keep(
                    BinaryExpressionSyntax(
                        extent: left.extent.through(right.extent), left: left, op: op.op, right: right,
                        operatorExtent: op.extent))))
    }

    /// Parses `a, b`.
    private mutating func parseArrayLiteral(inTernary: Bool) throws(Stop) -> ExpressionSyntax? {
        guard let first = try parseUnary(inTernary: inTernary) else { return nil }
        if commaSeparates { return first }
        if try peekKind() != .comma { return first }
        return try finishArrayLiteral(first)
    }

    @inline(never)
    private mutating func finishArrayLiteral(_ first: ExpressionSyntax) throws(Stop) -> ExpressionSyntax {
        var elements = [first]
        while try peekKind() == .comma {
            let comma = held
            skipToken()
            try skipNewlines()
            guard let element = try parseUnary(inTernary: true) else {
                throw failIncomplete("MissingExpressionAfterToken", at: extent(comma).after)
            }
            elements.append(element)
        }
        let whole = first.extent.through(elements[elements.count - 1].extent)
        return .arrayLiteral(keep(ArrayLiteralSyntax(extent: whole, elements: elements)))
    }

    /// Parses an operand with its unary operators, casts and attributes.
    mutating func parseUnary(inTernary: Bool) throws(Stop) -> ExpressionSyntax? {
        try descend()
        let outer = height
        height = 0
        lexer.allowsSignedNumbers = true
        lexer.endsNumberOnTernary = inTernary
        // A sign or a word may be read differently as the start of a number.
        if hasHeld, held.kind == .minus || (inTernary && held.kind == .generic) { resync(Int(held.start)) }
        let kind = try peekKind()
        lexer.allowsSignedNumbers = false
        lexer.endsNumberOnTernary = false
        var expression: ExpressionSyntax?
        if kind == .lBracket {
            expression = try parseTypedOperand()
        } else if kind == .comma || kind.unaryOperator != nil {
            if kind == .comma, commaSeparates {
                height = outer
                ascend()
                return nil
            }
            expression = try parsePrefixed()
        } else {
            expression = try parsePrimary(withMemberAccess: true)
        }
        if let operand = expression {
            let follower = try peekKind()
            if follower == .plusPlus || follower == .minusMinus { expression = try finishPostfix(operand) }
        }
        try grow()
        height = max(outer, height)
        ascend()
        return expression
    }

    @inline(never)
    private mutating func finishPostfix(_ operand: ExpressionSyntax) throws(Stop) -> ExpressionSyntax {
        let token = try nextToken()
        let op: UnaryOperator = token.kind == .plusPlus ? .postfixPlusPlus : .postfixMinusMinus
        try grow()
        let whole = operand.extent.through(extent(token))
        return .unary(keep(UnaryExpressionSyntax(extent: whole, op: op, operand: operand)))
    }

    @inline(never)
    private mutating func parsePrefixed() throws(Stop) -> ExpressionSyntax {
        let token = try nextToken()
        try skipNewlines()
        guard let operand = try parseUnary(inTernary: true) else {
            throw failIncomplete("MissingExpressionAfterOperator", at: extent(token).after)
        }
        let whole = extent(token).through(operand.extent)
        guard let op = token.kind.unaryOperator else {
            return .arrayLiteral(keep(ArrayLiteralSyntax(extent: whole, elements: [operand])))
        }
        return .unary(keep(UnaryExpressionSyntax(extent: whole, op: op, operand: operand)))
    }

    /// Parses a type literal, or an operand after casts and attributes.
    @inline(never)
    private mutating func parseTypedOperand() throws(Stop) -> ExpressionSyntax? {
        let attributes = try parseAttributes(inExpression: true)
        guard let last = attributes.last else { return nil }
        var expression: ExpressionSyntax
        switch last {
        case .attribute(let attribute):
            try skipNewlines()
            guard let operand = try parseUnary(inTernary: true) else {
                throw failIncomplete("UnexpectedAttribute", at: attribute.extent)
            }
            expression = attributed(attribute, operand)
        case .typeConstraint(let type):
            expression = try parseConvertOrType(type)
        }
        try grow(attributes.count)
        for attribute in attributes.dropLast().reversed() {
            switch attribute {
            case .attribute(let attribute): expression = attributed(attribute, expression)
            case .typeConstraint(let type): expression = converted(type, expression)
            }
        }
        return expression
    }

    private mutating func parseConvertOrType(_ type: TypeConstraintSyntax) throws(Stop) -> ExpressionSyntax {
        if !hasHeld, let access = try lexer.memberAccessOperator(allowsBracket: false) {
            let literal = keep(TypeExpressionSyntax(extent: type.extent, typeName: type.typeName))
            return try parseAccesses(.type(literal), startingWith: access)
        }
        let kind = try peekKind()
        if kind != .newLine, kind != .comma, let operand = try parseUnary(inTernary: true) {
            return converted(type, operand)
        }
        return .type(keep(TypeExpressionSyntax(extent: type.extent, typeName: type.typeName)))
    }

    private mutating func attributed(
        _ attribute: AttributeSyntax, _ operand: ExpressionSyntax
    ) -> ExpressionSyntax {
        let whole = attribute.extent.through(operand.extent)
        return .attributed(keep(AttributedExpressionSyntax(extent: whole, attribute: attribute, operand: operand)))
    }

    private mutating func converted(
        _ type: TypeConstraintSyntax, _ operand: ExpressionSyntax
    ) -> ExpressionSyntax {
        let whole = type.extent.through(operand.extent)
        return .convert(keep(ConvertExpressionSyntax(extent: whole, type: type, operand: operand)))
    }
}
