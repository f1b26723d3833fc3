import Glibc

/// The operators `+ - * / %`, the bitwise operators and `..`.
enum Arithmetic {
    /// An operator of two numbers, each of which .NET's types may define as a method.
    enum Operation {
        case add, subtract, multiply, divide, remainder

        /// The name of the method.
        var method: String {
            switch self {
            case .add: "op_Addition"
            case .subtract: "op_Subtraction"
            case .multiply: "op_Multiply"
            case .divide: "op_Division"
            case .remainder: "op_Modulus"
            }
        }

        /// The operator in a script.
        var sign: String {
            switch self {
            case .add: "+"
            case .subtract: "-"
            case .multiply: "*"
            case .divide: "/"
            case .remainder: "%"
            }
        }
    }

    /// Evaluates `left + right`, in which the left operand decides the type.
    static func add(_ left: PSValue, _ right: PSValue) throws(Interrupt) -> PSValue {
        switch (left, right) {
        case (.null, _), (.nothing, _): return right.withoutNothing
        // On the right of a list, no output is a list without elements.
        case (.array, .nothing): return left
        case (.list(let list), _): return try add(.array(list.items), right)
        case (_, .list(let list)): return try add(left, .array(list.items))
        case (.string(let text), _):
            if case .object(let object) = right, !object.isOfScript { throw .handOver("an object joined to text") }
            let more = try PSText.string(right)
            try StepBound.text(bytes: text.utf8.count + more.utf8.count)
            return .string(text + more)
        case (.char, _): return try add(.string(try PSText.string(left)), right)
        case (.array(let items), .array(let more)):
            try StepBound.count(items.count + more.count, "a long list")
            return .array(items + more)
        case (.array(let items), _): return .array(items + [right])
        case (.table(let table), .table(let other)):
            let sum = table.copy()
            for (key, value) in other.entries {
                guard sum.add(key, value) else {
                    throw .statement(
                        NativeError("System.ArgumentException", sum.refusal(ofTaken: key), isReadable: true))
                }
            }
            return .table(sum)
        case (.date(let date), .span(let ticks)): return try moved(date, ticks)
        case (.span(let ticks), .span(let other)): return try span(ticks.addingReportingOverflow(other))
        case (.table, _):
            throw .statement(
                NativeError(
                    "AddHashTableToNonHashTable", "A hash table can only be added to another hash table.",
                    category: "InvalidOperation", isReadable: true))
        default: return try number(left, right, .add)
        }
    }

    /// Evaluates `left - right`.
    static func subtract(_ left: PSValue, _ right: PSValue) throws(Interrupt) -> PSValue {
        switch (left, right) {
        case (.date(let date), .date(let other)): return .span(date.ticks - other.ticks)
        case (.null, .date), (.null, .span):
            // PowerShell certainly fails here, but the error id isn't known.
            throw .statement(NativeError("", "a date taken from $null"))
        case (.date(let date), .span(let ticks)): return try moved(date, PSSpan.negated(ticks))
        case (.span(let ticks), .span(let other)): return try span(ticks.subtractingReportingOverflow(other))
        default: return try number(zero(left), right, .subtract)
        }
    }

    private static func span(_ sum: (partialValue: Int64, overflow: Bool)) throws(Interrupt) -> PSValue {
        if sum.overflow { throw .handOver("a time span out of range") }
        return .span(sum.partialValue)
    }

    private static func moved(_ date: PSDate, _ ticks: Int64) throws(Interrupt) -> PSValue {
        guard let moved = date.moved(by: ticks) else { throw .handOver("a date out of range") }
        return .date(moved)
    }

    /// Evaluates `left * right`, which repeats texts and lists.
    static func multiply(_ left: PSValue, _ right: PSValue) throws(Interrupt) -> PSValue {
        switch left {
        case .null: return .null
        case .string(let text):
            let count = try times(right)
            try StepBound.count(count * text.utf8.count, "a long repetition")
            return .string(String(repeating: text, count: count))
        case .array(let items):
            if case .array = right {
                // The count of a list is unsigned, unlike that of a text.
                throw .statement(try Conversion.failure(right, to: "System.UInt32"))
            }
            let count = try times(right)
            try StepBound.count(count * items.count, "a long repetition")
            return .array((0..<count).flatMap { _ in items })
        // Unlike the other operators, this one doesn't count truths and characters as numbers.
        case .bool, .char: return try OperatorMethods.call(.multiply, left, right)
        default: return try number(left, right, .multiply)
        }
    }

    private static func times(_ value: PSValue) throws(Interrupt) -> Int {
        try StepBound.count(try Conversion.cast(value, to: .int), "an unusual repetition")
    }

    /// Evaluates `left / right`.
    static func divide(_ left: PSValue, _ right: PSValue) throws(Interrupt) -> PSValue {
        try number(zero(left), right, .divide)
    }

