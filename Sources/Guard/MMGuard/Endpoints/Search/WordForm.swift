internal import MMCore

/// Normalises words for the index: lower case, without accents and endings. `Tools/EndpointTables/words.py` does the
/// same to the indexed texts.
enum WordForm {
    /// Returns the words of a text in lower case, split where letters and digits end, and where capitals begin.
    ///
    /// Works on bytes rather than characters: a program that answers a question normalises hundreds of phrases at its
    /// start.
    static func pieces(_ text: String) -> [String] {
        var text = text
        if text.utf8.count > longest { text = String(text.unicodeScalars.prefix(longest)) }
        if text.withUTF8({ letters in letters.contains { $0 >= 0x80 } }) { text = plain(text) }
        return text.withUTF8(pieces)
    }

    /// The maximum length of a text, in scalars; the rest is ignored. No question and no name is longer, and the time
    /// that a search for an unknown word takes grows with the square of its length.
    private static let longest = 1_000

    private static func pieces(_ letters: UnsafeBufferPointer<UInt8>) -> [String] {
        var words: [String] = []
        var start = 0
        func end(_ end: Int) {
            guard start < end else { return }
            words.append(
                String(unsafeUninitializedCapacity: end - start) { room in
                    for place in start..<end {
                        let letter = letters[place]
                        room[place - start] = Kind(letter) == .capital ? letter | 0x20 : letter
                    }
                    return end - start
                })
        }
        var previous = Kind.other
        for (place, letter) in letters.enumerated() {
            let kind = Kind(letter)
            if kind == .other {
                end(place)
                start = place + 1
            } else if kind == .capital {
                let next = place + 1 < letters.count ? Kind(letters[place + 1]) : .other
                if previous == .small || previous == .digit || (previous == .capital && next == .small) {
                    end(place)
                    start = place
                }
            }
            previous = kind
        }
        end(letters.count)
        return words
    }

    /// Returns a word without its ending.
    static func stem(_ word: String) -> String {
        var word = Array(word.utf8)
        func ends(_ ending: StaticString) -> Bool {
            word.suffix(ending.utf8CodeUnitCount)
                .elementsEqual(UnsafeBufferPointer(start: ending.utf8Start, count: ending.utf8CodeUnitCount))
        }
        if word.count > 3, ends("s"), !ends("ss"), !ends("us"), !ends("is") { word.removeLast() }
        if word.count >= 6, ends("ing") {
            word = undoubled(word.dropLast(3))
        } else if word.count >= 5, ends("ed"), !ends("eed") {
            word = undoubled(word.dropLast(2))
        }
        if word.count >= 4, ends("e") { word.removeLast() }
        if word.count >= 4, ends("y") { word[word.count - 1] = UInt8(ascii: "i") }
        return String(decoding: word, as: UTF8.self)
    }

    private static func undoubled(_ word: ArraySlice<UInt8>) -> [UInt8] {
        var word = Array(word)
        if word.count >= 4, word[word.count - 1] == word[word.count - 2], "bgmnp".utf8.contains(word[word.count - 1]) {
            word.removeLast()
        }
        return word
    }

    /// The kind of a byte once accents are removed; letters of other scripts count as small.
    private enum Kind {
        case small, capital, digit, other

        init(_ byte: UInt8) {
            self =
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), 0x80...: .small
                case UInt8(ascii: "A")...UInt8(ascii: "Z"): .capital
                case UInt8(ascii: "0")...UInt8(ascii: "9"): .digit
                default: .other
                }
        }
    }

    private static let unaccented: [Character: String] = [
        "ä": "a", "ö": "o", "ü": "u", "ß": "ss", "é": "e", "è": "e", "à": "a", "á": "a", "ç": "c", "ô": "o",
    ]

    /// Returns a text without accents, with blanks for everything beyond ASCII that is neither letter nor digit.
    private static func plain(_ text: String) -> String {
        text.reduce(into: "") { plain, letter in
            let small = letter.lowercased()
            if letter.isASCII {
                plain.append(letter)
            } else if let base = small.first.flatMap({ unaccented[$0] }) {
                plain += letter.isUppercase ? base.uppercased() : base
            } else {
                plain += letter.isLetter || letter.isNumber ? small : " "
            }
        }
    }
}

/// Finds names such as `Get-InboxRule` by words, with the same spellings and verbs as the search for endpoints.
package struct NameSearch: Sendable {
    private let words = EndpointIndex.standard.words

    /// Creates a search.
    package init() {}

    /// Returns the names that match a question best, best first.
    package func find(_ question: String, among names: [String], limit: Int) -> [String] {
        let question = SearchQuestion(question, words)
        let parts = names.map { name in name.split(separator: "-", maxSplits: 1).map(String.init) }
        let known = parts.map { stems(of: $0.last ?? "") }
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

    /// The verbs of cmdlets that correspond to each method.
    private static let verbs: [UInt8: Set<String>] = [
        1: ["Get", "Search", "Test", "Find"], 2: ["New", "Add", "Start", "Send", "Import"],
        8: ["Set", "Enable", "Disable", "Update"], 16: ["Remove", "Clear", "Revoke"],
    ]

    /// Returns the words of a name in the spelling of the index, each once, with pairs of words too: `InboxRule`,
    /// `MailboxAutoReply`.
    ///
    /// In the order of the name: sums of floating-point numbers depend on theirs, and a set's differs from run to run.
    private func stems(of name: String) -> [String] {
        let plain = WordForm.pieces(name).map(WordForm.stem)
        let pairs = zip(plain, plain.dropFirst()).compactMap { words.target(of: "\($0) \($1)") }
        return (plain.map { words.target(of: $0) ?? $0 } + pairs).reduce(into: []) { stems, stem in
            if !stems.contains(stem) { stems.append(stem) }
        }
    }
}
