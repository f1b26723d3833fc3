import MMSystem
import PowerShellSyntax

extension Evaluator {
    /// Returns the value of `left op right`.
    func binary(_ node: BinaryExpressionSyntax) throws(Interrupt) -> PSValue {
        switch node.op {
        case .and:
            guard try value(of: node.left).isTrue else { return .bool(false) }
            return .bool(try value(of: node.right).isTrue)
        case .or:
            if try value(of: node.left).isTrue { return .bool(true) }
            return .bool(try value(of: node.right).isTrue)
        case .questionQuestion:
            let left = try worth(of: node.left)
            return left.isNull ? try worth(of: node.right) : left
        default:
            var left = try worth(of: node.left)
            if case .nothing = left {
                // No output counts as an empty list for the operators that go through their left operand.
                switch node.op {
                case .imatch, .cmatch, .inotmatch, .cnotmatch, .ilike, .clike, .inotlike, .cnotlike, .icontains,
                    .ccontains, .inotcontains, .cnotcontains, .isplit, .csplit, .ireplace, .creplace:
                    left = .array([])
                case .join: left = .string("")
                case .plus: break
                default: left = .null
                }
            }
            // A pipeline object is wrapped: a list in `$_` counts as a single format argument.
            if node.op == .format, isCurrent(node.right), case .array? = current {
                throw .handOver("a format of a list in $_")
            }
            if case .list(let list) = left {
                if node.op == .is || node.op == .isNot, let isOf = list.isOf(try worth(of: node.right)) {
                    return .bool(isOf == (node.op == .is))
                }
                guard node.op != .is, node.op != .isNot else { throw .handOver("a type test of a list") }
                if node.op != .as { left = left.plain }
            } else if node.op == .is || node.op == .isNot {
                guard !isSwitch(node.left) else { throw .handOver("a type test of a switch") }
                try refuseTypeTest(of: left, node.right)
            }
            var right = try worth(of: node.right)
            switch (right, node.op) {
            case (.nothing, .iin), (.nothing, .cin), (.nothing, .inotin), (.nothing, .cnotin): right = .array([])
            case (.nothing, .plus): break
            default: right = right.plain
            }
            return try counted(try apply(node.op, left, right))
        }
    }

    /// Returns whether an expression is `$_`, by either of its names.
    private func isCurrent(_ expression: ExpressionSyntax) -> Bool {
        switch expression {
        case .variable(let node): ["_", "psitem"].contains(node.path.name.lowercased())
        case .paren(let node): node.pureExpression.map(isCurrent) ?? false
        default: false
        }
    }

    /// Returns the result of an operator for two values.
    func apply(_ op: BinaryOperator, _ left: PSValue, _ right: PSValue) throws(Interrupt) -> PSValue {
        switch op {
        case .xor: return .bool(left.isTrue != right.isTrue)
        case .plus:
            if case .string = left, case .object = right { return try Arithmetic.add(left, try spoken(right)) }
            return try Arithmetic.add(left, right)
        case .minus: return try Arithmetic.subtract(left, right)
        case .multiply: return try Arithmetic.multiply(left, right)
        case .divide: return try Arithmetic.divide(left, right)
        case .rem: return try Arithmetic.remainder(left, right)
        case .dotDot: return try Arithmetic.range(left, right)
        case .band: return try Arithmetic.bits(left, right, &)
        case .bor: return try Arithmetic.bits(left, right, |)
        case .bxor: return try Arithmetic.bits(left, right, ^)
        case .shl, .shr: return try Arithmetic.shift(left, right, isLeft: op == .shl)
        case .join:
            if case .array = right { throw .handOver("an unusual separator") }
            let separator = try operand(right)
            let left = try spoken(left)
            if case .array(let items) = left { return .string(try joined(items, separator)) }
            return .string(try operand(left))
        case .format:
            guard case .string(let template) = left else { throw .handOver("a format that isn't a string") }
            let right = try spoken(right)
            if case .array(let items) = right { return .string(try TextOperators.format(template, items)) }
            return .string(try TextOperators.format(template, [right]))
        case .is, .isNot:
            let answer = try isType(left, right)
            return .bool(op == .is ? answer : !answer)
        case .as:
            if case .ownType(let type) = right { return try converted(left, to: type) ?? .null }
            guard case .type(let type) = right, type != .toggle, type != .pscustomobject else {
                throw .handOver("an unusual conversion")
            }
            // The operator never fails, and `$null` converts to none of these types.
            if left.isNull, [.datetime, .timespan, .guid, .version].contains(type) { return .null }
            let made: PSValue
            do throws(Interrupt) {
                made = try Conversion.converted(left, to: type) ?? .null
            } catch {
                guard case .statement = error else { throw error }
                return .null
            }
            return type.isTypedArray ? noteTyped(made) : made
        default: return try compare(op, left, right)
        }
    }

