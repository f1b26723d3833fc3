internal import MMCore

/// Finds by a question in words what has several names of its own: ready tasks, cmdlets.
///
/// A thing fits as well as the best of its names does. The spellings that the index knows count here too, so that "licence" finds
/// "license" and "second factor" finds "MFA".
package struct PhraseSearch: Sendable {
    /// A name as the words that it consists of, with what each counts.
    private struct Phrase {
        let weights: [String: Float]
        let length: Float

        init(_ tokens: [String], weight: (String) -> Float) {
            var weights: [String: Float] = [:]
            for token in tokens { weights[token] = weight(token) }
            self.weights = weights
            length = PhraseSearch.length(weights)
        }
    }

    private let words = EndpointIndex.standard.words
    private let things: [[Phrase]]
    /// The words of all names, by which slips of the pen are known.
    private let vocabulary: Set<String>
    /// What a word counts that the index doesn't have.
    private static let unknownRarity: Float = 5

    /// A search among things.
    /// - Parameter names: what each is called, in whole phrases.
    package init(_ names: [[String]]) {
        let words = words
        // The names have few words, many times over: each is looked up once.
        var weights: [String: Float] = [:]
        var read: [String: (isStop: Bool, text: String)] = [:]
        func word(_ piece: String) -> (isStop: Bool, text: String) {
            if let known = read[piece] { return known }
            let found = Self.word(piece, words)
            read[piece] = found
            return found
        }
        func weight(_ token: String) -> Float {
            if let known = weights[token] { return known }
            let found = Self.weight(token, words)
            weights[token] = found
            return found
        }
        things = names.map { phrases in
            phrases.map { phrase in
                Phrase(words.spelled(WordForm.pieces(phrase).map(word)), weight: weight)
            }.filter { $0.length > 0 }
        }
        vocabulary = Set(weights.keys)
    }

    /// How well each thing fits a question, from 0 to 1, in the order in which the things were given.
    package func scores(_ question: String) -> [Float] {
        let asked = Self.tokens(question, words).map { known($0) }
        var question: [String: Float] = [:]
        for token in asked {
            // A name that nobody knows, such as a person's, says little of what is asked for.
            let isForeign = !vocabulary.contains(token) && !words.isIndexed(token)
            question[token] = Self.weight(token, words) * (isForeign ? 0.3 : 1)
        }
        let length = Self.length(question)
        guard length > 0 else { return things.map { _ in 0 } }
        var other: [String: Float] = [:]
        for token in question.keys {
            for word in words.others(of: token) where question[word] == nil {
                other[word] = Self.weight(word, words) / 2
            }
        }
        return things.map { phrases in
            var best: Float = 0
            for phrase in phrases {
                let shared = phrase.weights.reduce(0) { $0 + $1.value * (question[$1.key] ?? other[$1.key] ?? 0) }
                best = max(best, shared / (length * phrase.length))
            }
            return best
        }
    }

    private static func length(_ weights: [String: Float]) -> Float {
        weights.values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }

    /// What a word counts: rare ones most, verbs less than things.
    private static func weight(_ token: String, _ table: SearchWordTable) -> Float {
        guard let row = table.row(of: token) else { return unknownRarity }
        let rarity = table.isIndexed(row) ? table.rarity(row) : unknownRarity
        if table.method(row) != 0 { return rarity * 0.6 }
        return table.isWeak(row) ? rarity * 0.4 : rarity
    }

    /// A word, or the one that was meant by a slip.
    private func known(_ token: String) -> String {
        guard token.utf8.count >= 4, !vocabulary.contains(token), !words.isIndexed(token) else { return token }
        return vocabulary.filter { candidate in
            candidate.utf8.count >= 4 && Self.isSlip(candidate, token)
        }.min() ?? token
    }

    private static func isSlip(_ known: String, _ written: String) -> Bool {
        var (known, written) = (known, written)
        return known.withUTF8 { left in
            written.withUTF8 { right in left.first == right.first && OneEdit.joins(UnsafeRawBufferPointer(left), right)
            }
        }
    }

    /// The words of a text that say something, as the index spells them.
    private static func tokens(_ text: String, _ table: SearchWordTable) -> [String] {
        table.spelled(WordForm.pieces(text).map { word($0, table) })
    }

    private static func word(_ piece: String, _ table: SearchWordTable) -> (isStop: Bool, text: String) {
        (isStop: table.isStop(piece), text: WordForm.stem(piece))
    }
}
