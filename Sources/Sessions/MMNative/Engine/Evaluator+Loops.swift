import PowerShellSyntax

/// Loops, `switch` and `try`.
extension Evaluator {
    /// Runs a loop's body once; returns `false` when the loop ends.
    func loop(_ body: StatementBlockSyntax, _ label: String?, into sink: Sink) throws(Interrupt) -> Bool {
        try step()
        let outer = position
        do throws(Interrupt) {
            try run(body, into: sink)
            return true
        } catch {
            guard let isBreak = error.endsLoop(label) else { throw error }
            position = outer
            return !isBreak
        }
    }

    func runLoop(_ statement: StatementSyntax, into sink: Sink) throws(Interrupt) {
        openLoops += 1
        defer { openLoops -= 1 }
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
            if let initializer = node.initializer { _ = try worth(of: initializer) }
            while try node.condition.map({ (condition) throws(Interrupt) in try holds(condition) }) ?? true {
                try round()
                guard try loop(node.body, node.label, into: sink) else { return }
                if let iterator = node.iterator { _ = try worth(of: iterator) }
            }
        default: throw .handOver("an unusual loop")
        }
    }

    func runSwitch(_ node: SwitchStatementSyntax, into sink: Sink) throws(Interrupt) {
        let outer = current
        defer { current = outer }
        for item in try elements(of: node.condition) ?? [.null] {
            current = item
            var isMatched = false
            do throws(Interrupt) {
                for clause in node.clauses where try fits(item, clause.condition, node.flags) {
                    isMatched = true
                    try run(clause.body, into: sink)
                }
                if !isMatched, let body = node.defaultBody { try run(body, into: sink) }
            } catch {
                guard let isBreak = error.endsLoop(node.label) else { throw error }
                if isBreak { return }
            }
        }
    }

    /// Returns whether a clause of `switch` is for a value. Its block decides; `$null` is for `$null`; anything else is
    /// compared as text.
    private func fits(
        _ item: PSValue, _ condition: ExpressionSyntax, _ flags: SwitchFlags
    ) throws(Interrupt) -> Bool {
        let ignoringCase = !flags.contains(.caseSensitive)
        let wanted = try value(of: condition)
        if case .block(let block) = wanted {
            // An error in a condition ends the whole statement.
            tries += 1
            defer { tries -= 1 }
            return try scoped { () throws(Interrupt) in try result(of: block, on: item).isTrue }
        }
        if wanted.isNull { return item.isNull }
        guard RegexObjects.written(wanted) == nil else { throw .handOver("a switch with a regex object") }
        let (text, other) = (try PSText.string(item), try PSText.string(wanted))
        if flags.contains(.regex) {
            _ = try pattern(other, ignoringCase: ignoringCase, for: .replacement)
            let op: BinaryOperator = ignoringCase ? .imatch : .cmatch
            return try apply(op, .string(text), .string(other)).isTrue
        }
        if flags.contains(.wildcard) { return try wildcard(other, ignoringCase: ignoringCase).matches(text) }
        return try Collation.equal(other, text, ignoringCase: ignoringCase)
    }

    func runTry(_ node: TryStatementSyntax, into sink: Sink) throws(Interrupt) {
        var reason: Interrupt?
        do throws(Interrupt) {
            try attempt(node, into: sink)
        } catch {
            switch error {
            case .handOver, .stopped: throw error
            default: reason = error
            }
        }
        if let body = node.finallyBody { try run(body, into: sink) }
        if let reason { throw reason }
    }

    /// Returns the clause that catches an error, and whether it does so because of the inner exception.
    private func clause(
        of node: TryStatementSyntax, for record: NativeError
    ) throws(Interrupt) -> (clause: CatchClauseSyntax, isInner: Bool)? {
        let types = node.catchClauses.map { $0.types.map { scriptTypes.exception($0.typeName.fullName) } }
        if let thrown = Thrown(record) {
            return thrown.clause(among: types).map { (node.catchClauses[$0.place], $0.isInner) }
        }
        // The .NET type of a service's errors isn't known here, so only a clause that catches every exception is
        // certain.
        for (place, clause) in node.catchClauses.enumerated() {
            if types[place].isEmpty || types[place].contains(where: { ExceptionType.named($0) == "System.Exception" }) {
                return (clause, false)
            }
            guard types[place].allSatisfy({ ExceptionType.named($0).map(ExceptionType.isOfValues) ?? false }) else {
                throw .handOver("catch by type")
            }
        }
        return nil
    }

    /// Runs the body and, after an error, the clause that catches it. An error inside a clause ends the whole
    /// statement, as one inside the body does.
    private func attempt(_ node: TryStatementSyntax, into sink: Sink) throws(Interrupt) {
        tries += 1
        defer { tries -= 1 }
        let record: NativeError
        let outer = position
        do throws(Interrupt) {
            return try run(node.body, into: sink)
        } catch {
            switch error {
            case .statement(let raised), .fatal(let raised), .refused(let raised): record = raised
            default: throw error
            }
            guard !node.catchClauses.isEmpty else { throw error }
            guard try clause(of: node, for: record) != nil else { throw error }
        }
        guard !record.id.isEmpty else { throw .handOver(record.message) }
        guard let (clause, isInner) = try clause(of: node, for: record) else { return }
        let value = ErrorRecords.value(of: record, at: failingPlace, isInner: isInner, isWhole: onlyReads)
        position = outer
        try keep(value)
        try handling(record, as: value) { () throws(Interrupt) in try run(clause.body, into: sink) }
    }

    /// Handles an error: `$_` is that error meanwhile, and a bare `throw` rethrows it.
    func handling(
        _ record: NativeError, as value: PSValue? = nil, _ work: () throws(Interrupt) -> Void
    ) throws(Interrupt) {
        let outer = current
        current = value ?? ErrorRecords.value(of: record, isWhole: onlyReads)
        caught.append(record)
        defer {
            current = outer
            caught.removeLast()
        }
        try work()
    }
}
