/// Equality and order of values, as `-eq`, `-lt` and the like define them.
enum Comparison {
    /// Evaluates `left -eq right` for a scalar on the left.
    static func equal(_ left: PSValue, _ right: PSValue, ignoringCase: Bool) throws(Interrupt) -> Bool {
        if left.isNull || right.isNull { return left.isNull && right.isNull }
        switch (left, right) {
        case (.string(let text), .string(let other)):
            return try Collation.equal(text, other, ignoringCase: ignoringCase)
        case (.string(let text), _):
            return try Collation.equal(text, try written(right), ignoringCase: ignoringCase)
        case (.int(let number), .int(let other)): return number == other
        case (.bool(let flag), _): return flag == right.isTrue
        // A list equals only itself, and no other value is converted to one.
        case (.array(let items), .array(let others)) where items.count == others.count:
            throw .handOver("comparing lists in a list")
        case (.array, _): return false
        case (.char(let unit), .char(let other)): return try fold(unit, ignoringCase) == fold(other, ignoringCase)
        case (.char(let unit), .string(let text)):
            guard text.utf16.count == 1, let other = text.utf16.first else { return false }
            return try fold(unit, ignoringCase) == fold(other, ignoringCase)
        case (.ownType(let type), .ownType(let other)): return type == other
        default: break
        }
        if case .object(let object) = left, object.isOfScript {
            // An object is equal only to itself: no text or number is converted to one.
            switch right {
            case .object(let other): return object.identity == other.identity
            // Whether its type can be made of a text isn't known of an object of which only some properties are.
            case _ where !object.isListable: break
            case .string, .int, .long, .double, .decimal, .bool, .date, .span, .array:
                return false
            case .guid where object.isCustom: return false
            default: break
            }
        }
        if isNumber(left), isNumber(right) { return try order(left, right) == 0 }
        if let order = try PSMoment.order(left, right) { return order == 0 }
        guard let other = try converted(right, like: left) else { return false }
        return try sameKind(left, other) == 0
    }

    /// Compares two values; the left one decides the type. Returns a negative number, zero or a positive number.
    static func ordered(_ left: PSValue, _ right: PSValue, ignoringCase: Bool) throws(Interrupt) -> Int {
        switch (left, right) {
        case _ where left.isNull && right.isNull: return 0
        case (.enumeration(let own), _) where right.isNull, (_, .enumeration(let own)) where left.isNull:
            throw .handOver("ordering $null and \(own.kind.typeName)")
        case _ where left.isNull: return againstNull(right, isRight: true)
        case _ where right.isNull: return againstNull(left, isRight: false)
        case (.string(let text), .string(let other)):
            return try Collation.compare(text, other, ignoringCase: ignoringCase)
        case (.string(let text), _):
            return try Collation.compare(text, try written(right), ignoringCase: ignoringCase)
        case (.bool(let flag), _): return (flag ? 1 : 0) - (right.isTrue ? 1 : 0)
        case (.object(let object), _) where object.isCustom:
            if case .object(let other) = right, other.identity == object.identity { return 0 }
            throw .statement(try incomparable(left, right))
        case (.array, _): throw .statement(try incomparable(left, right))
        default: break
        }
        if isNumber(left), isNumber(right) { return try order(left, right) }
        if let order = try PSMoment.order(left, right) { return order }
        guard let other = try converted(right, like: left) else {
            guard let type = type(of: left) else { throw .handOver("ordering \(left.typeName)") }
            let inner = try Conversion.failure(right, to: type)
            // A text beside a number is read as a number before anything is compared.
            if isNumber(left), case .string = right { throw .statement(inner) }
            throw .statement(
                NativeError(
                    "ComparisonFailure",
                    "Could not compare \"\(try PSText.string(left))\" to \"\(try PSText.string(right))\". Error: "
                        + "\"\(inner.message)\"", isReadable: inner.isReadable))
        }
        return try sameKind(left, other)
    }

    /// Returns the error for two values without an order.
    private static func incomparable(_ left: PSValue, _ right: PSValue) throws(Interrupt) -> NativeError {
        let isReadable = if case .array = left { false } else if case .array = right { false } else { true }
        let first = try PSText.whole(left)
        return NativeError(
            "PSObjectCompareTo",
            "Cannot compare \"\(first)\" to \"\(try PSText.whole(right))\" because the objects are not the same type or the object "
                + "\"\(first)\" does not implement \"IComparable\".", isReadable: isReadable)
    }

