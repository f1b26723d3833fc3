internal import MMCore

/// A question in words, split into the words to look up and the method that its verb means.
struct SearchQuestion {
    /// The words to look up in the index, in the order of the question, each with its weight.
    let words: [(text: String, weight: Float)]
    /// The words of the question itself, in order.
    let order: [String]
    /// The method that the verb means; 0 if the question has no verb.
    let method: UInt8

    private static let get: UInt8 = 1

    /// Reads a question with the words of an index.
    init(_ text: String, _ table: SearchWordTable) {
        let raw = WordForm.pieces(text)
        let tokens = Self.tokens(raw, table)
        order = tokens
        method = Self.method(raw, tokens, table)

        // "list" is a verb, but "lists" is a noun.
        let plurals = Set(raw.filter { $0.hasSuffix("s") && !$0.hasSuffix("ss") }.map(WordForm.stem))
        let isShort = Set(tokens).count <= 2
        var weights: [(text: String, weight: Float)] = []
        func add(_ word: String, _ weight: Float) {
            if !weights.contains(where: { $0.text == word }) { weights.append((word, weight)) }
        }
        for token in tokens {
            let row = table.row(of: token)
            let isWeak = row.map { table.isWeak($0) } ?? false
            add(token, table.isVerb(token) && !plurals.contains(token) ? 0.45 : isWeak && !isShort ? 0.3 : 1)
        }
        // Beside known words, an unknown one is most often a person's name.
        let known = tokens.count { table.isIndexed($0) }
        if known > 0, known < tokens.count { add("user", 0.4) }
        for word in weights.map(\.text) {
            for other in table.others(of: word) { add(other, 0.5) }
        }
        words = weights
    }

    private static func method(_ raw: [String], _ tokens: [String], _ table: SearchWordTable) -> UInt8 {
        func method(_ stem: String) -> UInt8 { table.row(of: stem).map { table.method($0) } ?? 0 }
        for (place, word) in raw.enumerated() {
            // "disabled users" doesn't ask to disable anything, and a plural such as "reports" is a noun.
            let isThing = word.hasSuffix("s") && !["is", "does", "has"].contains(word)
            guard !word.hasSuffix("ed"), !isThing else { continue }
            let found = method(WordForm.stem(word))
            if found == 0 || (found == get && place > 0) { continue }
            return found
        }
        let written = Set(raw.map(WordForm.stem))
        return tokens.first { !written.contains($0) && method($0) > get }.map(method) ?? 0
    }

    /// Returns the words in the spelling of the index, without stop words.
    private static func tokens(_ raw: [String], _ table: SearchWordTable) -> [String] {
        table.spelled(
            raw.flatMap { word in
                let isStop = table.isStop(word)
                return corrected(WordForm.stem(word), table).map { table.word($0, isStop: isStop) }
            })
    }

    /// Returns a known word as it is; otherwise the most likely word that is one typing error away, or the two words
    /// that it is made of.
    private static func corrected(_ word: String, _ table: SearchWordTable) -> [String] {
        guard word.utf8.count >= 4, table.row(of: word) == nil, !word.allSatisfy(\.isNumber) else { return [word] }
        var best: (row: UInt32, rank: UInt32)?
        var spelled = word
        spelled.withUTF8 { letters in
            for row in 0..<table.count {
                let known = table.bytes(row)
                guard known.count > 2, OneEdit.joins(known, letters) else { continue }
                // People seldom mistype the first letter.
                let rank = table.frequency(row) + (known[0] == letters[0] ? 1 << 20 : 0)
                if best.map({ rank > $0.rank }) ?? true { best = (row, rank) }
            }
        }
        if let best { return [table.text(best.row)] }
        var cut = word.index(word.startIndex, offsetBy: 3, limitedBy: word.endIndex) ?? word.endIndex
        while cut < word.endIndex {
            let parts = [String(word[..<cut]), String(word[cut...])]
            let stems = parts.map(WordForm.stem)
            if parts[1].count >= 3, stems.allSatisfy({ table.row(of: $0) != nil }) { return stems }
            cut = word.index(after: cut)
        }
        return [word]
    }
}