    private func isType(_ value: PSValue, _ type: PSValue) throws(Interrupt) -> Bool {
        if case .ownType(let type) = type { return try isOwn(value, type) }
        guard case .type(let type) = type else { throw .handOver("an unusual type test") }
        switch (type, value) {
        case (.anyenum, .enumeration): return true
        case (.valuetype, .bool), (.valuetype, .byte), (.valuetype, .int), (.valuetype, .long), (.valuetype, .double),
            (.valuetype, .single), (.valuetype, .char), (.valuetype, .date), (.valuetype, .decimal),
            (.valuetype, .span), (.valuetype, .guid), (.valuetype, .enumeration):
            return true
        case (.valuetype, .object(let object)) where !object.isCustom: throw .handOver("a type test")
        case _ where type.listKind != nil || type.wrapped != nil: throw .handOver("a type test")
        case (.object, _), (.pscustomobject, _), (.ordered, _), (.texts, _), (.ints, _), (.bytes, _), (.chars, _),
            (.longs, _),
            (.doubles, _), (.bools, _), (.dates, _), (.guids, _), (.bitconverter, _),
            (.enumerable, _), (.stringcomparison, _), (.splitoptions, _),
            (.regexoptions, _), (.errorcategory, _), (.regex, _), (.moment, _), (.builder, _), (.comparer, _),
            (.principal, _), (.identity, _), (.role, _), (.toggle, _), (.path, _),
            (.assembly, _), (.dialogresult, _), (.mailaddress, _),
            (.environment, _), (.uri, _), (.encoding, _), (.culture, _),
            (.settings, _), (.console, _), (.stopwatch, _):
            throw .handOver("a type test")
        case (.errorrecord, .object(let object)): return object.typeName == ErrorRecords.type
        case (_, .object(let object)) where type.exceptionName != nil && ErrorRecords.isException(object):
            if type == .exception { return true }
            guard let own = ErrorRecords.certainType(of: object), let name = type.exceptionName else {
                throw .handOver("a type test of an exception")
            }
            return ExceptionType.extends(own, name)
        case (.bool, .bool), (.byte, .byte), (.int, .int), (.long, .long), (.double, .double), (.single, .single),
            (.string, .string),
            (.char, .char),
            (.datetime, .date), (.decimal, .decimal), (.timespan, .span), (.guid, .guid), (.version, .version),
            (.scriptblock, .block):
            return true
        case (.array, .array), (.anytable, .table), (.anylist, .array), (.anylist, .list): return true
        case (.anycollection, .array), (.anycollection, .list), (.anycollection, .table): return true
        case (.anysequence, .array), (.anysequence, .list), (.anysequence, .table), (.anysequence, .string): return true
        case (.securestring, _): return SecureText.is(value, SecureText.typeName)
        case (.credential, _): return SecureText.is(value, SecureText.credentialType)
        case (.ipaddress, .object(let object)): return object.typeName == NetworkAddress.typeName
        case (.fileinfo, .object(let object)): return object.typeName == PSObject.fileType
        case (.dayofweek, .enumeration(let own)): return own.kind == .dayOfWeek
        case (.hashtable, .table(let table)): return table.isHashtable
        case (.sortedtable, .table), (.orderedtable, .table), (.dictionary, .table), (.concurrenttable, .table):
            throw .handOver("a type test")
        case (.orderedtable, _), (.dictionary, _), (.concurrenttable, _): return false
        case (.consolecolor, .enumeration(let own)): return own.kind == .consoleColor
        default: return false
        }
    }

