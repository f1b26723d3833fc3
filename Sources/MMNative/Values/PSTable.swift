/// A hashtable with text keys, compared without case.
package struct PSTable: Sendable {
    /// `[ordered]`: the order of keys is certain.
    package var isOrdered: Bool
    /// The table of `$Matches`, whose keys may be numbers.
    package var isMatches = false
    /// Keys as written, with their values.
    package private(set) var pairs: [(key: String, value: PSValue)] = []

    /// An empty table.
    package init(isOrdered: Bool) { self.isOrdered = isOrdered }

    /// The place of a key, case ignored.
    private func place(of key: String) -> Int? {
        let folded = key.lowercased()
        return pairs.firstIndex { $0.key.lowercased() == folded }
    }

    /// The value under a key, case ignored.
    package subscript(key: String) -> PSValue? { place(of: key).map { pairs[$0].value } }

    /// Adds a key; `false` when it is there already.
    package mutating func add(_ key: String, _ value: PSValue) -> Bool {
        guard place(of: key) == nil else { return false }
        pairs.append((key, value))
        return true
    }

    /// Whether the order in which keys come is certain: .NET lists an unordered table by hash.
    package var hasCertainOrder: Bool { isOrdered || pairs.count < 2 }
}
