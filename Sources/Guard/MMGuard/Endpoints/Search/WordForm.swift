/// Words as the index has them: in small letters, without accents, endings taken off. `Tools/EndpointTables/words.py`
/// does the same to what is indexed.
enum WordForm {
    /// The words of a text, in small letters: split where letters and digits end, and where capitals begin.
    ///
    /// Hundreds of phrases come this way each time a program starts that is asked a question: bytes are looked at, not characters.
    static func pieces(_ text: String) -> [String] {
        let letters = Array((text.utf8.allSatisfy { $0 < 0x80 } ? text : plain(text)).utf8)
        var words: [String] = []
        var word: [UInt8] = []
        func kind(_ index: Int) -> Kind { letters.indices.contains(index) ? Kind(letters[index]) : .other }
        func end() {
            if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self)) }
            word.removeAll(keepingCapacity: true)
        }
        for (index, letter) in letters.enumerated() {
            let own = Kind(letter)
            guard own != .other else {
                end()
                continue
            }
            if own == .capital {
                let previous = kind(index - 1)
                if previous == .small || previous == .digit || (previous == .capital && kind(index + 1) == .small) {
                    end()
                }
            }
            word.append(own == .capital ? letter | 0x20 : letter)
        }
        end()
        return words
    }

    /// A word without its ending.
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

    /// What a byte of a text is, once accents are gone; letters of other scripts have no capitals then.
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

    /// A text without accents, and with blanks for all that is neither letter nor digit beyond ASCII.
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
