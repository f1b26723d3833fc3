import PowerShellSyntax

/// Assignments: to variables, with and without a type of their own, to the elements of tables, and to several at once.
extension Evaluator {
    /// What an assignment changes.
    enum Place {
        case variable(String), element(PSTable, PSValue), property(PSObject, String), item(PSList, Int)
        /// A variable of the script itself, seen from a function.
        case outer(String)
        /// What is assigned is dropped, as by `$env:` in a run of its own.
        case dropped
    }

    /// Returns the place that an expression names.
    func place(of expression: ExpressionSyntax) throws(Interrupt) -> Place {
        switch expression {
        case .variable(let node):
            let name = node.path.name.lowercased()
            switch node.path.qualifier {
            case .none, .local, .private: break
            case .script, .global: return .outer(name)
            case .drive(let drive) where drive.lowercased() == "env" && host != nil: return .dropped
            default: throw .handOver("a variable of a scope or drive")
            }
            guard !node.isSplatted else { throw .handOver("an assignment to a splat") }
            if Self.silent.contains(name) { return .dropped }
            guard Self.settable.contains(name) || !AutomaticNames.contains(name), !foreignVariables.contains(name)
            else {
                throw .handOver("an assignment to $\(node.path.name)")
            }
            return .variable(name)
        case .index(let node):
            let target = try worth(of: node.target)
            let key = try value(of: node.index)
            if case .list(let list) = target {
                guard case .int(let number) = key else { throw .handOver("an unusual index") }
                let place = number < 0 ? list.items.count + Int(number) : Int(number)
                guard list.items.indices.contains(place) else { throw .handOver("an index out of range") }
                return .item(list, place)
            }
            guard case .table(let table) = target else {
                throw .handOver("an assignment to a part of \(target.typeName)")
            }
            if table.isOrdered, Comparison.isNumber(key) { throw .handOver("an index of a table") }
            guard PSTable.accepts(key) else { throw .handOver("an unusual key") }
            return .element(table, key)
        case .member(let node):
            let name = try memberName(node.member)
            guard !node.isStatic, Collation.isCertain(name) else {
                throw .handOver("an assignment to a computed member")
            }
            let target = try value(of: node.target)
            switch target {
            case .table(let table): return .element(table, .string(name))
            case .object(let object): return .property(object, name)
            default: throw .handOver("an assignment to a part of \(target.typeName)")
            }
        default: throw .handOver("an assignment to other than a variable")
        }
    }

    /// Returns what a place holds.
    func read(_ place: Place) throws(Interrupt) -> PSValue {
        switch place {
        case .variable("_"): current ?? .null
        case .variable(let name): variables[name] ?? .null
        case .element(let table, let key): table[key] ?? .null
        case .property(let object, let name): object[name] ?? .null
        case .item(let list, let place): list.items[place]
        case .outer(let name): frames.first?[name] ?? variables[name] ?? .null
        case .dropped: .null
        }
    }

    /// Puts a value into a place.
    func write(_ value: PSValue, to place: Place) throws(Interrupt) {
        switch place {
        case .variable(let name): try set(name, value)
        case .element(let table, let key):
            try note(value)
            table.set(key, value.withoutNothing)
        case .property(let object, let name):
            try note(value)
            guard object.set(name, value.withoutNothing) else {
                throw .statement(
                    NativeError(
                        "ExceptionWhenSetting",
                        "Exception setting \"\(name)\": \"The property '\(name)' cannot be found on this object. Verify that "
                            + "the property exists and can be set.\"",
                        isReadable: true))
            }
        case .item(let list, let place): list.items[place] = value.plain
        case .outer(let name):
            guard !frames.isEmpty else { return try set(name, value) }
            // A function between that has one of its own keeps it.
            let before = frames[0][name]?.text
            for index in frames.indices {
                if index == 0 || frames[index][name]?.text == before { frames[index][name] = value }
            }
            if variables[name]?.text == before || variables[name] == nil { variables[name] = value }
        case .dropped: break
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
            let place = try place(of: .variable(variable))
            if case .outer(let name) = place {
                let right = try converted(try worth(of: node.value), to: type)
                try write(right, to: place)
                if frames.isEmpty { types[name] = type == .object ? nil : type }
                return right
            }
            guard case .variable(let name) = place, !Self.settable.contains(name) else {
                throw .handOver("an assignment with a type")
            }
            let right = try worth(of: node.value)
            types[name] = type == .object ? nil : type
            try set(name, right)
            return variables[name] ?? .null
        case .arrayLiteral(let list):
            guard node.op == .equals else { throw .handOver("an assignment to several variables") }
            var places: [Place] = []
            for element in list.elements {
                if case .convert(let typed) = element {
                    places.append(try place(of: typed.operand))
                } else {
                    places.append(try place(of: element))
                }
            }
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
        let outer = assigning
        defer { assigning = outer }
        switch place {
        case .variable(let name), .outer(let name): assigning = name
        default: break
        }
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
