import MMCore

/// The check of the words of list filters. Without it, a misspelt word would give an empty list instead of an error.
enum ListFilter {
    /// Refuses a word that is not among the known ones.
    /// - Parameters:
    ///   - word: the value to filter by.
    ///   - field: the name of the filter.
    ///   - known: the known words.
    ///   - row: the word for a row of the list, such as `line`.
    /// - Throws: `invalidInput` that lists the known words.
    static func check(_ word: String, _ field: String, among known: [String], of row: String) throws(MMError) {
        guard !known.contains(word) else { return }
        let near = NearestNames.of(word, among: known, limit: 1).first.map { " Did you mean `\($0)`?" } ?? ""
        throw MMError(
            .invalidInput, "No \(row) has the \(field) `\(word.prefix(40))`.\(near)",
            hint: known.isEmpty
                ? "No \(row) has a \(field)." : "Known \(field) values: \(known.prefix(most).joined(separator: ", ")).",
            details: ["field": .string(field)])
    }

    /// Refuses a connection name that is neither in the registry nor in the list's own data. Removed connections, and a
    /// partner's customers, are only in the latter.
    /// - Parameter written: the names in the list's own data.
    /// - Throws: `notFound` that lists the connections.
    static func check(
        connection name: String, in registry: ConnectionRegistry, for server: String?, written: Set<String>
    ) throws(MMError) {
        guard !written.contains(name) else { return }
        let snapshot = try registry.snapshot()
        let visible = (server.map { snapshot.visible(to: $0) } ?? snapshot.connections).map(\.name)
        // Invalid entries of the registry count as well.
        let listed = server == nil ? snapshot.document["connections"]?.object?.keys ?? [] : []
        // A call for several connections is written down with what selected them, which is no name.
        let gone = written.filter { !RegistrySnapshot.selectsSeveral($0) }
        let known = visible + (listed + gone).filter { !visible.contains($0) }.sorted()
        guard !known.contains(name) else { return }
        throw RegistrySnapshot.unknown(name, among: known)
    }

    /// The maximum number of words in a hint.
    private static let most = 100
}

/// The words by which a list is searched: a row matches if it has all of them.
struct WordSearch {
    private let words: [String]

    /// Creates a search for the words of a text; one without words matches every row.
    init(_ text: String) { words = text.lowercased().split(separator: " ").map(String.init) }

    /// Whether there is nothing to look for.
    var isEmpty: Bool { words.isEmpty }

    /// Returns whether each word is in one of a row's texts.
    func matches(_ texts: [String]) -> Bool {
        if words.isEmpty { return true }
        let text = texts.joined(separator: "\n").lowercased()
        return words.allSatisfy { text.contains($0) }
    }
}