    private func compare(_ op: BinaryOperator, _ left: PSValue, _ right: PSValue) throws(Interrupt) -> PSValue {
        let ignoringCase = !op.countsCase
        switch op {
        case .ieq, .ceq:
            return try filtered(left) { (item) throws(Interrupt) in
                try Comparison.equal(item, right, ignoringCase: ignoringCase)
            }
        case .ine, .cne:
            return try filtered(left) { (item) throws(Interrupt) in
                try !Comparison.equal(item, right, ignoringCase: ignoringCase)
            }
        case .igt, .cgt: return try ordered(left, right, ignoringCase) { $0 > 0 }
        case .ige, .cge: return try ordered(left, right, ignoringCase) { $0 >= 0 }
        case .ilt, .clt: return try ordered(left, right, ignoringCase) { $0 < 0 }
        case .ile, .cle: return try ordered(left, right, ignoringCase) { $0 <= 0 }
        case .ilike, .clike, .inotlike, .cnotlike:
            if case .array = right { throw .handOver("a wildcard pattern that isn't a string") }
            let text = try operand(right)
            let pattern = try wildcard(text, ignoringCase: ignoringCase)
            let wanted = op == .ilike || op == .clike
            guard case .array(let items) = left else { return .bool(try pattern.matches(try operand(left)) == wanted) }
            // Unlike the other operators, these give the texts of the elements.
            var texts: [PSValue] = []
            for item in items {
                try step()
                let text = try operand(item)
                if try pattern.matches(text) == wanted { texts.append(.string(text)) }
            }
            return .array(texts)
        case .imatch, .cmatch, .inotmatch, .cnotmatch:
            if case .array = right, !onlyReads { throw .handOver("a pattern that isn't a string") }
            // A regex object decides by itself whether case matters.
            if let own = RegexObjects.written(right) {
                return try match(
                    left, try pattern(own.whole, ignoringCase: own.ignoresCase),
                    wanted: op == .imatch || op == .cmatch)
            }
            let text = try operand(right)
            return try match(
                left, try pattern(text, ignoringCase: ignoringCase, for: .comparison),
                wanted: op == .imatch || op == .cmatch)
        case .icontains, .ccontains: return .bool(try contains(left, right, ignoringCase))
        case .inotcontains, .cnotcontains: return .bool(try !contains(left, right, ignoringCase))
        case .iin, .cin: return .bool(try contains(right, left, ignoringCase))
        case .inotin, .cnotin: return .bool(try !contains(right, left, ignoringCase))
        case .ireplace, .creplace: return try replace(left, right, ignoringCase)
        case .isplit, .csplit: return noteTyped(try split(left, right, ignoringCase))
        default: throw .handOver("the operator \(op.rawValue)")
        }
    }

    private func operand(_ value: PSValue) throws(Interrupt) -> String {
        switch value {
        case .array where onlyReads, .table where onlyReads: return try PSText.string(value)
        case .object(let object) where onlyReads && XMLNode.isNode(object): return try PSText.string(value)
        case .array, .table, .block, .type, .typeInfo, .ownType: throw .handOver("matching \(value.typeName)")
        case .object(let object) where !object.isCustom: throw .handOver("matching \(value.typeName)")
        default: return try PSText.string(value)
        }
    }

    private func filtered(
        _ left: PSValue, _ test: (PSValue) throws(Interrupt) -> Bool
    ) throws(Interrupt) -> PSValue {
        guard case .array(let items) = left else { return .bool(try test(left)) }
        var kept: [PSValue] = []
        for item in items {
            try step()
            if try test(item) { kept.append(item) }
        }
        return .array(kept)
    }

    private func ordered(
        _ left: PSValue, _ right: PSValue, _ ignoringCase: Bool, _ test: (Int) -> Bool
    ) throws(Interrupt) -> PSValue {
        try filtered(left) { (item) throws(Interrupt) in
            test(try Comparison.ordered(item, right, ignoringCase: ignoringCase))
        }
    }

    private func contains(
        _ collection: PSValue, _ wanted: PSValue, _ ignoringCase: Bool
    ) throws(Interrupt) -> Bool {
        guard case .array(let items) = collection else {
            if case .table = collection { throw .handOver("a table as a collection") }
            return try Comparison.equal(collection, wanted, ignoringCase: ignoringCase)
        }
        for item in items {
            try step()
            if try Comparison.equal(item, wanted, ignoringCase: ignoringCase) { return true }
        }
        return false
    }

