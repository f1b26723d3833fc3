/// Words as the index has them: in small letters, without accents, endings taken off. `Tools/EndpointTables/words.py`
/// does the same to what is indexed.
enum WordForm {
    /// The words of a text, in small letters: split where letters and digits end, and where capitals begin.
    static func pieces(_ text: String) -> [String] {
        let letters = Array(text)
        var words: [String] = []
        var word = ""
        for (index, letter) in letters.enumerated() {
            guard letter.isLetter || letter.isNumber else {
                if !word.isEmpty { words.append(word) }
                word = ""
                continue
            }
            let previous = index > 0 ? letters[index - 1] : " "
            let following = index + 1 < letters.count ? letters[index + 1] : " "
            let begins = previous.isLowercase || previous.isNumber || (previous.isUppercase && following.isLowercase)
            if letter.isUppercase, begins, !word.isEmpty {
                words.append(word)
                word = ""
            }
            word.append(letter)
        }
        if !word.isEmpty { words.append(word) }
        return words.map(folded)
    }

    /// A word without its ending.
    static func stem(_ word: String) -> String {
        var word = Array(word)
        if word.count > 3, word.last == "s", !["ss", "us", "is"].contains(String(word.suffix(2))) { word.removeLast() }
        if word.count >= 6, word.suffix(3) == ["i", "n", "g"] {
            word = undoubled(word.dropLast(3))
        } else if word.count >= 5, word.suffix(2) == ["e", "d"], word.suffix(3) != ["e", "e", "d"] {
            word = undoubled(word.dropLast(2))
        }
        if word.count >= 4, word.last == "e" { word.removeLast() }
        if word.count >= 4, word.last == "y" { word[word.count - 1] = "i" }
        return String(word)
    }

    private static func undoubled(_ word: ArraySlice<Character>) -> [Character] {
        var word = Array(word)
        if word.count >= 4, word[word.count - 1] == word[word.count - 2], "bgmnp".contains(word[word.count - 1]) {
            word.removeLast()
        }
        return word
    }

    private static let plain: [Character: String] = [
        "ä": "a", "ö": "o", "ü": "u", "ß": "ss", "é": "e", "è": "e", "à": "a", "á": "a", "ç": "c", "ô": "o",
    ]

    private static func folded(_ word: String) -> String {
        word.lowercased().map { plain[$0] ?? String($0) }.joined()
    }
}
