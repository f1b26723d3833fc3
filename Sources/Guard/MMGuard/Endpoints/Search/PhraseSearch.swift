internal import MMCore

/// Finds things that have several names of their own, such as recipes and cmdlets, by a question in words.
///
/// The score of a thing is that of its best name. The spellings of the index apply here too, so that "licence" finds
/// "license" and "second factor" finds "MFA".
package struct PhraseSearch: Sendable {
    /// A name: the places of its words in the vocabulary.
    private struct Phrase {
        let places: [Int]
        let length: Float
    }

    private let words = EndpointIndex.standard.words
    private let things: [[Phrase]]
    /// The words of all names with their places; also used to correct typing errors.
    private let vocabulary: [String: Int]
    /// The weight of each word of the vocabulary.
    private let weights: [Float]
    /// The rarity that is assumed for a word which the index doesn't have.
    private static let unknownRarity: Float = 5

    /// Creates a search among things.
    /// - Parameter names: the names of each thing, as whole phrases.
    package init(_ names: [[String]]) {
        let words = words
        // The names repeat few words many times, so each word is looked up only once.
        var pieces: [SearchWordTable.Word] = []
        var placed: [Int?] = []
        var read: [String: Int] = [:]
        var vocabulary: [String: Int] = [:]
        var weights: [Float] = []
        func index(_ piece: String) -> Int {
            if let known = read[piece] { return known }
            read[piece] = pieces.count
            pieces.append(Self.word(piece, words))
            placed.append(nil)
            return pieces.count - 1
        }
        func place(_ token: String) -> Int {
            if let known = vocabulary[token] { return known }
            vocabulary[token] = weights.count
            weights.append(Self.weight(token, words))
            return weights.count - 1
        }
        func places(_ phrase: String) -> [Int] {
            let read = WordForm.pieces(phrase).map(index)
            guard read.allSatisfy({ pieces[$0].spellings.isEmpty }) else {
                return words.spelled(read.map { pieces[$0] }).map(place)
            }
            return read.compactMap { index in
                if placed[index] == nil { placed[index] = pieces[index].token.map(place) }
                return placed[index]
            }
        }
        things = names.map { phrases in
            phrases.compactMap { phrase in
                var own: [Int] = []
                for place in places(phrase) where !own.contains(place) { own.append(place) }
                let length = Self.length(own.map { weights[$0] })
                return length > 0 ? Phrase(places: own, length: length) : nil
            }
        }
        self.vocabulary = vocabulary
        self.weights = weights
    }

    /// Returns how well each thing matches a question, from 0 to 1, in the order in which the things were given.
    package func scores(_ text: String) -> [Float] {
        // In the order of the question: sums of floating-point numbers depend on theirs, and a dictionary's differs
        // from run to run.
        var question: [(token: String, weight: Float)] = []
        for token in words.spelled(WordForm.pieces(text).map({ Self.word($0, words) })).map(known)
        where !question.contains(where: { $0.token == token }) {
            // An unknown word, such as a person's name, tells little about the requested thing.
            let isForeign = vocabulary[token] == nil && !words.isIndexed(token)
            question.append((token, Self.weight(token, words) * (isForeign ? 0.3 : 1)))
        }
        let length = Self.length(question.map(\.weight))
        guard length > 0 else { return things.map { _ in 0 } }
        // What each word of the vocabulary is worth to this question, and which of its words it answers.
        var worth: [Float] = Array(repeating: 0, count: weights.count)
        var answered: [Int?] = Array(repeating: nil, count: weights.count)
        for (number, asked) in question.enumerated() {
            for word in words.others(of: asked.token) {
                guard let place = vocabulary[word] else { continue }
                (worth[place], answered[place]) = (weights[place] * weights[place] / 2, number)
            }
        }
        for (number, asked) in question.enumerated() {
            guard let place = vocabulary[asked.token] else { continue }
            (worth[place], answered[place]) = (weights[place] * asked.weight, number)
        }
        // A verb alone doesn't say what is meant: "create a user" is not "create a distribution list". Most of the
        // nouns have to be there: "size of a site" is not "size of a mailbox".
        let nouns = question.indices.filter { isNoun(question[$0].token) }
        return things.map { phrases in
            phrases.reduce(0) { best, phrase in
                let found = nouns.count { noun in phrase.places.contains { answered[$0] == noun } }
                guard nouns.isEmpty || found * 2 > nouns.count else { return best }
                return max(best, phrase.places.reduce(0) { $0 + worth[$1] } / (length * phrase.length))
            }
        }
    }

    /// Returns whether a word of a question names a thing.
    private func isNoun(_ token: String) -> Bool {
        guard let row = words.row(of: token), words.isIndexed(row) else { return vocabulary[token] != nil }
        return words.method(row) == 0 && !words.isWeak(row)
    }

    private static func length(_ weights: some Collection<Float>) -> Float {
        weights.reduce(0) { $0 + $1 * $1 }.squareRoot()
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
        guard token.utf8.count >= 4, vocabulary[token] == nil, !words.isIndexed(token) else { return token }
        return vocabulary.keys.filter { candidate in
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

    private static func word(_ piece: String, _ table: SearchWordTable) -> SearchWordTable.Word {
        table.word(WordForm.stem(piece), isStop: table.isStop(piece))
    }
}
