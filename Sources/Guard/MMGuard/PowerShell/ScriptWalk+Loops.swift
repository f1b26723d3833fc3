internal import PowerShellSyntax

extension ScriptWalk {
    /// One of several alternative parts.
    struct Branch {
        /// What is evaluated before it, unless an earlier branch was taken.
        var condition: ((inout ScriptWalk) -> Void)?
        var body: (inout ScriptWalk) -> ValueFacts
    }

    /// Walks alternative parts, of which at most one runs.
    mutating func branches(isExhaustive: Bool, _ parts: [Branch]) -> ValueFacts {
        var result: ValueFacts?
        var outcomes: [[String: ScriptVariables.Entry]] = []
        conditions += 1
        defer { conditions -= 1 }
        for part in parts {
            if let condition = part.condition { maybe(condition) }
            let mark = variables.mark
            let facts = maybeDefining(part.body)
            result = result?.or(facts) ?? facts
            outcomes.append(variables.rollBack(to: mark))
        }
        variables.join(outcomes, isExhaustive: isExhaustive)
        return result ?? .nothing
    }

    /// Walks a part that may not run, or that an error may end anywhere.
    @discardableResult
    mutating func maybe<Result>(_ part: (inout ScriptWalk) -> Result) -> Result {
        let mark = variables.mark
        defer { variables.loosen(since: mark) }
        return maybeDefining(part)
    }

    /// Walks a part that may not run: outside of it, nobody knows whether the functions that it defines exist.
    private mutating func maybeDefining<Result>(_ part: (inout ScriptWalk) -> Result) -> Result {
        let outer = functions
        // What it makes of functions that existed before stays noted.
        defer { if functions.count > outer.count { functions = functions.filter { outer[$0.key] != nil } } }
        return part(&self)
    }

    /// Walks a part until no variable may hold anything, where it begins, that it didn't hold in an earlier walk: the
    /// part runs repeatedly, or its pieces run in another order than they are written.
    mutating func settle(_ extent: SourceExtent, isRepeated: Bool = true, _ part: (inout ScriptWalk) -> Void) {
        for round in 0..<3 {
            let mark = variables.mark
            maybeDefining(part)
            let grown = variables.loosen(since: mark)
            guard isRepeated, !grown.isEmpty else { return }
            // Each further round is charged to a budget, so that nested loops stay cheap.
            budget -= extent.end - extent.start
            guard budget > 0 else { return report(.loop, extent) }
            // A second time nothing is known of what the part assigns, so that the third walk is surely the last.
            guard round == 0 else {
                for name in variables.assigned(since: mark) { variables.assign(name, .unknown) }
                continue
            }
            for (name, before) in grown {
                var wider = variables[name]
                if wider.facts.count != before.facts.count { wider.facts.count = ValueFacts.many }
                if wider.facts.each != before.facts.each { wider.facts.each = ValueFacts.many }
                if wider.facts.held != before.facts.held { wider.facts.held = ValueFacts.many }
                if wider.facts.texts != before.facts.texts { wider.facts.texts = nil }
                variables.assign(name, wider)
            }
        }
    }

    /// Walks pieces that run side by side, as the elements of a pipeline do for each object, or in another order than
    /// they are written: each may see what the others assign.
    mutating func together<Result>(_ extent: SourceExtent, _ part: (inout ScriptWalk) -> Result) -> Result {
        let mark = variables.mark
        var result = part(&self)
        guard variables.hasGrown(since: mark) else { return result }
        guard budget > 0 else {
            report(.loop, extent)
            return result
        }
        _ = variables.rollBack(to: mark)
        budget -= extent.end - extent.start
        settle(extent) { walk in result = part(&walk) }
        return result
    }

    /// Walks a repeated part.
    /// - Parameters:
    ///   - times: the maximum number of rounds.
    ///   - extent: the extent of the repeated part.
    @discardableResult
    mutating func rounds(
        _ times: Int, _ extent: SourceExtent, _ body: (inout ScriptWalk) -> ValueFacts
    ) -> ValueFacts {
        let before = repeats
        repeats = ValueFacts.product(repeats, times)
        conditions += 1
        defer {
            repeats = before
            conditions -= 1
        }
        var result = ValueFacts.nothing
        settle(extent, isRepeated: times > 1) { walk in result = result.or(body(&walk)) }
        return result.times(times)
    }

    mutating func walk(_ node: ForEachStatementSyntax, in scope: Scope) -> ValueFacts {
        let all = walk(node.collection, in: scope)
        let item = all.single
        return rounds(all.count, node.extent) { walk in
            walk.write(node.variable, ScriptVariables.Entry(facts: item))
            return walk.walk(node.body, in: scope)
        }
    }

