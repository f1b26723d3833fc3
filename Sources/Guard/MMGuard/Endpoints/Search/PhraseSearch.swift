internal import MMCore

/// Finds things that have several names of their own, such as recipes and cmdlets, by a question in words.
///
/// The score of a thing is that of its best name. The spellings of the index apply here too, so that "licence" finds "license" and "second
/// factor" finds "MFA".
package struct PhraseSearch: Sendable {
    /// A name as the words that it consists of, each with its weight.
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
    /// The words of all names, used to correct typing errors.
    private let vocabulary: Set<String>
    /// The rarity that is assumed for a word which the index doesn't have.
    private static let unknownRarity: Float = 5

    /// Creates a search among things.
    /// - Parameter names: the names of each thing, as whole phrases.
    package init(_ names: [[String]]) {
        let words = words
        // The names repeat few words many times, so each word is looked up only once.
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

    /// Returns how well each thing matches a question, from 0 to 1, in the order in which the things were given.
    package func scores(_ question: String) -> [Float] {
        let asked = Self.tokens(question, words).map { known($0) }
        var question: [String: Float] = [:]
        for token in asked {
            // An unknown word, such as a person's name, tells little about the requested thing.
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

    /// Returns the weight of a word: rare words count most, verbs less than nouns.
    private static func weight(_ token: String, _ table: SearchWordTable) -> Float {
        guard let row = table.row(of: token) else { return unknownRarity }
        let rarity = table.isIndexed(row) ? table.rarity(row) : unknownRarity
        if table.method(row) != 0 { return rarity * 0.6 }
        return table.isWeak(row) ? rarity * 0.4 : rarity
    }

    /// Returns a known word as it is, and a typing error as the word that was probably meant.
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

    /// Returns the meaningful words of a text, in the spelling of the index.
    private static func tokens(_ text: String, _ table: SearchWordTable) -> [String] {
        table.spelled(WordForm.pieces(text).map { word($0, table) })
    }

    private static func word(_ piece: String, _ table: SearchWordTable) -> (isStop: Bool, text: String) {
        (isStop: table.isStop(piece), text: WordForm.stem(piece))
    }
}
