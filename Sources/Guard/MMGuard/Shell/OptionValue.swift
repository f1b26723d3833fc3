internal import MMCore

/// Words behind an option, which may be its value whatever they look like: behind `--description`, `--dry-run` is one.
enum OptionValue {
    /// Returns the words that certainly are none.
    /// - Parameter takesNext: returns whether an option may take the next word. Of several letters behind one dash, it
    ///   is asked about the last one.
    static func without(
        _ words: [String], takesNext: (String) -> Bool = { !ShellWords.contains($0, in: "switches") }
    ) -> [String] {
        zip([""] + words, words).filter { before, _ in
            guard let last = before.last, before.hasPrefix("-"), before.utf8.count > 1, !before.contains("=") else {
                return true
            }
            return !takesNext(before.hasPrefix("--") ? before : "-\(last)")
        }.map(\.1)
    }
}
