/// Options of one letter, of which several may follow one dash.
enum OptionLetters {
    /// Returns whether a word has one of these letters behind its dash.
    /// - Parameter valued: the letters whose value may follow them in the same word: `-el`.
    static func word(_ word: some StringProtocol, hasOneOf letters: String, valued: String = "") -> Bool {
        guard word.hasPrefix("-"), !word.hasPrefix("--") else { return false }
        return word.dropFirst().first { letters.contains($0) || valued.contains($0) }.map(letters.contains) == true
    }
}
