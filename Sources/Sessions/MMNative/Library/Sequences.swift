import MMCore

/// `[Linq.Enumerable]`: what LINQ's methods without a function of the script's make of one or two sequences.
enum Sequences {
    /// Calls a method; `nil` if there is no such method here.
    static func call(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        switch (method, arguments.count) {
        case ("intersect", 2), ("except", 2), ("union", 2), ("distinct", 1), ("tohashset", 1):
            return .array(try combined(method, arguments))
        case ("range", 2):
            let count = Int32(try StepBound.count(arguments[1], "a long sequence"))
            guard case .int(let first) = arguments[0], Int64(first) + Int64(count) <= Int64(Int32.max) else {
                return nil
            }
            return .array((0..<count).map { .int(first + $0) })
        case ("repeat", 2):
            let count = try StepBound.count(arguments[1], "a long sequence")
            return .array(Array(repeating: arguments[0], count: count))
        case ("contains", 2):
            for item in try items(arguments[0]) where try same(item, arguments[1]) { return .bool(true) }
            return .bool(false)
        case ("sequenceequal", 2):
            let (first, second) = (try items(arguments[0]), try items(arguments[1]))
            guard first.count == second.count else { return .bool(false) }
            for (one, other) in zip(first, second) where try !same(one, other) { return .bool(false) }
            return .bool(true)
        case ("skip", 2), ("take", 2), ("elementat", 2):
            guard case .int(let count) = arguments[1] else { return nil }
            let items = try items(arguments[0])
            let place = min(max(Int(count), 0), items.count)
            if method == "elementat" { return items.indices.contains(Int(count)) ? items[Int(count)] : nil }
            return .array(Array(method == "skip" ? items[place...] : items[..<place]))
        case ("concat", 2): return .array(try items(arguments[0]) + items(arguments[1]))
        default:
            guard arguments.count == 1 else { return nil }
            return try reduced(method, try items(arguments[0]))
        }
    }

    private static func reduced(_ method: String, _ items: [PSValue]) throws(Interrupt) -> PSValue? {
        switch method {
        case "count": return .int(Int32(truncatingIfNeeded: items.count))
        case "longcount": return .long(Int64(items.count))
        case "any": return .bool(!items.isEmpty)
        case "toarray", "asenumerable": return .array(items)
        case "tolist": return .list(PSList(.objects, items))
        case "reverse": return .array(items.reversed())
        case "first", "last", "single", "firstordefault", "lastordefault":
            guard let item = method.hasPrefix("last") ? items.last : items.first, method != "single" || items.count == 1
            else { return nil }
            return item
        case "sum":
            guard let first = items.first else { return nil }
            let sum = try summed(items)
            // Integers of 32 bits have a sum of 32 bits, beyond which .NET fails.
            return if case .int = first { try Conversion.converted(sum, to: .int) } else { sum }
        case "average":
            guard !items.isEmpty, case .double(let sum)? = try Conversion.converted(try summed(items), to: .double)
            else { return nil }
            return .double(sum / Double(items.count))
        case "max", "min":
            guard var best = items.first, items.allSatisfy({ $0.typeName == best.typeName }) else { return nil }
            for item in items.dropFirst() {
                let order = try Comparison.ordered(item, best, ignoringCase: false)
                if method == "max" ? order > 0 : order < 0 { best = item }
            }
            return best
        default: return nil
        }
    }

    private static func summed(_ items: [PSValue]) throws(Interrupt) -> PSValue {
        guard let first = items.first, items.allSatisfy({ Comparison.isNumber($0) && $0.typeName == first.typeName })
        else { throw .handOver("the sum of other than numbers of one type") }
        var sum = first
        for item in items.dropFirst() { sum = try Arithmetic.add(sum, item) }
        return sum
    }

    private static func same(_ left: PSValue, _ right: PSValue) throws(Interrupt) -> Bool {
        switch (left, right) {
        case (.string(let one), .string(let other)): return one.utf8.elementsEqual(other.utf8)
        default:
            guard left.typeName == right.typeName else { return false }
            return try Comparison.equal(left, right, ignoringCase: false)
        }
    }

    private static func items(_ value: PSValue) throws(Interrupt) -> [PSValue] {
        guard !value.isNull else { throw .handOver("a sequence that is none") }
        return Cmdlets.list(value.plain)
    }

    /// Returns what LINQ makes of sets: each element once, in the order of their first occurrence.
    private static func combined(_ method: String, _ arguments: [PSValue]) throws(Interrupt) -> [PSValue] {
        var sets: [[(key: ExactKey, item: PSValue)]] = []
        for argument in arguments {
            sets.append(
                try items(argument).map { (item) throws(Interrupt) -> (key: ExactKey, item: PSValue) in
                    switch item {
                    case .string, .int, .guid, .bool: (ExactKey("\(item.typeName) \(try PSText.string(item))"), item)
                    default: throw .handOver("a set of \(item.typeName)")
                    }
                })
        }
        let second = Set((sets.count > 1 ? sets[1] : []).map(\.key))
        var known: Set<ExactKey> = []
        return (method == "union" ? sets.flatMap(\.self) : sets[0]).compactMap { element in
            if method == "intersect", !second.contains(element.key) { return nil }
            if method == "except", second.contains(element.key) { return nil }
            return known.insert(element.key).inserted ? element.item : nil
        }
    }
}