    private func match(_ left: PSValue, _ pattern: Pattern, wanted: Bool) throws(Interrupt) -> PSValue {
        if case .array(let items) = left {
            var kept: [PSValue] = []
            for item in items where try (pattern.first(in: Array(try operand(item).utf8), for: self) != nil) == wanted {
                kept.append(item)
            }
            return .array(kept)
        }
        let text = Array(try operand(left).utf8)
        let found = try pattern.first(in: text, for: self)
        if let found {
            let table = PSTable(isOrdered: false)
            func piece(_ range: Range<Int>) -> PSValue { .string(String(decoding: text[range], as: UTF8.self)) }
            _ = table.add(.int(0), piece(found.range))
            var counted = 0
            for (number, range) in found.groups.enumerated() {
                let name = pattern.names.first { $0.number == number }?.name
                if name == nil { counted += 1 }
                guard let range else { continue }
                _ = table.add(name.map { .string($0) } ?? .int(Int32(counted)), piece(range))
            }
            variables["matches"] = .table(table)
        }
        return .bool((found != nil) == wanted)
    }

    private func replace(_ left: PSValue, _ right: PSValue, _ ignoringCase: Bool) throws(Interrupt) -> PSValue {
        var replacement = PSValue.string("")
        var written = right
        if case .array(let parts) = right {
            guard parts.count == 2 else { throw .handOver("an unusual -replace") }
            (written, replacement) = (parts[0], parts[1])
        }
        let pattern: Pattern
        if let own = RegexObjects.written(written) {
            pattern = try self.pattern(own.whole, ignoringCase: own.ignoresCase)
        } else {
            guard case .string(let text) = written else { throw .handOver("an unusual -replace") }
            pattern = try self.pattern(text, ignoringCase: ignoringCase, for: .replacement)
        }
        guard case .array(let items) = left else {
            return .string(try replaced(try operand(left), pattern, replacement))
        }
        var results: [PSValue] = []
        for item in items {
            results.append(try counted(.string(try replaced(try operand(item), pattern, replacement))))
        }
        return .array(results)
    }

    private func replaced(_ text: String, _ pattern: Pattern, _ replacement: PSValue) throws(Interrupt) -> String {
        switch replacement {
        case .string(let template): return try TextOperators.replace(text, pattern, with: template, for: self)
        case .int, .long, .bool, .char, .double:
            return try TextOperators.replace(text, pattern, with: try PSText.string(replacement), for: self)
        case .null: return try TextOperators.replace(text, pattern, with: "", for: self)
        // In the block, `$_` is the match.
        case .block(let block):
            return try TextOperators.replace(text, pattern, for: self) { (match) throws(Interrupt) in
                try PSText.string(try result(of: block, on: match))
            }
        default: throw .handOver("an unusual -replace")
        }
    }

    private func split(_ left: PSValue, _ right: PSValue, _ ignoringCase: Bool) throws(Interrupt) -> PSValue {
        var limit = 0
        var written = right
        var isSimple = false
        if case .array(let parts) = right {
            guard (2...3).contains(parts.count), case .int(let count) = parts[1] else {
                throw .handOver("an unusual -split")
            }
            limit = Int(count)
            written = parts[0]
            if parts.count == 3 {
                guard case .string(let word) = parts[2], word.lowercased() == "simplematch" else {
                    throw .handOver("an unusual -split")
                }
                isSimple = true
            }
        }
        var text: String
        switch written {
        case .string, .char, .int, .long: text = try PSText.string(written)
        default: throw .handOver("an unusual -split")
        }
        if isSimple { text = try Statics.escaped(text) }
        let pattern = try pattern(text, ignoringCase: ignoringCase, for: .comparison)
        guard case .array(let items) = left else {
            return .array(try TextOperators.split(try operand(left), pattern, limit: limit, for: self))
        }
        var parts: [PSValue] = []
        for item in items {
            parts += try TextOperators.split(try operand(item), pattern, limit: limit, for: self)
        }
        return .array(parts)
    }
}

extension BinaryOperator {
    /// Whether the operator is case-sensitive.
    fileprivate var countsCase: Bool {
        switch self {
        case .ceq, .cne, .cgt, .cge, .clt, .cle, .clike, .cnotlike, .cmatch, .cnotmatch, .ccontains, .cnotcontains,
            .cin,
            .cnotin, .creplace, .csplit:
            true
        default: false
        }
    }
}
