import MMCore

/// What filters of lists may name: a word that nothing there has would look like a list without rows.
enum ListFilter {
    /// Refuses a word that is none of those that there are.
    /// - Parameters:
    ///   - word: what somebody filters by.
    ///   - field: the filter.
    ///   - known: what there is.
    ///   - row: what the list's rows are, such as `line`.
    /// - Throws: `invalidInput` that lists what there is.
    static func check(_ word: String, _ field: String, among known: [String], of row: String) throws(MMError) {
        guard !known.contains(word) else { return }
        let near = NearestNames.of(word, among: known, limit: 1).first.map { " Did you mean `\($0)`?" } ?? ""
        throw MMError(
            .invalidInput, "No \(row) has the \(field) `\(word.prefix(40))`.\(near)",
            hint: known.isEmpty
                ? "None has any \(field)." : "Each \(field): \(known.prefix(most).joined(separator: ", ")).",
            details: ["field": .string(field)])
    }

    /// Refuses a name that neither the registry has nor what was written down: connections may have gone, and a partner's customers
    /// were never there.
    /// - Parameter written: the names that were written down.
    /// - Throws: `invalidInput` that lists the connections.
    static func check(
        connection name: String, in registry: ConnectionRegistry, for server: String?, written: Set<String>
    ) throws(MMError) {
        guard !written.contains(name) else { return }
        let snapshot = try registry.snapshot()
        let visible = (server.map { snapshot.visible(to: $0) } ?? snapshot.connections).map(\.name)
        // An entry with a fault is there as well.
        let listed = server == nil ? snapshot.document["connections"]?.object?.keys ?? [] : []
        let known =
            visible + (listed.filter { !visible.contains($0) } + written.filter { !visible.contains($0) }).sorted()
        guard !known.contains(name) else { return }
        let near = NearestNames.of(name, among: known, limit: 1).first.map { " Did you mean `\($0)`?" } ?? ""
        throw MMError(
            .invalidInput, "There is no connection `\(name.prefix(100))`.\(near)",
            hint: known.isEmpty
                ? RegistrySnapshot.howToAdd : "Connections: \(known.prefix(most).joined(separator: ", ")).",
            details: ["field": "connection"])
    }

    /// How many names a hint has.
    private static let most = 100
}
