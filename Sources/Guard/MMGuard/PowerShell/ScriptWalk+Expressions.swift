internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    /// Walks an expression.
    /// - Returns: its possible values.
    @discardableResult
    mutating func walk(_ expression: ExpressionSyntax) -> ValueFacts {
        guard enter(expression.extent) else { return .unknown }
        defer { depth -= 1 }
        switch expression {
        case .string(let node): return .text(node.value)
        case .number(let node): return .text(node.text)
        case .expandableString(let node):
            return Self.expanded(node, node.parts.map { walk($0) })
        case .variable(let node): return read(node)
        case .using(let node):
            report(.usingVariable, node.extent)
            walk(node.expression)
            return .unknown
        case .paren(let node): return walk(value: node.pipeline, in: .script)
        case .sub(let node): return walk(node.block, in: .script)
        case .array(let node): return walk(node.block, in: .script)
        case .arrayLiteral(let node):
            var result = ValueFacts.nothing
            for element in node.elements { result = result.then(walk(element).asElement) }
            return result
        case .hashtable(let node): return walk(node)
        case .scriptBlock(let node):
            report(.scriptBlock, node.extent)
            let outer = items
            items.append(.unknown)
            walk(block: node.scriptBlock, in: .script)
            items = outer
            return .of(.code, count: 1)
        case .type(let node):
            walk(type: node.typeName)
            return .data()
        case .convert(let node): return walk(node)
        case .attributed(let node):
            walk(attribute: node.attribute)
            return walk(node.operand)
        case .unary(let node): return walk(node)
        case .binary(let node): return walk(node)
        case .ternary(let node):
            walk(node.condition)
            return branches(
                isExhaustive: true, [Branch { $0.walk(node.ifTrue) }, Branch { $0.walk(node.ifFalse) }])
        case .member(let node): return walk(node)
        case .invokeMember(let node): return walk(node)
        case .baseConstructorCall(let node):
            for argument in node.arguments { walk(argument) }
            return .unknown
        case .index(let node):
            let target = walk(node.target)
            let index = walk(node.index)
            return element(of: target, at: index, own: ownVariable(node.target)?.own ?? [])
        }
    }

    /// Returns the values at positions of a list, or under keys of a table, each of which may hold many.
    private func element(of target: ValueFacts, at index: ValueFacts, own: OwnContainer) -> ValueFacts {
        let texts = index.texts ?? []
        guard own != .table, texts.allSatisfy({ Int($0) != nil }) else {
            let isOne = !texts.isEmpty && texts.allSatisfy { FilterCommands.singleMembers.contains($0.asciiLowercased) }
            return target.property(target.kinds, isOne: isOne)
        }
        let isList = !own.isEmpty && own.isDisjoint(with: [.table, .object])
        var result = target.withoutTexts
        result.each = isList ? target.each : max(target.each, target.held)
        // A text has many letters, and an element may be named several times.
        let named = ValueFacts.product(index.count, result.each)
        result.count = texts.isEmpty ? max(target.count, named) : named
        return result
    }

    /// Notes that a variable is read.
    private mutating func read(_ variable: VariableExpressionSyntax) -> ValueFacts {
        let path = variable.path
        if variable.isSplatted { report(.splat, variable.extent, subject: "@" + path.path) }
        guard path.isOfScript else {
            report(path.drive != nil ? .driveVariable : .scopedVariable, variable.extent, subject: "$" + path.path)
            return .unknown
        }
        let name = path.name.asciiLowercased
        seen.reads.insert(name)
        // An unusual name may stand for a file or another item that is addressed by a path.
        let isReadable = PlainVariables.isReadable(name)
        let isOrdinary = isReadable || isPlainName(path.name)
        let isAutomatic = isAutomatic(name)
        if name == "this" && scope.ownType != nil || PlainVariables.isOfCall(name) { return .unknown }
        if !isOrdinary || (isAutomatic && !isReadable) {
            report(.automaticVariable, variable.extent, subject: "$" + path.path)
            return .unknown
        }
        switch name {
        case "_", "psitem": return path.qualifier == .none ? items.last ?? .unknown : .unknown
        case "null": return ValueFacts(kinds: [], count: 0, texts: nil)
        case "true", "false": return .text(name)
        case "error": return .of(.errors)
        default:
            if let texts = PreferenceVariables.values(of: name) {
                return ValueFacts(kinds: .data, count: 1, texts: texts)
            }
            if isAutomatic || isReadable { return .data() }
            return path.qualifier == .none ? variables[name].facts : .unknown
        }
    }

    /// Walks a hashtable, whose keys must be constants. Its facts are those of its values, as one object.
    mutating func walk(_ table: HashtableSyntax) -> ValueFacts {
        var facts = ValueFacts.data()
        for entry in table.entries {
            walkKey(entry)
            facts = facts.or(walk(entry.value, in: .script).asProperty)
        }
        return facts
    }

    mutating func walkKey(_ entry: HashtableEntrySyntax) {
        if ConstantValue(entry.key).text == nil { report(.hashKey, entry.key.extent) }
        walk(entry.key)
    }

    private mutating func walk(_ node: ConvertExpressionSyntax) -> ValueFacts {
        if PureTypes.isReference(node.type.typeName) { return walk(reference: node.operand, node.extent) }
        walk(type: node.type.typeName)
        let name = node.type.typeName.fullName.asciiLowercased
        if case .hashtable(let table) = node.operand {
            // [T]@{…} creates an object of that type and sets its properties.
            let makers = ["pscustomobject", "ordered", "hashtable", "psobject", "management.automation.psobject"]
            if !makers.contains(name), types[name] == nil {
                report(.typeName, node.extent, subject: "[\(name)]@{}")
            }
            let facts = walk(table)
            guard types[name] != nil else { return facts }
            note(callOf: Self.code("new", of: name, 0))
            return made(name, from: facts)
        }
        // A conversion to a class may call the class's conversion methods.
        if types[name] != nil { report(.typeName, node.extent, subject: "[\(name)]") }
        if name.contains("regex"), ConstantValue(node.operand) == .dynamic {
            report(.typeName, node.extent, subject: "[regex]")
        }
        return converted(walk(node.operand), to: node.type.typeName)
    }

    private mutating func walk(_ node: UnaryExpressionSyntax) -> ValueFacts {
        switch node.op {
        case .plusPlus, .minusMinus, .postfixPlusPlus, .postfixMinusMinus:
            if case .variable(let variable) = node.operand {
                seen.reads.insert(variable.path.name.asciiLowercased)
                let before = variables[variable.path.name.asciiLowercased].facts
                write(variable, ScriptVariables.Entry(facts: ValueFacts(kinds: before.kinds, count: 1, texts: nil)))
            } else {
                let key = walk(target: node.operand, isRead: true)
                if let holder = ownContainer(node.operand) {
                    changeElement(of: holder, to: .data(), under: key)
                } else {
                    report(.variableTarget, node.extent)
                }
            }
            return .data()
        case .exclaim, .not, .bnot, .plus, .minus:
            walk(node.operand)
            return .data()
        case .join:
            walk(node.operand)
            return .data()
        case .isplit, .csplit:
            walk(node.operand)
            return .data(count: ValueFacts.many)
        }
    }

    private mutating func walk(_ node: BinaryExpressionSyntax) -> ValueFacts {
        // Long chains are nested on the left, so they are walked in a loop rather than by recursion.
        var chain = [node]
        while case .binary(let next) = chain[chain.count - 1].left { chain.append(next) }
        var result = walk(chain[chain.count - 1].left)
        for one in chain.reversed() {
            let isConditional = [.and, .or, .questionQuestion].contains(one.op)
            let right = isConditional ? maybe { $0.walk(one.right) } : walk(one.right)
            check(one, right)
            result = facts(one, result, right)
        }
        return result
    }

    private func facts(_ node: BinaryExpressionSyntax, _ left: ValueFacts, _ right: ValueFacts) -> ValueFacts {
        switch node.op {
        case .plus:
            if let first = left.texts, let second = right.texts, first.count == 1, second.count == 1, left.count == 1,
                right.count == 1, Self.isString(node.left),
                first[0].utf8.count + second[0].utf8.count <= ValueFacts.longestComputed
            {
                return .text(first[0] + second[0])
            }
            var sum = left.then(right)
            sum.texts = nil
            return sum
        case .format: return Self.formatted(left, right)
        case .join: return .data()
        case .isplit, .csplit: return .data(count: ValueFacts.many)
        case .ireplace, .creplace: return .data(count: left.count)
        case .dotDot:
            guard let from = left.texts?.first.flatMap({ Int($0) }), let to = right.texts?.first.flatMap({ Int($0) }),
                ValueFacts.countable.contains(from), ValueFacts.countable.contains(to)
            else { return .data(count: ValueFacts.many) }
            return .data(count: abs(to - from) + 1)
        case .questionQuestion: return left.or(right)
        case .multiply:
            let isOne = left.count <= 1 && !isList(node.left) && ownVariable(node.left)?.own ?? .table == .table
            var result = left.withoutTexts
            result.count = isOne ? 1 : ValueFacts.many
            return result
        case .divide, .rem, .minus, .and, .or, .xor, .band, .bor, .bxor, .shl, .shr, .is, .isNot, .icontains,
            .inotcontains, .iin, .inotin, .ccontains, .cnotcontains, .cin, .cnotin:
            return .data()
        case .as:
            guard case .type(let type) = node.right else { return left.withoutTexts }
            return converted(left, to: type.typeName)
        case .ieq, .ine, .ige, .igt, .ilt, .ile, .ilike, .inotlike, .imatch, .inotmatch, .ceq, .cne, .cge, .cgt, .clt,
            .cle, .clike, .cnotlike, .cmatch, .cnotmatch:
            // With a list on the left, the operator filters the list.
            var result = left.withoutTexts
            result.kinds.formUnion(.data)
            return result
        }
    }

    /// Returns whether an expression is a text by its form, so that `+` concatenates rather than adds numbers or
    /// extends a list.
    private static func isString(_ expression: ExpressionSyntax) -> Bool {
        var left = expression
        while case .binary(let node) = left, node.op == .plus { left = node.left }
        if case .string = left { return true }
        return false
    }

    /// Returns the text of an expandable string, if each of its parts has a single known one.
    private static func expanded(_ node: ExpandableStringSyntax, _ parts: [ValueFacts]) -> ValueFacts {
        let known = parts.compactMap { $0.count == 1 && $0.texts?.count == 1 ? $0.texts?.first : nil }
        guard known.count == parts.count else { return .data() }
        let text = node.text(filledWith: known)
        return text.utf8.count > ValueFacts.longestComputed ? .data() : .text(text)
    }

    /// Returns the result of `-f`, if pattern and items are known and no item has a format of its own.
    private static func formatted(_ left: ValueFacts, _ right: ValueFacts) -> ValueFacts {
        guard left.count == 1, let pattern = left.texts, pattern.count == 1, let items = right.texts,
            items.count == right.count
        else { return .data() }
        var text = ""
        var rest = pattern[0][...]
        while let open = rest.firstIndex(of: "{") {
            let behind = rest[rest.index(after: open)...]
            guard let close = behind.firstIndex(of: "}"), let index = Int(behind[..<close]),
                items.indices.contains(index), !rest[..<open].contains("}"),
                text.utf8.count <= ValueFacts.longestComputed
            else { return .data() }
            text += rest[..<open] + items[index]
            rest = behind[behind.index(after: close)...]
        }
        text += rest
        return text.utf8.count > ValueFacts.longestComputed || rest.contains("}") ? .data() : .text(text)
    }

    private mutating func check(_ node: BinaryExpressionSyntax, _ right: ValueFacts) {
        switch node.op {
        case .ireplace, .creplace, .isplit, .csplit:
            // These operators run a block on their right.
            if right.kinds.contains(.code) { report(.operatorUse, node.extent, subject: "-" + node.op.rawValue) }
        case .as, .is, .isNot:
            if case .type = node.right { break }
            report(.typeName, node.right.extent)
        default: break
        }
    }
}

