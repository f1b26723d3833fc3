import PowerShellSyntax

/// Assignments: to variables, with and without a type of their own, to the elements of tables, and to several at once.
extension Evaluator {
    /// What an assignment changes.
    enum Place {
        case variable(String), element(PSTable, PSValue)
    }

    /// Returns the place that an expression names.
    func place(of expression: ExpressionSyntax) throws(Interrupt) -> Place {
        switch expression {
        case .variable(let node):
            guard !node.isSplatted, node.path.qualifier == .none else {
                throw .handOver("a variable of a scope or drive")
            }
            let name = node.path.name.lowercased()
            guard Self.settable.contains(name) || !AutomaticNames.contains(name), !foreignVariables.contains(name)
            else {
                throw .handOver("an assignment to $\(node.path.name)")
            }
            return .variable(name)
        case .index(let node):
            let table = try table(in: node.target)
            let key = try value(of: node.index)
            if table.isOrdered, Comparison.isNumber(key) { throw .handOver("an index of a table") }
            guard PSTable.accepts(key) else { throw .handOver("an unusual key") }
            return .element(table, key)
        case .member(let node):
            guard !node.isStatic, let name = node.constantName, Collation.isCertain(name) else {
                throw .handOver("an assignment to a computed member")
            }
            return .element(try table(in: node.target), .string(name))
        default: throw .handOver("an assignment to other than a variable")
        }
    }

    private func table(in expression: ExpressionSyntax) throws(Interrupt) -> PSTable {
        let target = try value(of: expression)
        guard case .table(let table) = target else { throw .handOver("an assignment to a part of \(target.typeName)") }
        return table
    }

    /// Returns what a place holds.
    func read(_ place: Place) throws(Interrupt) -> PSValue {
        switch place {
        case .variable("_"): current ?? .null
        case .variable(let name): variables[name] ?? .null
        case .element(let table, let key): table[key] ?? .null
        }
    }

    /// Puts a value into a place.
    func write(_ value: PSValue, to place: Place) throws(Interrupt) {
        switch place {
        case .variable(let name): try set(name, value)
        case .element(let table, let key):
            try note(value)
            table.set(key, value)
        }
    }

    /// Sets a variable, or `$_`. A variable with a type of its own converts what it is given.
    func set(_ name: String, _ value: PSValue) throws(Interrupt) {
        if name == "_" {
            current = value
        } else if name == "null" {
            // What is assigned to it is dropped.
        } else if name == Self.preferenceName {
            variables[name] = try Self.preference(value)
        } else if let type = types[name] {
            variables[name] = try converted(value, to: type)
        } else {
            variables[name] = value
        }
    }

    private func converted(_ value: PSValue, to type: PSType) throws(Interrupt) -> PSValue {
        if type == .array, value.isNull { return .null }
        do throws(Interrupt) {
            return try Conversion.cast(value.plain, to: type)
        } catch {
            guard case .statement = error else { throw error }
            throw .handOver("a value that its variable's type refuses")
        }
    }

    /// Performs an assignment and returns its value.
    func assign(_ node: AssignmentStatementSyntax) throws(Interrupt) -> PSValue {
        switch node.target {
        case .convert(let typed):
            guard case .variable(let variable) = typed.operand, node.op == .equals,
                let type = PSType(written: typed.type.typeName.fullName)
            else { throw .handOver("an assignment with a type") }
            guard case .variable(let name) = try place(of: .variable(variable)), !Self.settable.contains(name) else {
                throw .handOver("an assignment with a type")
            }
            let right = try worth(of: node.value)
            types[name] = type == .object ? nil : type
            try set(name, right)
            return variables[name] ?? .null
        case .arrayLiteral(let list):
            guard node.op == .equals else { throw .handOver("an assignment to several variables") }
            var places: [Place] = []
            for element in list.elements { places.append(try place(of: element)) }
            let right = try worth(of: node.value).plain
            try spread(right, to: places)
            return right
        default: return try assign(node, to: try place(of: node.target))
        }
    }

    /// Sets several variables: the last one takes all that is left.
    private func spread(_ value: PSValue, to places: [Place]) throws(Interrupt) {
        var items: [PSValue] = [value]
        if case .array(let elements) = value { items = elements }
        for (index, place) in places.enumerated() {
            guard index < items.count else {
                try write(.null, to: place)
                continue
            }
            let isLast = index == places.count - 1
            try write(isLast && items.count > places.count ? .array(Array(items[index...])) : items[index], to: place)
        }
    }

    private func assign(_ node: AssignmentStatementSyntax, to place: Place) throws(Interrupt) -> PSValue {
        if node.op == .equals {
            let value = try worth(of: node.value)
            try write(value, to: place)
            return value
        }
        if node.op == .plusEquals, case .variable(let name) = place, name != "_", types[name] == nil,
            let count = lengthOfList(name)
        {
            return try append(to: name, of: count, node.value)
        }
        let before = try read(place).plain
        // The right side only runs where it is needed.
        if node.op == .questionQuestionEquals, !before.isNull { return before }
        let right = try worth(of: node.value)
        let value: PSValue
        switch node.op {
        case .equals, .questionQuestionEquals: value = right
        case .plusEquals: value = try counted(try Arithmetic.add(before, right.plain))
        case .minusEquals: value = try Arithmetic.subtract(before, right.plain)
        case .multiplyEquals: value = try counted(try Arithmetic.multiply(before, right.plain))
        case .divideEquals: value = try Arithmetic.divide(before, right.plain)
        case .remainderEquals: value = try Arithmetic.remainder(before, right.plain)
        }
        try write(value, to: place)
        return value
    }

    /// Returns how long the list is that a variable holds; `nil` for any other value. Nothing keeps a hold on the list.
    private func lengthOfList(_ name: String) -> Int? {
        if case .array(let items)? = variables[name] { items.count } else { nil }
    }

    /// Takes the list out of a variable, so that nobody else holds it.
    private func takenList(_ name: String) -> [PSValue]? {
        if case .array(let items)? = variables.updateValue(.null, forKey: name) { items } else { nil }
    }

    /// Adds to a list that a variable holds, in place: a list that nobody else holds isn't copied.
    private func append(to name: String, of count: Int, _ statement: StatementSyntax) throws(Interrupt) -> PSValue {
        let right = try worth(of: statement)
        guard var items = takenList(name), items.count == count else {
            throw .handOver("a list that changes while something is added to it")
        }
        let before = items.count
        switch right {
        case .array(let others): items += others
        case .nothing: items.append(.null)
        default: items.append(right)
        }
        for item in items[before...] { try note(item) }
        guard items.count <= limits.listItems || delivery.hasSent else { throw .handOver("a long list") }
        variables[name] = .array(items)
        return .array(items)
    }
}
