import PowerShellSyntax

/// Loops, `switch` and `try`.
extension Evaluator {
    /// Runs a loop's body once; returns `false` when the loop ends.
    func loop(_ body: StatementBlockSyntax, _ label: String?, into sink: Sink) throws(Interrupt) -> Bool {
        try step()
        do throws(Interrupt) {
            try run(body.statements, into: sink)
            return true
        } catch {
            guard case .leaveLoop(let isBreak, _) = error else { throw error }
            return !isBreak
        }
    }

    private func holds(_ condition: StatementSyntax) throws(Interrupt) -> Bool {
        try PSValue.collapsed(collected(condition)).isTrue
    }

    func runLoop(_ statement: StatementSyntax, into sink: Sink) throws(Interrupt) {
        switch statement {
        case .while(let node):
            while try holds(node.condition) {
                try round()
                guard try loop(node.body, node.label, into: sink) else { return }
            }
        case .do(let node):
            repeat {
                try round()
                guard try loop(node.body, node.label, into: sink) else { return }
            } while try holds(node.condition) != node.isUntil
        case .for(let node):
            if let initializer = node.initializer { _ = try collected(initializer) }
            while try node.condition.map({ (condition) throws(Interrupt) in try holds(condition) }) ?? true {
                try round()
                guard try loop(node.body, node.label, into: sink) else { return }
                if let iterator = node.iterator { _ = try collected(iterator) }
            }
        default: throw .handOver("an unusual loop")
        }
    }

    func runSwitch(_ node: SwitchStatementSyntax, into sink: Sink) throws(Interrupt) {
        let outer = current
        defer { current = outer }
        for item in try collected(node.condition) {
            current = item
            var isMatched = false
            do throws(Interrupt) {
                for clause in node.clauses where try fits(item, clause.condition, node.flags) {
                    isMatched = true
                    try run(clause.body.statements, into: sink)
                }
                if !isMatched, let body = node.defaultBody { try run(body.statements, into: sink) }
            } catch {
                guard case .leaveLoop(let isBreak, _) = error else { throw error }
                if isBreak { return }
            }
        }
    }

    private func fits(
        _ item: PSValue, _ condition: ExpressionSyntax, _ flags: SwitchFlags
    ) throws(Interrupt) -> Bool {
        let ignoringCase = !flags.contains(.caseSensitive)
        let wanted = try value(of: condition)
        if case .block(let block) = wanted { return try result(of: block, on: item).isTrue }
        if flags.contains(.wildcard) || flags.contains(.regex) {
            guard case .string(let text) = item, case .string(let pattern) = wanted else {
                throw .handOver("a switch over other than text")
            }
            if flags.contains(.regex) {
                let op: BinaryOperator = ignoringCase ? .imatch : .cmatch
                return try apply(op, item, wanted).isTrue
            }
            return try wildcard(pattern, ignoringCase: ignoringCase).matches(text)
        }
        switch (item, wanted) {
        case (.string, .string), (.int, .int), (.long, .long), (.bool, .bool), (.int, .long), (.long, .int):
            return try Comparison.equal(wanted, item, ignoringCase: ignoringCase)
        default: throw .handOver("a switch over different types")
        }
    }

    func runTry(_ node: TryStatementSyntax, into sink: Sink) throws(Interrupt) {
        do throws(Interrupt) {
            try attempt(node, into: sink)
        } catch {
            switch error {
            case .handOver, .stopped: break
            default: if let body = node.finallyBody { try run(body.statements, into: sink) }
            }
            throw error
        }
        if let body = node.finallyBody { try run(body.statements, into: sink) }
    }

    private func attempt(_ node: TryStatementSyntax, into sink: Sink) throws(Interrupt) {
        let record: NativeError
        tries += 1
        do throws(Interrupt) {
            try run(node.body.statements, into: sink)
            tries -= 1
            return
        } catch {
            tries -= 1
            switch error {
            case .statement(let raised): record = raised
            case .fatal(let raised): record = raised
            default: throw error
            }
        }
        guard let clause = node.catchClauses.first else { throw .handOver("an error with no catch") }
        guard clause.types.isEmpty else { throw .handOver("catch by type") }
        let outer = current
        current = ErrorRecords.value(of: record)
        caught.append(record)
        defer {
            current = outer
            caught.removeLast()
        }
        try run(clause.body.statements, into: sink)
    }
}
