import PowerShellSyntax

/// Assignments to variables, typed or not, to elements of tables and lists, and to several places at once.
extension Evaluator {
    /// The target of an assignment.
    enum Place {
        case variable(String), element(PSTable, PSValue), property(PSObject, String), item(PSList, Int)
        /// An element of an array that only one variable holds.
        case slot(String, Int)
        /// A static property of a class that the script declares.
        case ofClass(OwnClass, String)
        /// A variable of the script itself, set from a function.
        case outer(String)
        /// A variable of the environment, by its name.
        case environment(String)
        /// A place whose value is dropped, such as a preference for what a screen shows.
        case dropped
        /// No place: a part of `$null`, or of a value that has no such part. The error comes once the value is known.
        case absent(NativeError)
    }

    /// Returns the place that an expression names.
    func place(of expression: ExpressionSyntax) throws(Interrupt) -> Place {
        switch expression {
        case .variable(let node):
            let name = node.path.name.lowercased()
            switch node.path.qualifier {
            case .none, .local: break
            case .private: throw .handOver("a private variable")
            case .script, .global: return .outer(name)
            case .drive(let drive) where drive.lowercased() == "env" && host != nil:
                return .environment(node.path.name)
            default: throw .handOver("a variable of a scope or drive")
            }
            guard !node.isSplatted else { throw .handOver("an assignment to a splat") }
            if Self.silent.contains(name) { return Self.remarks.contains(name) ? .variable(name) : .dropped }
            if Self.readOnly.contains(name) {
                throw .statement(
                    NativeError(
                        "VariableNotWritable",
                        "Cannot overwrite variable \(node.path.name) because it is read-only or constant.",
                        category: "WriteError", isReadable: true))
            }
            guard Self.settable.contains(name) || !AutomaticNames.contains(name), !foreignVariables.contains(name)
            else {
                throw .handOver("an assignment to $\(node.path.name)")
            }
            return .variable(name)
        case .index(let node):
            let target = try worth(of: node.target)
            let key = try value(of: node.index)
            if key.isNull, !target.isNull { return .absent(Members.nullIndex) }
            if case .array(let items) = target {
                return try slot(of: node.target, items.count, key)
            }
            if case .list(let list) = target {
                guard case .int(let number) = key else { throw .handOver("an unusual index") }
                let place = number < 0 ? list.items.count + Int(number) : Int(number)
                guard list.items.indices.contains(place) else {
                    guard host != nil else { throw .handOver("an index out of range") }
                    return .absent(Self.outOfRange)
                }
                return .item(list, place)
            }
            if target.isNull, host != nil { return .absent(Self.nullArray) }
            if case .object(let row) = target, row.columns != nil {
                return .property(row, try DataTable.name(key, of: row))
            }
            guard case .table(let table) = target else {
                throw .handOver("an assignment to a part of \(target.typeName)")
            }
            if table.isOrdered, Comparison.isNumber(key) { throw .handOver("an index of a table") }
            guard PSTable.accepts(key) else { throw .handOver("an unusual key") }
            try table.refuse(key: key)
            return .element(table, key)
        case .member(let node):
            let name = try memberName(node.member)
            if node.isStatic, case .type(let type) = try worth(of: node.target), LibraryTypes.isDropped(type, name) {
                return .dropped
            }
            if node.isStatic, case .ownType(.class(let type)) = try worth(of: node.target) {
                return .ofClass(type, name)
            }
            guard !node.isStatic, Collation.isCertain(name) else {
                throw .handOver("an assignment to a computed member")
            }
            let target = try value(of: node.target)
            switch target {
            case .table(let table): return .element(table, .string(name))
            case .object(let object) where object.typeName == Self.referenceType && name.lowercased() == "value":
                return .property(object, "Value")
            case .object(let object): return .property(object, name)
            case .null, .nothing, .string, .int, .bool:
                guard host != nil else { throw .handOver("an assignment to a part of \(target.typeName)") }
                return .absent(Self.unknownProperty(name))
            default: throw .handOver("an assignment to a part of \(target.typeName)")
            }
        default: throw .handOver("an assignment to other than a variable")
        }
    }

    private static let nullArray = NativeError("NullArray", "Cannot index into a null array.", isReadable: true)

    private static let outOfRange = NativeError(
        "System.ArgumentOutOfRangeException",
        "Index was out of range. Must be non-negative and less than the size of the collection. (Parameter 'index')",
        isReadable: true)