    mutating func walk(_ node: ForStatementSyntax, in scope: Scope) -> ValueFacts {
        if let part = node.initializer { walk(part, in: scope) }
        let bound = CountingLoop(node) { [self] in number($0) }
        var ends = bound != nil
        let result = rounds(bound?.most ?? ValueFacts.many, node.extent) { walk in
            if let bound { walk.variables.assign(bound.variable, ScriptVariables.Entry(facts: .data())) }
            if let part = node.condition { walk.walk(part, in: scope) }
            let mark = walk.variables.mark
            let result = walk.walk(node.body, in: scope)
            // A loop whose body sets the counter may never end.
            if let bound, walk.variables.assigned(since: mark).contains(bound.variable) { ends = false }
            if let part = node.iterator { walk.walk(part, in: scope) }
            return result
        }
        if !ends { report(.loop, node.extent, subject: "for") }
        return result
    }

    /// Returns the number that an expression surely has: a constant, or a variable that holds one.
    private func number(_ expression: ExpressionSyntax) -> Int? {
        if case .variable(let variable) = expression, variable.path.qualifier == .none {
            let facts = variables[variable.path.name.asciiLowercased].facts
            return facts.texts?.count == 1 && facts.count == 1 ? facts.texts?.first.flatMap { Int($0) } : nil
        }
        return ConstantValue(expression).text.flatMap { Int($0) }
    }

    /// Walks a loop that runs while, or until, its condition holds. The loop may end if its condition depends on what
    /// the loop does (a variable that it sets or a command that it runs), or if the body can leave it.
    mutating func walkConditional(
        _ extent: SourceExtent, _ word: String, condition: StatementSyntax, body: StatementBlockSyntax, in scope: Scope
    ) -> ValueFacts {
        let isOnce = word == "do" && constant(condition) == .bool(false)
        var ends = isOnce
        let result = rounds(isOnce ? 1 : ValueFacts.many, extent) { walk in
            let mark = walk.variables.mark
            let outer = walk.seen
            var result = ValueFacts.nothing
            walk.seen = Seen()
            if word == "do" { result = walk.walk(body, in: scope) }
            var done = walk.seen
            walk.seen = Seen()
            walk.walk(condition, in: scope)
            let asked = walk.seen
            walk.seen = Seen()
            if word != "do" { result = walk.walk(body, in: scope) }
            done.join(walk.seen)
            let set = walk.variables.assigned(since: mark)
            if asked.commands > 0 || done.exits > 0 || !asked.reads.isDisjoint(with: set) { ends = true }
            walk.seen = outer
            walk.seen.join(asked)
            walk.seen.join(done)
            return result
        }
        if !ends { report(.loop, extent, subject: word) }
        return result
    }
}

extension ScriptWalk {
    /// A record of what a walked part contains: variables that are read, commands, and statements that may leave a
    /// loop.
    struct Seen {
        var reads: Set<String> = []
        var commands = 0
        var exits = 0

        mutating func join(_ other: Seen) {
            reads.formUnion(other.reads)
            commands += other.commands
            exits += other.exits
        }
    }
}

/// A `for` that counts one variable up or down to a bound and then ends.
struct CountingLoop {
    /// The variable that counts, in lower case.
    let variable: String
    /// The maximum number of rounds; nil if the bound is only known when the script runs.
    let most: Int?

    /// - Parameter number: returns the number that an expression surely has, as far as the script's variables show.
    /// - Returns: nil if the loop has another form, so that it may not end.
    init?(_ node: ForStatementSyntax, number: (ExpressionSyntax) -> Int?) {
        guard let start = node.initializer, case .assignment(let first) = start, first.op == .equals,
            case .variable(let counter) = first.target, counter.path.qualifier == .none,
            case .binary(let test)? = node.condition?.pureExpression,
            case .variable(let tested) = test.left, let iterator = node.iterator
        else { return nil }
        let name = counter.path.name.asciiLowercased
        guard tested.path.qualifier == .none, tested.path.name.asciiLowercased == name, Self.isBound(test.right),
            let step = Self.step(iterator, of: name, number: number), Self.leads(test.op, step)
        else { return nil }
        variable = name
        let from = first.value.pureExpression.flatMap { ConstantValue($0).text }.flatMap { Int($0) }
        let to = ConstantValue(test.right).text.flatMap { Int($0) }
        if let from, let to, ValueFacts.countable.contains(from), ValueFacts.countable.contains(to) {
            most = abs(to - from) + 1
        } else {
            most = nil
        }
    }

    /// Returns whether an expression is a number, a variable, the count of one, or a calculation with these.
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
        case .paren(let node): return node.pureExpression.map(isBound) ?? false
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
        if case .assignment(let node) = statement, isCounter(node.target), let value = node.value.pureExpression,
            let number = number(value), number > 0
        {
            return node.op == .plusEquals ? number : node.op == .minusEquals ? -number : nil
        }
        guard case .unary(let node)? = statement.pureExpression, isCounter(node.operand) else { return nil }
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