/// PowerShell's own variables that may be read: their values are harmless and contain no code.
enum PlainVariables {
    static func isReadable(_ name: String) -> Bool { readable.contains(name.asciiLowercased) }

    /// Returns whether a variable (in lower case) describes the call or the loop that is running: what it was given,
    /// which may be anything, and the command that it calls.
    static func isOfCall(_ name: String) -> Bool { ofCall.contains(name) }

    /// Returns whether PowerShell gives a variable (in lower case) its value in the action of an event only. A script
    /// can't register one unasked, so there it is a variable like any other.
    static func isOfEvent(_ name: String) -> Bool { ofEvent.contains(name) }

    private static let ofEvent: Set<String> = [
        "event", "eventargs", "eventsubscriber", "sender", "sourceargs", "sourceeventargs",
    ]

    private static let ofCall: Set<String> = [
        "args", "input", "myinvocation", "psboundparameters", "pscmdlet", "foreach", "switch",
    ]

    private static let readable: Set<String> = [
        "_", "psitem", "true", "false", "null", "psversiontable", "psculture", "psuiculture", "psedition", "islinux",
        "ismacos", "iswindows", "iscoreclr", "pid", "home", "pwd", "pshome", "shellid", "error", "lastexitcode", "?",
        "matches", "confirmpreference", "debugpreference", "erroractionpreference", "verbosepreference",
        "warningpreference", "whatifpreference", "informationpreference", "progresspreference",
        "formatenumerationlimit",
        "ofs", "psscriptroot", "pscommandpath",
    ]
}