    /// Evaluates `left % right`.
    static func remainder(_ left: PSValue, _ right: PSValue) throws(Interrupt) -> PSValue {
        try number(zero(left), right, .remainder)
    }

    /// Returns 0 for `$null`, which counts as 0 in subtractions and divisions.
    private static func zero(_ value: PSValue) -> PSValue { value.isNull ? .int(0) : value }

    /// Returns an operand as a number; `nil` if it isn't one, so that a method of its type is called.
    private static func operand(_ value: PSValue) -> PSValue? {
        switch value {
        case .int, .long, .double, .decimal: value
        case .byte(let number): .int(Int32(number))
        case .single(let number): .double(Double(number))
        case .bool(let flag): .int(flag ? 1 : 0)
        case .char(let unit): .int(Int32(unit))
        case .enumeration(let own): .int(own.value)
        default: nil
        }
    }

    /// Returns the number in a text, or converts the text to the type of the other operand.
    private static func number(in text: String, beside other: PSValue) throws(Interrupt) -> PSValue {
        guard case .number(let number) = try NumberText.read(text) else {
            let type: PSType =
                switch other {
                case .long: .long
                case .double: .double
                case .decimal, .byte, .single, .enumeration: throw .handOver("text that isn't a number")
                default: .int
                }
            let inner = String(decoding: Array(text.utf8).trimmingBlanks(), as: UTF8.self)
            throw .statement(try Conversion.failure(.string(inner), to: type))
        }
        guard text.utf8.contains(UInt8(ascii: ",")) else { return number }
        return try grouped(number, text, beside: other)
    }

    /// Converts the number in a text with thousands separators to the type of the other operand, or to a 32-bit integer
    /// if that isn't a number.
    private static func grouped(
        _ number: PSValue, _ text: String, beside other: PSValue
    ) throws(Interrupt) -> PSValue {
        guard case .double(let value) = number else { return number }
        let rounded = value.rounded(.toNearestOrEven)
        switch other {
        case .double: return number
        case .decimal: throw .handOver("text with separators beside a decimal")
        case .long:
            guard let whole = Int64(exactly: rounded) else {
                throw .statement(try Conversion.failure(.string(text), to: .long))
            }
            return .long(whole)
        default:
            guard let whole = Int32(exactly: rounded) else {
                throw .statement(try Conversion.failure(.string(text), to: .int))
            }
            return .int(whole)
        }
    }

    private static func number(
        _ left: PSValue, _ right: PSValue, _ operation: Operation
    ) throws(Interrupt) -> PSValue {
        // A text beside a number, or on the left, is read as a number first.
        if case .string(let text) = left {
            let first = try number(in: text, beside: right)
            guard case .string(let other) = right else { return try number(first, right, operation) }
            return try number(first, try number(in: other, beside: left), operation)
        }
        guard let first = operand(left) else { return try OperatorMethods.call(operation, left, right) }
        if case .string(let text) = right {
            return try number(left, try number(in: text, beside: left), operation)
        }
        guard let second = operand(right.isNull ? .int(0) : right) else {
            return try OperatorMethods.call(operation, left, right)
        }
        switch (left, second) {
        case (.enumeration(let own), .int):
            // The result is a value of the enumeration again.
            guard case .int(let result) = try numbers(first, second, operation) else { break }
            return .enumeration(PSEnum(own.kind, result))
        case (.enumeration, _), (.bool, .decimal): break
        default: return try numbers(first, second, operation)
        }
        throw .handOver("an operator of \(left.typeName)")
    }

    private static func numbers(
        _ left: PSValue, _ right: PSValue, _ operation: Operation
    ) throws(Interrupt) -> PSValue {
        if case .int(let first) = left, case .int(let second) = right {
            return try whole(Int64(first), Int64(second), operation, isLong: false)
        }
        switch (left, right) {
        case (.int(let first), .long(let second)): return try whole(Int64(first), second, operation, isLong: true)
        case (.long(let first), .int(let second)): return try whole(first, Int64(second), operation, isLong: true)
        case (.long(let first), .long(let second)): return try whole(first, second, operation, isLong: true)
        case (.decimal, _), (_, .decimal): return try decimals(left, right, operation)
        default: break
        }
        guard let first = Comparison.double(left), let second = Comparison.double(right) else {
            throw .handOver("arithmetic with \(left.typeName)")
        }
        switch operation {
        case .add: return .double(first + second)
        case .subtract: return .double(first - second)
        case .multiply: return .double(first * second)
        case .divide: return .double(first / second)
        case .remainder: return .double(fmod(first, second))
        }
    }

