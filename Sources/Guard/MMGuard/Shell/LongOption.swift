/// Long options, which most programs also take by the beginning of a name.
enum LongOption {
    /// Returns whether a word may be a long option, whole or shortened, with its value or without: `--in` and
    /// `--in=.bak` for `--in-place`.
    static func word(_ word: some StringProtocol, mayBe option: some StringProtocol) -> Bool {
        guard word.hasPrefix("--") else { return false }
        let name = word.prefix { $0 != "=" }
        return name.utf8.count > 2 && option.hasPrefix(name)
    }

    /// Returns the value that a word gives its option.
    static func value(in word: String) -> String? {
        word.firstIndex(of: "=").map { String(word[$0...].dropFirst()) }
    }

    /// Returns whether a word may be one of these options.
    static func word(_ word: some StringProtocol, mayBeOneOf options: some Sequence<String>) -> Bool {
        options.contains { self.word(word, mayBe: $0) }
    }
}
