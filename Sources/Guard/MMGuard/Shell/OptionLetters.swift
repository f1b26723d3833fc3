/// Options of one letter, of which several may follow one dash.
enum OptionLetters {
    /// Returns whether a word has one of these letters behind its dash.
    /// - Parameter valued: the letters whose value may follow them in the same word: `-el`.
    static func word(_ word: some StringProtocol, hasOneOf letters: String, valued: String = "") -> Bool {
        guard word.hasPrefix("-"), !word.hasPrefix("--") else { return false }
        return word.dropFirst().first { letters.contains($0) || valued.contains($0) }.map(letters.contains) == true
    }

    /// Returns whether a word ends with one of these letters of options, so that the next word is its value.
    static func word(_ word: some StringProtocol, endsWithOneOf valued: String) -> Bool {
        guard word.hasPrefix("-"), !word.hasPrefix("--") else { return false }
        return word.dropFirst().firstIndex(where: valued.contains).map { word.index(after: $0) == word.endIndex }
            == true
    }
}