    /// Evaluates an operator of two numbers as decimals.
    static func decimals(
        _ left: PSValue, _ right: PSValue, _ operation: Operation
    ) throws(Interrupt) -> PSValue {
        guard let first = Conversion.decimal(left), let second = Conversion.decimal(right) else {
            throw .handOver("arithmetic of decimals out of range")
        }
        let result: PSDecimal?
        switch operation {
        case .add: result = PSDecimal.sum(first, second)
        case .subtract: result = second.negated.flatMap { PSDecimal.sum(first, $0) }
        case .multiply: result = PSDecimal.product(first, second)
        case .divide, .remainder:
            guard second.digits != 0 else {
                throw .statement(NativeError("RuntimeException", "Attempted to divide by zero.", isReadable: true))
            }
            result = operation == .divide ? PSDecimal.quotient(first, second) : PSDecimal.remainder(first, second)
        }
        guard let result else { throw .handOver("arithmetic of decimals that rounds") }
        return .decimal(result)
    }

    private static func whole(
        _ first: Int64, _ second: Int64, _ operation: Operation, isLong: Bool
    ) throws(Interrupt) -> PSValue {
        let exact: (partialValue: Int64, overflow: Bool)
        switch operation {
        case .add: exact = first.addingReportingOverflow(second)
        case .subtract: exact = first.subtractingReportingOverflow(second)
        case .multiply: exact = first.multipliedReportingOverflow(by: second)
        case .divide, .remainder:
            guard second != 0 else {
                throw .statement(NativeError("RuntimeException", "Attempted to divide by zero.", isReadable: true))
            }
            if first == Int64.min, second == -1 { throw .handOver("an overflow") }
            if operation == .divide, first % second != 0 { return .double(Double(first) / Double(second)) }
            exact = (operation == .divide ? first / second : first % second, false)
        }
        if exact.overflow {
            switch operation {
            case .add: return .double(Double(first) + Double(second))
            case .subtract: return .double(Double(first) - Double(second))
            default: return .double(Double(first) * Double(second))
            }
        }
        if isLong { return .long(exact.partialValue) }
        return Int32(exactly: exact.partialValue).map { .int($0) } ?? .double(Double(exact.partialValue))
    }

    /// Evaluates `-band`, `-bor` and `-bxor` for integers of the same width.
    static func bits(
        _ left: PSValue, _ right: PSValue, _ operation: (Int64, Int64) -> Int64
    ) throws(Interrupt) -> PSValue {
        switch (left, right) {
        case (.int(let first), .int(let second)):
            return .int(Int32(truncatingIfNeeded: operation(Int64(first), Int64(second))))
        case (.byte(let first), .int): return try bits(.int(Int32(first)), right, operation)
        case (.int, .byte(let second)): return try bits(left, .int(Int32(second)), operation)
        case (.int(let first), .long): return try bits(.long(Int64(first)), right, operation)
        case (.long, .int(let second)): return try bits(left, .long(Int64(second)), operation)
        case (.long(let first), .long(let second)): return .long(operation(first, second))
        // Two values of one enumeration give a third.
        case (.enumeration(let first), .enumeration(let second))
        where first.kind == second.kind && (first.kind.type == nil || first.kind.isFlags):
            let bits = operation(Int64(first.value), Int64(second.value))
            return .enumeration(PSEnum(first.kind, Int32(truncatingIfNeeded: bits)))
        default: throw .handOver("bits of \(left.typeName)")
        }
    }

    /// Evaluates `-shl` and `-shr`; the number of places is taken modulo the width of the left operand.
    static func shift(_ left: PSValue, _ right: PSValue, isLeft: Bool) throws(Interrupt) -> PSValue {
        guard case .int(let places) = right else { throw .handOver("a shift by \(right.typeName)") }
        switch left {
        case .int(let number): return .int(isLeft ? number &<< places : number &>> places)
        case .long(let number): return .long(isLeft ? number &<< Int64(places) : number &>> Int64(places))
        default: throw .handOver("a shift of \(left.typeName)")
        }
    }

    /// Evaluates `left .. right`.
    static func range(_ left: PSValue, _ right: PSValue) throws(Interrupt) -> PSValue {
        if case .string(let first) = left, case .string(let last) = right, first.utf8.count == 1,
            last.utf8.count == 1, let low = first.utf8.first, let high = last.utf8.first,
            (0x61...0x7A).contains(low | 0x20), (0x61...0x7A).contains(high | 0x20)
        {
            return .array(
                low <= high
                    ? (low...high).map { .char(UInt16($0)) } : (high...low).reversed().map { .char(UInt16($0)) })
        }
        guard case .int(let low)? = try end(left), case .int(let high)? = try end(right) else {
            throw .handOver("a range of other than whole numbers")
        }
        try StepBound.count(Int(low).distance(to: Int(high)).magnitude + 1, "a long range")
        return .array(low <= high ? (low...high).map { .int($0) } : (high...low).reversed().map { .int($0) })
    }

    private static func end(_ value: PSValue) throws(Interrupt) -> PSValue? {
        switch value {
        case .int: return value
        case .double, .long, .null, .string:
            if case .string(let text) = value, text.utf8.count <= 1 { return nil }
            return try Conversion.converted(value, to: .int)
        default: return nil
        }
    }
}