    private static func unknownProperty(_ name: String) -> NativeError {
        NativeError(
            "PropertyNotFound",
            "The property '\(name)' cannot be found on this object. Verify that the property exists and can be set.",
            isReadable: true)
    }

    /// Returns the value at a place.
    func read(_ place: Place) throws(Interrupt) -> PSValue {
        switch place {
        case .variable("_"): current ?? .null
        case .variable(let name): if let known = variables[name] { known } else { try unset(name) }
        case .element(let table, let key): table[key] ?? .null
        case .property(let object, "Value") where object.typeName == Self.referenceType: try value(ofReference: object)
        case .property(let object, let name) where XMLNode.isNode(object): try XMLNode.property(object, name) ?? .null
        case .property(let object, let name): object[name] ?? .null
        case .item(let list, let place): list.items.indices.contains(place) ? list.items[place] : .null
        case .slot(let name, let place): try element(place, of: name)
        case .ofClass(let type, let name): try staticMember(name, of: .class(type))
        case .outer(let name):
            if let known = scriptScope[name] { known } else { try unset("script:" + name) }
        case .environment(let name): host.map { environment(name, of: $0) } ?? .null
        case .dropped, .absent: .null
        }
    }

    private func unset(_ name: String) throws(Interrupt) -> PSValue {
        if !AutomaticNames.contains(name) { try refuseUnset(name) }
        return .null
    }

    /// Writes a value to a place.
    func write(_ value: PSValue, to place: Place) throws(Interrupt) {
        switch place {
        case .variable(let name): try set(name, value)
        case .element(let table, let key):
            try note(value)
            table.set(key, try table.accepted(value.withoutNothing))
        case .property(let object, let name):
            try note(value)
            if let type = object.ownClass { return try set(name, of: object, type, to: value) }
            if object.typeName == Self.referenceType, name == "Value" { return try set(reference: object, to: value) }
            guard object.computed[name.lowercased()] == nil else { throw .handOver("a change of a computed property") }
            guard object.typeName != PSTable.pairType else { throw .handOver("a change of a dictionary's entry") }
            if ExcelPackage.isPart(object) { return try ExcelPackage.set(object, name, value, host) }
            if object.columns != nil, object[name] != nil {
                _ = object.set(name, try DataTable.cell(value, name, of: object))
                return
            }
            let isSet =
                XMLNode.isNode(object)
                ? try XMLNode.set(object, name, value) : object.set(name, value.withoutNothing)
            guard isSet else {
                // An object of .NET's own has more members than those here.
                if !object.isCustom, object.typeName.hasPrefix("System."), !XMLNode.isNode(object) {
                    throw .handOver("setting \(name) of \(object.typeName)")
                }
                throw .statement(
                    NativeError(
                        "ExceptionWhenSetting",
                        "Exception setting \"\(name)\": \"The property '\(name)' cannot be found on this object. Verify that "
                            + "the property exists and can be set.\"",
                        isReadable: true))
            }
            try recompute(object)
        case .item(let list, let place):
            // The value may have come from a block that removed the element.
            guard list.items.indices.contains(place) else { throw .handOver("an index out of range") }
            list.items[place] = try list.accepted(value)
        case .slot(let name, let place): try replace(place, of: name, with: value)
        case .ofClass(let type, let name): try setStatic(name, of: type, to: value)
        case .outer(let name):
            guard !frames.isEmpty else { return try set(name, value) }
            var value = value
            if let type = typed.ofScript[name] { value = try converted(value, to: type) }
            scriptScope[name] = value
        case .environment(let name): environment[name.lowercased()] = try PSText.string(value)
        case .dropped: break
        case .absent(let error): throw .statement(error)
        }
    }

    /// Sets a variable, or `$_`. A typed variable converts the value.
    func set(_ name: String, _ value: PSValue) throws(Interrupt) {
        if name == "_" {
            current = value
        } else if name == "null" {
            // PowerShell drops a value that is assigned to it.
        } else if name == Self.preferenceName {
            guard let preference = Self.preference(value) else { throw .handOver("an unusual $ErrorActionPreference") }
            variables[name] = preference
        } else {
            let type = typed.type(of: name)
            if type == nil { typed.declare(name, nil) }
            let own = try type.map { (type) throws(Interrupt) in try converted(value, to: type) } ?? value
            try keep(own, in: name)
        }
    }

