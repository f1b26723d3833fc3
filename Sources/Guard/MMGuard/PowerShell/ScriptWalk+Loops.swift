internal import PowerShellSyntax

extension ScriptWalk {
    /// Walks parts of which one runs, or perhaps none.
    /// - Parameter isConditional: whether what the script does decides which one runs, and not only an error.
    mutating func branches(
        isExhaustive: Bool, isConditional: Bool = true, _ parts: [(inout ScriptWalk) -> ValueFacts]
    ) -> ValueFacts {
        var result: ValueFacts?
        var outcomes: [[String: ScriptVariables.Entry]] = []
        if isConditional { conditions += 1 }
        defer { if isConditional { conditions -= 1 } }
        for part in parts {
            let mark = variables.mark
            let facts = part(&self)
            result = result?.or(facts) ?? facts
            outcomes.append(variables.rollBack(to: mark))
        }
        variables.join(outcomes, isExhaustive: isExhaustive)
        return result ?? .nothing
    }

    /// Walks what runs again and again: once as it begins, and again where a round leaves more behind than the round before
    /// knew of.
    /// - Parameters:
    ///   - times: how many rounds there are at most.
    ///   - extent: the place of what is repeated.
    @discardableResult
    mutating func rounds(
        _ times: Int, _ extent: SourceExtent, _ body: (inout ScriptWalk) -> ValueFacts
    ) -> ValueFacts {
        let before = repeats
        repeats = ValueFacts.product(repeats, times)
        loops += 1
        conditions += 1
        defer {
            repeats = before
            loops -= 1
            conditions -= 1
        }
        var result = ValueFacts.nothing
        for round in 0..<3 {
            let mark = variables.mark
            result = result.or(body(&self))
            let outcome = variables.rollBack(to: mark)
            let hasGrown = outcome.contains { !variables[$0.key].facts.covers($0.value.facts) }
            if !hasGrown {
                variables.join([outcome], isExhaustive: false)
                break
            }
            // Walking again is paid from a budget, so that loops within loops within loops stay cheap.
            budget -= extent.end - extent.start
            guard budget > 0 else {
                report(.loop, extent)
                break
            }
            for (name, entry) in outcome {
                let known = variables[name]
                var wider = known.or(entry)
                if round > 0 { wider.facts = .unknown }
                if wider.facts.count != known.facts.count { wider.facts.count = ValueFacts.many }
                if wider.facts.texts != known.facts.texts { wider.facts.texts = nil }
                variables.assign(name, wider)
            }
        }
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
            // Who sets the counter himself may count for ever.
            if let bound, walk.variables.assigned(since: mark).contains(bound.variable) { ends = false }
            if let part = node.iterator { walk.walk(part, in: scope) }
            return result
        }
        if !ends { report(.loop, node.extent, subject: "for") }
        return result
    }

    /// The number that an expression surely is: a constant, or a variable that holds one.
    private func number(_ expression: ExpressionSyntax) -> Int? {
        if case .variable(let variable) = expression, variable.path.qualifier == .none {
            let facts = variables[variable.path.name.asciiLowercased].facts
            return facts.texts?.count == 1 && facts.count == 1 ? facts.texts?.first.flatMap { Int($0) } : nil
        }
        return ConstantValue(expression).text.flatMap { Int($0) }
    }

    /// A loop that runs while, or until, its condition holds. It may end where the condition depends on what the loop does: on a
    /// variable that it sets or a command that it runs; and where the body can leave it.
    mutating func walkConditional(
        _ extent: SourceExtent, _ word: String, condition: StatementSyntax, body: StatementBlockSyntax, in scope: Scope
    ) -> ValueFacts {
        let isOnce = word == "do" && constant(condition) == .bool(false)
        var ends = isOnce
        let result = rounds(isOnce ? 1 : ValueFacts.many, extent) { walk in
            let mark = walk.variables.mark
            let outer = walk.seen
            walk.seen = Seen()
            walk.walk(condition, in: scope)
            let asked = walk.seen
            let result = walk.walk(body, in: scope)
            let set = walk.variables.assigned(since: mark)
            if asked.commands > 0 || walk.seen.exits > asked.exits || !asked.reads.isDisjoint(with: set) { ends = true }
            walk.seen.join(outer)
            return result
        }
        if !ends { report(.loop, extent, subject: word) }
        return result
    }
}

extension ScriptWalk {
    /// What was met while a part was walked: what its value depends on, and whether it may leave a loop.
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
