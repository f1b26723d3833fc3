internal import PowerShellSyntax

/// A `for` that counts one variable up or down to a bound and then ends.
struct CountingLoop {
    /// The variable that counts, in lower case.
    let variable: String
    /// How many rounds at most; nil when the bound is only known when it runs.
    let most: Int?

    /// - Parameter number: the number that an expression surely is, where the script's own variables tell.
    /// - Returns: nil when the loop may not end: another form.
    init?(_ node: ForStatementSyntax, number: (ExpressionSyntax) -> Int?) {
        guard let start = node.initializer, case .assignment(let first) = start, first.op == .equals,
            case .variable(let counter) = first.target, counter.path.qualifier == .none,
            let condition = node.condition.flatMap(Self.only), case .binary(let test) = condition,
            case .variable(let tested) = test.left, let iterator = node.iterator
        else { return nil }
        let name = counter.path.name.asciiLowercased
        guard tested.path.qualifier == .none, tested.path.name.asciiLowercased == name, Self.isBound(test.right),
            let step = Self.step(iterator, of: name, number: number), Self.leads(test.op, step)
        else { return nil }
        variable = name
        let from = Self.only(first.value).flatMap { ConstantValue($0).text }.flatMap { Int($0) }
        let to = ConstantValue(test.right).text.flatMap { Int($0) }
        if let from, let to, abs(from) < 1_000_000, abs(to) < 1_000_000 {
            most = abs(to - from) + 1
        } else {
            most = nil
        }
    }

    private static func only(_ statement: StatementSyntax) -> ExpressionSyntax? {
        guard case .pipeline(let pipeline) = statement, pipeline.elements.count == 1, !pipeline.isBackground,
            case .expression(let element) = pipeline.elements[0], element.redirections.isEmpty
        else { return nil }
        return element.expression
    }

    /// A number, a variable, or the count of one, and a number more or less.
    private static func isBound(_ expression: ExpressionSyntax) -> Bool {
        switch expression {
        case .number: return true
        case .variable(let variable): return variable.path.qualifier == .none
        case .member(let node):
            guard case .variable = node.target, let name = ConstantValue(node.member).text?.asciiLowercased else {
                return false
            }
            return ["count", "length"].contains(name)
        case .binary(let node):
            return [.plus, .minus, .multiply, .divide].contains(node.op) && isBound(node.left) && isBound(node.right)
        case .paren(let node): return only(node.pipeline).map(isBound) ?? false
        default: return false
        }
    }

    private static func step(
        _ statement: StatementSyntax, of name: String, number: (ExpressionSyntax) -> Int?
    ) -> Int? {
        func isCounter(_ expression: ExpressionSyntax) -> Bool {
            guard case .variable(let variable) = expression else { return false }
            return variable.path.qualifier == .none && variable.path.name.asciiLowercased == name
        }
        if case .assignment(let node) = statement, isCounter(node.target), let value = only(node.value),
            let number = number(value), number > 0
        {
            return node.op == .plusEquals ? number : node.op == .minusEquals ? -number : nil
        }
        guard let expression = only(statement), case .unary(let node) = expression, isCounter(node.operand) else {
            return nil
        }
        switch node.op {
        case .plusPlus, .postfixPlusPlus: return 1
        case .minusMinus, .postfixMinusMinus: return -1
        default: return nil
        }
    }

    private static func leads(_ op: BinaryOperator, _ step: Int) -> Bool {
        switch op {
        case .ilt, .ile, .clt, .cle: step > 0
        case .igt, .ige, .cgt, .cge: step < 0
        default: false
        }
    }
}
