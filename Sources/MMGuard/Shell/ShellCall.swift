/// A simple command as it stands in a shell text: what is known of it before any shell has looked at it.
struct ShellCall: Sendable, Hashable {
    /// A word after its quotes were taken off.
    struct Word: Sendable, Hashable {
        /// The text; expansions stand in it as they were written.
        var text: String
        /// Whether no variable, substitution or quoting code changes it.
        var isFixed = true
        /// Where it begins, in bytes from the start of the text.
        var offset = 0
        /// How many bytes of the text stand before its first quote; nil without one.
        var plainBytes: Int?
    }

    /// A redirection.
    struct Redirect: Sendable, Hashable {
        /// Whether it writes to what it names.
        var writes: Bool
        /// What it names.
        var target: Word
    }

    /// The name and the arguments.
    var words: [Word] = []
    /// Variables that are set, `NAME=value`.
    var assignments: [Word] = []
    /// Its redirections.
    var redirects: [Redirect] = []
    /// What a here-document or here-string feeds it.
    var document: String?
    /// Whether another command's output is fed to it.
    var isFed = false
    /// Where it begins, in bytes from the start of the text.
    var offset = 0

    var isEmpty: Bool { words.isEmpty && assignments.isEmpty && redirects.isEmpty }
    /// The name without its folder.
    var name: String { words.first.map { Self.base($0.text) } ?? "" }
    /// What follows the name.
    var arguments: ArraySlice<Word> { words.dropFirst() }

    /// The last part of a path.
    static func base(_ path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    /// The same command with some of its words alone: what a wrapper such as `env` starts.
    func inner(_ range: Range<Int>) -> ShellCall? {
        guard !range.isEmpty else { return nil }
        var call = self
        call.words = Array(words[range])
        call.assignments = []
        call.redirects = []
        return call
    }
}

/// Why a shell text can't be read.
struct ShellUnreadable: Error, Sendable {
    /// What was found.
    var construct: String
    /// Where, in bytes from the start of the text.
    var offset: Int
}
