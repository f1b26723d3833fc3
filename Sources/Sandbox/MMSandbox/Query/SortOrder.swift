internal import MMCore

/// Puts records in the order of `$orderby`.
enum SortOrder {
    /// The records in order; equal ones keep theirs, what has no value comes first.
    static func sorted(_ records: [Record], by keys: [QueryOptions.SortKey]) -> [Record] {
        let keyed = records.enumerated().map { place, record in
            (place: place, keys: keys.map { Key(value(of: $0.path, in: record)) }, record: record)
        }
        return keyed.sorted { left, right in
            for (position, key) in keys.enumerated() {
                let one = left.keys[position]
                let two = right.keys[position]
                if one.precedes(two) { return !key.descending }
                if two.precedes(one) { return key.descending }
            }
            return left.place < right.place
        }.map(\.record)
    }

    static func value(of path: [String], in record: Record) -> JSONValue {
        var value = path.first.flatMap { record[$0] } ?? .null
        for step in path.dropFirst() { value = value[step] ?? .null }
        return value
    }

    /// A value made ready for many comparisons.
    private enum Key {
        case nothing
        case flag(Bool)
        case number(Double)
        case text(String)

        init(_ value: JSONValue) {
            switch value {
            case .bool(let flag): self = .flag(flag)
            case .int, .double, .number: self = .number(value.double ?? 0)
            case .string(let text): self = .text(CaselessText.folded(text))
            default: self = .nothing
            }
        }

        private var rank: Int {
            switch self {
            case .nothing: 0
            case .flag: 1
            case .number: 2
            case .text: 3
            }
        }

        func precedes(_ other: Key) -> Bool {
            switch (self, other) {
            case (.flag(let left), .flag(let right)): !left && right
            case (.number(let left), .number(let right)): left < right
            case (.text(let left), .text(let right)): left < right
            default: rank < other.rank
            }
        }
    }
}