    private func converted(_ value: PSValue, to type: NamedType) throws(Interrupt) -> PSValue {
        if type == .known(.array), value.isNull { return .null }
        do throws(Interrupt) {
            guard case .known(let known) = type else { return try cast(value.withoutNothing, to: type) }
            let made = try limited(try Conversion.cast(value.withoutNothing, to: known))
            return known.isTypedArray ? noteTyped(made) : made
        } catch {
            guard case .statement(let record) = error else { throw error }
            guard onlyReads else { throw .handOver("a value that its variable's type refuses") }
            throw .statement(NativeError("RuntimeException", record.message, category: "MetadataError"))
        }
    }

    /// Checks a value against the attributes of its variable.
    private func check(
        _ value: PSValue, of name: String, _ condition: ScriptFunction.Parameter
    ) throws(Interrupt) {
        let items = Cmdlets.list(value.plain)
        var isRefused = condition.refusesNothing(in: value)
        for item in items where !condition.allowed.isEmpty {
            if !condition.allows(try PSText.string(item)) { isRefused = true }
        }
        for check in condition.checks where try check.fault(of: value, in: self) != nil { isRefused = true }
        guard isRefused else { return }
        throw .statement(
            NativeError(
                "ValidateSetFailure",
                "The variable cannot be validated because the value \(try PSText.whole(value)) is not a valid value for the "
                    + "\(name) variable.", category: "MetadataError"))
    }

    /// Returns the target of an assignment without its attributes, which become conditions of the variable.
    private func withoutAttributes(_ target: ExpressionSyntax) throws(Interrupt) -> ExpressionSyntax {
        var condition = ScriptFunction.Parameter(name: "")
        var rest = target
        while case .attributed(let node) = rest {
            guard ScriptFunction.read(node.attribute, into: &condition) else { throw .handOver("an attribute") }
            rest = node.operand
        }
        var named = rest
        while case .convert(let node) = named { named = node.operand }
        guard case .variable(let variable) = named, variable.path.qualifier == .none else {
            throw .handOver("an attribute of other than a variable")
        }
        typed.conditions[variable.path.name.lowercased()] = condition
        return rest
    }

    /// Performs an assignment and returns its value.
    func assign(_ node: AssignmentStatementSyntax) throws(Interrupt) -> PSValue {
        var target = node.target
        if case .attributed = target { target = try withoutAttributes(target) }
        switch target {
        case .convert(let convert):
            guard let type = scriptTypes.named(convert.type.typeName.fullName) else {
                throw .handOver("an assignment with a type")
            }
            guard case .variable(let variable) = convert.operand, node.op == .equals else {
                return try assignConverted(node, convert.operand, type)
            }
            let place = try place(of: .variable(variable))
            let outer = assigning
            defer { assigning = outer }
            assigning = variable.path.name.lowercased()
            switch place {
            case .dropped, .environment: throw .handOver("an assignment with a type")
            default: break
            }
            return try write(try worth(of: node.value), to: place, as: type)
        case .arrayLiteral(let list):
            guard node.op == .equals else { throw .handOver("an assignment to several variables") }
            var targets: [Target] = []
            for element in list.elements {
                guard case .convert(let convert) = element else {
                    targets.append(Target(place: try place(of: element)))
                    continue
                }
                guard let type = scriptTypes.named(convert.type.typeName.fullName) else {
                    throw .handOver("an assignment with a type")
                }
                targets.append(Target(place: try place(of: convert.operand), type: type))
            }
            let right = try worth(of: node.value).plain
            try spread(right, to: targets)
            return right
        default: return try assign(node, to: try place(of: target))
        }
    }

    /// Performs `[int]$h['k'] += 1`, which converts the value before it is stored, and `[int]$x += 1`, which also gives
    /// the variable the type.
    private func assignConverted(
        _ node: AssignmentStatementSyntax, _ target: ExpressionSyntax, _ type: NamedType
    ) throws(Interrupt) -> PSValue {
        let place = try place(of: target)
        if case .variable(let name) = place {
            guard !Self.settable.contains(name) else { throw .handOver("an assignment with a type") }
            typed.declare(name, type)
            return try assign(node, to: place)
        }
        // The old value is also converted before something is added to it.
        let value = try converted(
            try assigned(node, to: place) { (before) throws(Interrupt) in try converted(before, to: type) }, to: type)
        try write(value, to: place)
        return value
    }

