/// A hashtable with text keys that ignore case.
package struct PSTable: Sendable {
    /// Whether the table is `[ordered]`, so that the order of its keys is certain.
    package var isOrdered: Bool
    /// Whether this is `$Matches`, whose keys may be numbers.
    package var isMatches = false
    /// The keys as written, with their values.
    package private(set) var pairs: [(key: String, value: PSValue)] = []

    /// Creates an empty table.
    package init(isOrdered: Bool) { self.isOrdered = isOrdered }

    /// Returns the index of a key, ignoring case.
    private func place(of key: String) -> Int? {
        let folded = key.lowercased()
        return pairs.firstIndex { $0.key.lowercased() == folded }
    }

    /// The value of a key, ignoring case.
    package subscript(key: String) -> PSValue? { place(of: key).map { pairs[$0].value } }

    /// Adds a key; returns `false` when it already exists.
    package mutating func add(_ key: String, _ value: PSValue) -> Bool {
        guard place(of: key) == nil else { return false }
        pairs.append((key, value))
        return true
    }

    /// Whether the order of the keys is certain: .NET lists an unordered table by hash.
    package var hasCertainOrder: Bool { isOrdered || pairs.count < 2 }
}