    /// Compares a value with `$null`: negative numbers precede it, everything else follows.
    private static func againstNull(_ value: PSValue, isRight: Bool) -> Int {
        let order = isRight ? -1 : 1
        let isNegative: Bool =
            switch value {
            case .int(let number): number < 0
            case .long(let number): number < 0
            case .double(let number): number < 0
            case .single(let number): number < 0
            case .decimal(let number): number.isNegative
            default: false
            }
        return isNegative ? -order : order
    }

    private static func fold(_ unit: UInt16, _ ignoringCase: Bool) throws(Interrupt) -> UInt16 {
        guard unit < 0x80 else { throw .handOver("comparing characters beyond ASCII") }
        return ignoringCase && (0x41...0x5A).contains(unit) ? unit | 0x20 : unit
    }

    /// Returns the text of a value that is compared with a text.
    private static func written(_ value: PSValue) throws(Interrupt) -> String {
        switch value {
        case .object(let object) where object.isCustom: return try PSText.string(value)
        case .object, .table, .block: throw .handOver("comparing text with \(value.typeName)")
        default: return try PSText.string(value)
        }
    }

    private static func type(of value: PSValue) -> PSType? {
        switch value {
        case .byte, .int: .int
        case .long: .long
        case .double, .single: .double
        case .decimal: .decimal
        case .date: .datetime
        case .span: .timespan
        case .guid: .guid
        case .version: .version
        case .enumeration(let own): own.kind.type
        default: nil
        }
    }

    /// Converts a text that is compared with a number to the number that it contains, of any type: `5 -gt '4.9'`
    /// compares 5 with 4.9.
    private static func converted(_ value: PSValue, like left: PSValue) throws(Interrupt) -> PSValue? {
        if isNumber(left), case .string(let text) = value {
            guard case .number(let number) = try NumberText.read(text) else { return nil }
            return number
        }
        if case .enumeration(let own) = left { return try Conversion.enumeration(value, own.kind) }
        guard let type = type(of: left) else {
            throw .handOver("comparing \(left.typeName) with \(value.typeName)")
        }
        return try Conversion.converted(value, to: type)
    }

    private static func sameKind(_ left: PSValue, _ right: PSValue) throws(Interrupt) -> Int {
        func sign<T: Comparable>(_ left: T, _ right: T) -> Int { left < right ? -1 : left > right ? 1 : 0 }
        switch (left, right) {
        case (.date(let date), .date(let other)): return sign(date.ticks, other.ticks)
        case (.span(let ticks), .span(let other)): return sign(ticks, other)
        case (.guid(let text), .guid(let other)): return text == other ? 0 : text < other ? -1 : 1
        case (.version(let parts), .version(let others)):
            for place in 0..<4 {
                let one = place < parts.count ? parts[place] : -1
                let other = place < others.count ? others[place] : -1
                if one != other { return sign(one, other) }
            }
            return 0
        case (.enumeration(let value), .enumeration(let other)): return sign(value.value, other.value)
        default:
            guard isNumber(left), isNumber(right) else {
                throw .handOver("comparing \(left.typeName) with \(right.typeName)")
            }
            return try order(left, right)
        }
    }

    /// Returns whether a value is a number.
    static func isNumber(_ value: PSValue) -> Bool {
        switch value {
        case .byte, .int, .long, .double, .single, .decimal: true
        default: false
        }
    }

    /// Compares two numbers.
    static func order(_ left: PSValue, _ right: PSValue) throws(Interrupt) -> Int {
        func sign<T: Comparable>(_ left: T, _ right: T) -> Int { left < right ? -1 : left > right ? 1 : 0 }
        switch (left, right) {
        case (.byte(let number), _): return try order(.int(Int32(number)), right)
        case (_, .byte(let number)): return try order(left, .int(Int32(number)))
        case (.int(let number), .int(let other)): return sign(number, other)
        case (.int(let number), .long(let other)): return sign(Int64(number), other)
        case (.long(let number), .int(let other)): return sign(number, Int64(other))
        case (.long(let number), .long(let other)): return sign(number, other)
        case (.decimal, _), (_, .decimal):
            guard let number = Conversion.decimal(left), let other = Conversion.decimal(right) else {
                throw .handOver("comparing a large number with a decimal")
            }
            return PSDecimal.order(number, other)
        default:
            guard let number = double(left), let other = double(right) else {
                throw .handOver("ordering \(left.typeName) and \(right.typeName)")
            }
            if number.isNaN || other.isNaN { throw .handOver("comparing NaN") }
            return sign(number, other)
        }
    }

    /// Returns any number as a double; `nil` for other values.
    static func double(_ value: PSValue) -> Double? {
        switch value {
        case .byte(let number): Double(number)
        case .int(let number): Double(number)
        case .long(let number): Double(number)
        case .double(let number): number
        case .single(let number): Double(number)
        case .decimal(let number): number.double
        default: nil
        }
    }
}
