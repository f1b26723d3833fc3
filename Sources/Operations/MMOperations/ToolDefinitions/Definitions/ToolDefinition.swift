import MMCore

/// A tool that the owner wrote, or a recipe that comes with the product: its name, parameters and steps.
package struct ToolDefinition: Sendable {
    /// The implementation of a tool.
    package enum Work: Sendable {
        /// Requests and commands, one after the other, and a jq program that creates the answer from their results.
        case steps([ToolStep], answer: String?)
        /// A PowerShell script that runs in a module; its parameters are bound by its own param block.
        case script(String, module: String)
        /// A cmdlet of a module; its parameters are those of the tool.
        case cmdlet(String, module: String)
        /// A pattern; each matching cmdlet of a module becomes a tool of its own.
        case cmdlets(CmdletPattern)
    }

    /// The name used in calls.
    package var name: String
    /// A short name for people.
    package var title: String
    /// A description in one line.
    package var summary: String
    /// The full description.
    package var description: String
    /// Further phrases for what it does, by which a search finds it.
    package var words: [String] = []
    /// The heading under which lists show it.
    package var group: String?
    /// The arguments, in the order written.
    package var parameters: [ToolParameter]
    /// Example calls.
    package var examples: [Example]
    /// Whether it may only read, whatever its connection allows.
    package var isReadOnly = false
    /// Whether a call only shows what would be done unless it says `apply`.
    package var isPlan = false
    /// The columns of the answer's table; empty for those of the rows.
    package var columns: [String] = []
    /// The implementation.
    package var work: Work
    /// The text of the definition as written.
    package var source: String
    /// The path of its file, or the name of the recipe.
    package var place: String

    /// An example call and its purpose.
    package struct Example: Sendable, Hashable {
        /// The words after the connection, or a whole command line.
        package let text: String
        /// The purpose.
        package let purpose: String
    }

    package init(
        name: String, title: String, summary: String, description: String, group: String? = nil,
        parameters: [ToolParameter], examples: [Example] = [], work: Work, source: String, place: String
    ) {
        self.name = name
        self.title = title
        self.summary = summary
        self.description = description
        self.group = group
        self.parameters = parameters
        self.examples = examples
        self.work = work
        self.source = source
        self.place = place
    }

    /// Whether a text is a valid tool name: it is used as a word of command lines and as part of the names that models
    /// use.
    package static func isName(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, ("a"..."z").contains(first) || ("A"..."Z").contains(first) else {
            return false
        }
        return text.utf8.count <= 48
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "a"..."z", "A"..."Z", "0"..."9", "-", "_": true
                default: false
                }
            }
    }

    /// Returns the first sentence of a text, on one line.
    package static func firstSentence(of text: String) -> String {
        // By bytes, because a search reads the texts of all recipes at its start.
        var sentence: [UInt8] = []
        for word in text.utf8.split(whereSeparator: { $0 == 0x20 || (0x0A...0x0D).contains($0) }) {
            if sentence.last == UInt8(ascii: ".") { break }
            if !sentence.isEmpty { sentence.append(0x20) }
            sentence += word
        }
        return String(decoding: sentence, as: UTF8.self)
    }

    /// Splits the phrases that a definition lists with semicolons.
    static func words(in text: String) -> [String] {
        text.utf8.split(separator: UInt8(ascii: ";")).map { part in
            String(decoding: part.drop { $0 == UInt8(ascii: " ") }, as: UTF8.self)
        }
    }

    /// Returns the phrases for what it does.
    static func phrases(name: String, title: String, summary: String, words: [String]) -> [String] {
        [name, title, summary] + words
    }
}

/// The cmdlets of a module that become tools.
package struct CmdletPattern: Sendable, Hashable {
    /// The module, such as `exo`.
    package let module: String
    /// The pattern for their names; `*` matches any text.
    package let pattern: String
    /// The maximum number of tools.
    package let limit: Int

    /// The default limit.
    package static let usualLimit = 20
    /// The largest limit that a definition may set: a model reads every tool of the list on each turn.
    package static let greatestLimit = 100

    /// Whether a cmdlet's name matches, compared without case.
    package func matches(_ name: String) -> Bool {
        Self.matches(Array(name.lowercased().utf8)[...], Array(pattern.lowercased().utf8)[...])
    }

    private static func matches(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
        var (name, pattern) = (name, pattern)
        var retry: (name: ArraySlice<UInt8>, pattern: ArraySlice<UInt8>)?
        while !name.isEmpty || !pattern.isEmpty {
            if pattern.first == UInt8(ascii: "*") {
                pattern.removeFirst()
                retry = (name, pattern)
            } else if let wanted = pattern.first, name.first == wanted {
                name.removeFirst()
                pattern.removeFirst()
            } else {
                guard let last = retry, !last.name.isEmpty else { return false }
                name = last.name.dropFirst()
                pattern = last.pattern
                retry = (name, pattern)
            }
        }
        return true
    }
}
