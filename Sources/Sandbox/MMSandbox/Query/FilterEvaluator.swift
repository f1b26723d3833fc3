internal import MMCore
internal import MMGuard

/// Decides whether a record satisfies a `$filter`.
struct FilterEvaluator {
    /// The function that returns a property, for paths that don't start with a lambda variable.
    let property: (String) -> JSONValue?
    private var scope: [(name: String, value: JSONValue)] = []

    init(property: @escaping (String) -> JSONValue?) {
        self.property = property
    }

    /// Returns whether the expression is true for the record; an undefined comparison isn't.
    func matches(_ expression: FilterExpression) -> Bool { value(expression).isTrue }

    private func value(_ expression: FilterExpression) -> ODataValue {
        switch expression {
        case .literal(let value): return value
        case .path(let steps): return ODataValue(resolve(steps))
        case .count(let steps): return .number(Double(resolve(steps).array?.count ?? 0))
        case .compare(let operation, let left, let right):
            return .bool(compare(operation, value(left), value(right)))
        case .both(let left, let right): return .bool(matches(left) && matches(right))
        case .either(let left, let right): return .bool(matches(left) || matches(right))
        case .negated(let inner): return .bool(!matches(inner))
        case .oneOf(let inner, let values):
            let value = value(inner)
            return .bool(values.contains { value.equals($0) })
        case .call(let name, let arguments): return call(name, arguments.map(value))
        case .isKind(let steps, let type): return .bool(isKind(steps, type))
        case .anyItem(let steps, let variable, let inner):
            let items = resolve(steps).array ?? []
            guard let inner else { return .bool(!items.isEmpty) }
            return .bool(items.contains { with(variable, $0).matches(inner) })
        case .allItems(let steps, let variable, let inner):
            return .bool((resolve(steps).array ?? []).allSatisfy { with(variable, $0).matches(inner) })
        }
    }

    private func with(_ variable: String, _ item: JSONValue) -> FilterEvaluator {
        var inner = self
        inner.scope.append((variable, item))
        return inner
    }

    private func isKind(_ steps: [String], _ type: String) -> Bool {
        let actual = steps.isEmpty ? property("@odata.type") : resolve(steps)["@odata.type"]
        let table = GraphTypeTable.standard
        guard let name = actual?.string.map({ String($0.drop { $0 == "#" }) }) else { return false }
        if name.lowercased() == type.lowercased() { return true }
        guard let own = table.type(named: name), let wanted = table.type(named: type) else { return false }
        return table.isKind(own, of: wanted)
    }

    private func resolve(_ steps: [String]) -> JSONValue {
        guard let first = steps.first else { return .null }
        if first.contains(".") { return resolve(Array(steps.dropFirst())) }
        var value = scope.last { $0.name == first }?.value ?? property(first) ?? .null
        for step in steps.dropFirst() { value = value[step] ?? .null }
        return value
    }

    private func compare(_ operation: FilterExpression.Comparison, _ left: ODataValue, _ right: ODataValue) -> Bool {
        switch operation {
        case .eq: left.equals(right)
        case .ne: !left.equals(right)
        case .lt: left.precedes(right) ?? false
        case .gt: right.precedes(left) ?? false
        case .le: (left.precedes(right) ?? false) || (right.precedes(left) == false)
        case .ge: (right.precedes(left) ?? false) || (left.precedes(right) == false)
        }
    }

    private func call(_ name: String, _ arguments: [ODataValue]) -> ODataValue {
        if let component = timeComponent(name, arguments[0]) { return component }
        guard let text = arguments[0].text else {
            // A property without a value never matches, as in the real service.
            return ["startswith", "endswith", "contains"].contains(name) ? .bool(false) : .null
        }
        let other = arguments.count > 1 ? arguments[1].text : nil
        switch name {
        case "startswith": return .bool(other.map { CaselessText.hasPrefix(text, $0) } ?? false)
        case "endswith": return .bool(other.map { CaselessText.hasSuffix(text, $0) } ?? false)
        case "contains": return .bool(other.map { CaselessText.contains(text, $0) } ?? false)
        case "tolower": return .string(text.lowercased())
        case "toupper": return .string(text.uppercased())
        case "trim": return .string(String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()))
        case "length": return .number(Double(text.count))
        case "indexof": return other.map { .number(Double(CaselessText.position(of: $0, in: text) ?? -1)) } ?? .null
        case "concat": return other.map { .string(text + $0) } ?? .null
        case "substring": return substring(text, arguments)
        default: return .null
        }
    }

    private func substring(_ text: String, _ arguments: [ODataValue]) -> ODataValue {
        guard case .number(let start) = arguments[1], start >= 0, let first = Int(exactly: start) else { return .null }
        let tail = text.dropFirst(first)
        guard arguments.count > 2 else { return .string(String(tail)) }
        guard case .number(let length) = arguments[2], length >= 0, let count = Int(exactly: length) else {
            return .null
        }
        return .string(String(tail.prefix(count)))
    }

    private func timeComponent(_ name: String, _ argument: ODataValue) -> ODataValue? {
        let positions = [
            "year": 0..<4, "month": 5..<7, "day": 8..<10, "hour": 11..<13, "minute": 14..<16, "second": 17..<19,
        ]
        guard let range = positions[name] else { return nil }
        let seconds: Double? =
            switch argument {
            case .instant(let seconds): seconds
            case .string(let text): ServiceTime.seconds(text)
            default: nil
            }
        guard let seconds else { return .null }
        let text = Array(ServiceTime.text(Int64(seconds.rounded(.down))).utf8)
        guard range.upperBound <= text.count else { return .null }
        return Double(String(decoding: text[range], as: UTF8.self)).map { .number($0) } ?? .null
    }
}

/// Case-insensitive comparison of texts, as in the directory.
enum CaselessText {
    /// Returns the form in which texts are compared.
    static func folded(_ text: String) -> String { text.lowercased() }

    static func equal(_ left: String, _ right: String) -> Bool {
        var left = left
        var right = right
        let quick: Bool? = left.withUTF8 { first in
            right.withUTF8 { second in
                for (one, two) in zip(first, second) {
                    if one >= 0x80 || two >= 0x80 { return nil }
                    if small(one) != small(two) { return false }
                }
                if first.count == second.count { return true }
                return first.count > second.count
                    ? combines(first[second.count]) : combines(second[first.count])
            }
        }
        return quick ?? (folded(left) == folded(right))
    }

    static func precedes(_ left: String, _ right: String) -> Bool { folded(left) < folded(right) }

    static func hasPrefix(_ text: String, _ prefix: String) -> Bool { folded(text).hasPrefix(folded(prefix)) }

    static func hasSuffix(_ text: String, _ suffix: String) -> Bool { folded(text).hasSuffix(folded(suffix)) }

    static func contains(_ text: String, _ part: String) -> Bool { position(of: part, in: text) != nil }

    /// Returns the character position of the first occurrence.
    static func position(of part: String, in text: String) -> Int? {
        let haystack = Array(folded(text))
        let needle = Array(folded(part))
        guard !needle.isEmpty else { return 0 }
        guard haystack.count >= needle.count else { return nil }
        return (0...(haystack.count - needle.count)).first { haystack[$0..<($0 + needle.count)].elementsEqual(needle) }
    }

    private static func small(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }

    /// Returns whether the next byte combines with a plain letter into another character; `nil` if that can't be
    /// decided by bytes.
    private static func combines(_ next: UInt8) -> Bool? { next >= 0x80 ? nil : false }
}
