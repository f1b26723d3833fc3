internal import MMCore

/// Finds names such as `Get-InboxRule` by words, with the spellings and verbs that questions about endpoints have.
package struct NameSearch: Sendable {
    private let words = EndpointIndex.standard.words

    /// A search.
    package init() {}

    /// The names that fit a question best, best first.
    package func find(_ question: String, among names: [String], limit: Int) -> [String] {
        let question = SearchQuestion(question, words)
        let parts = names.map { name in name.split(separator: "-", maxSplits: 1).map(String.init) }
        let known = parts.map { Set(stems(of: $0.last ?? "")) }
        var frequency: [String: Int] = [:]
        for stem in known.joined() { frequency[stem, default: 0] += 1 }
        func weight(_ stem: String) -> Float { 1 / Float(1 + frequency[stem, default: 0]).squareRoot() }

        var found: [(name: String, score: Float)] = []
        for (index, own) in known.enumerated() {
            let shared = question.words.filter { own.contains($0.text) }
            guard !shared.isEmpty else { continue }
            var score = shared.reduce(0) { $0 + $1.weight * weight($1.text) }
            score /= own.reduce(0) { $0 + weight($1) * weight($1) }.squareRoot()
            if Self.verbs[question.method == 0 ? 1 : question.method, default: []].contains(parts[index][0]) {
                score *= 1.3
            }
            found.append((names[index], score))
        }
        return found.sorted { ($1.score, $0.name) < ($0.score, $1.name) }.prefix(limit).map(\.name)
    }

    /// The verbs of cmdlets that do what a method does.
    private static let verbs: [UInt8: Set<String>] = [
        1: ["Get", "Search", "Test", "Find"], 2: ["New", "Add", "Start", "Send", "Import"],
        8: ["Set", "Enable", "Disable", "Update"], 16: ["Remove", "Clear", "Revoke"],
    ]

    /// A name's words as the index spells them, pairs of words too: `InboxRule`, `MailboxAutoReply`.
    private func stems(of name: String) -> [String] {
        let plain = WordForm.pieces(name).map(WordForm.stem)
        let pairs = zip(plain, plain.dropFirst()).compactMap { words.target(of: "\($0) \($1)") }
        return plain.map { words.target(of: $0) ?? $0 } + pairs
    }
}