    /// One of several places of an assignment, with the type that it gives them.
    private struct Target {
        let place: Place
        var type: NamedType?
    }

    /// Sets several places; the last one takes all remaining values.
    private func spread(_ value: PSValue, to targets: [Target]) throws(Interrupt) {
        var items: [PSValue] = [value]
        if case .array(let elements) = value { items = elements }
        for (index, target) in targets.enumerated() {
            let isLast = index == targets.count - 1
            let rest: PSValue? = isLast && items.count > targets.count ? .array(Array(items[index...])) : nil
            let part = rest ?? (index < items.count ? items[index] : .null)
            if let type = target.type {
                _ = try write(part, to: target.place, as: type)
            } else {
                try write(part, to: target.place)
            }
        }
    }

    /// Writes a value as `[type]$place = value` does, and returns what is kept. A variable keeps the type.
    private func write(_ value: PSValue, to place: Place, as type: NamedType) throws(Interrupt) -> PSValue {
        let own = try converted(value, to: type)
        switch place {
        case .variable(let name):
            guard !Self.settable.contains(name) else { throw .handOver("an assignment with a type") }
            typed.declare(name, type)
            try keep(own, in: name)
        case .outer(let name):
            if frames.isEmpty { typed.declare(name, type) }
            try write(own, to: place)
        default: try write(own, to: place)
        }
        return own
    }

    /// Gives a variable a value that has its type.
    private func keep(_ own: PSValue, in name: String) throws(Interrupt) {
        if let condition = typed.conditions[name] { try check(own, of: name, condition) }
        variables[name] = own
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
        if node.op == .plusEquals, case .variable(let name) = place, name != "_", typed.types[name] == nil,
            let count = lengthOfList(name)
        {
            return try append(to: name, of: count, node.value)
        }
        if node.op == .questionQuestionEquals {
            // The right side is evaluated only if it is needed.
            let before = try read(place).plain
            if !before.isNull { return before }
        }
        let value = try assigned(node, to: place)
        try write(value, to: place)
        return value
    }

    /// Returns the value that an assignment gives to a place.
    private func assigned(
        _ node: AssignmentStatementSyntax, to place: Place,
        reading: (PSValue) throws(Interrupt) -> PSValue = { $0 }
    ) throws(Interrupt) -> PSValue {
        guard node.op != .equals else { return try worth(of: node.value) }
        let before = try reading(try read(place))
        let right = try worth(of: node.value)
        if node.op == .plusEquals { return try counted(try Arithmetic.add(before, right)) }
        let left = before.plain
        switch node.op {
        case .equals, .plusEquals, .questionQuestionEquals: return right
        case .minusEquals: return try Arithmetic.subtract(left, right.plain)
        case .multiplyEquals: return try counted(try Arithmetic.multiply(left, right.plain))
        case .divideEquals: return try Arithmetic.divide(left, right.plain)
        case .remainderEquals: return try Arithmetic.remainder(left, right.plain)
        }
    }

    /// Returns the length of a variable's list, without keeping a reference to the list; `nil` for any other value.
    private func lengthOfList(_ name: String) -> Int? {
        if case .array(let items)? = variables[name] { items.count } else { nil }
    }

    /// Takes the list out of a variable of this scope, so that the caller holds the only reference; an outer one keeps
    /// its list.
    private func takenList(_ name: String) -> [PSValue]? {
        guard case .array(let items)? = variables[name] else { return nil }
        if variables.own[name] != nil { variables[name] = .null }
        return items
    }

    /// Adds to a variable's list in place; the list isn't copied if the variable held the only reference.
    private func append(to name: String, of count: Int, _ statement: StatementSyntax) throws(Interrupt) -> PSValue {
        let right = try worth(of: statement)
        guard var items = takenList(name), items.count == count else {
            throw .handOver("a list that changes while something is added to it")
        }
        let before = items.count
        switch right {
        case .array(let others): items += others
        case .list(let list): items += list.items
        case .nothing: break
        default: items.append(right)
        }
        for item in items[before...] { try note(item) }
        guard items.count <= limits.listItems || delivery.hasSent else { throw .handOver("a long list") }
        variables[name] = .array(items)
        return .array(items)
    }
}
