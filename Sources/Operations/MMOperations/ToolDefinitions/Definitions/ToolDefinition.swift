import MMCore

/// A tool that the owner wrote, or a recipe that comes with the product: a name, parameters, and what it does.
package struct ToolDefinition: Sendable {
    /// What a tool does.
    package enum Work: Sendable {
        /// Requests and commands, one after the other, and a jq program that makes the answer of their results.
        case steps([ToolStep], answer: String?)
        /// A PowerShell script that runs in a module; its parameters are bound by its own param block.
        case script(String, module: String)
        /// A cmdlet of a module; its parameters are those of the tool.
        case cmdlet(String, module: String)
        /// Each cmdlet of a module that fits a pattern becomes a tool of its own.
        case cmdlets(CmdletPattern)
    }

    /// The name by which it is called.
    package var name: String
    /// A short name for people.
    package var title: String
    /// What it is for, in one line.
    package var summary: String
    /// Everything there is to know of it.
    package var description: String
    /// What people call what it does, beside its title and its description: a search finds it by these.
    package var words: [String] = []
    /// The heading under which a list shows it.
    package var group: String?
    /// The arguments, in the order written.
    package var parameters: [ToolParameter]
    /// Calls that work.
    package var examples: [Example]
    /// Whether it may only read, whatever its connection allows.
    package var isReadOnly = false
    /// Whether a call only shows what would be done unless it says `apply`.
    package var isPlan = false
    /// The columns of a table of the answer; empty for those of the rows.
    package var columns: [String] = []
    /// What it does.
    package var work: Work
    /// The text of the definition as written.
    package var source: String
    /// Where it stands: the path of a file, or the name of a recipe.
    package var place: String

    /// A call, and what it is good for.
    package struct Example: Sendable, Hashable {
        /// The words after the connection, or a whole command line.
        package let text: String
        /// What it does.
        package let purpose: String

        package init(text: String, purpose: String) {
            self.text = text
            self.purpose = purpose
        }
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

    /// Whether a text can be the name of a tool: it becomes a word of command lines and part of the names that models use.
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

    /// The first sentence of a text, on one line.
    package static func firstSentence(of text: String) -> String {
        let line = text.split { $0.isNewline || $0 == " " }.joined(separator: " ")
        guard let end = line.firstRange(of: ". ") else { return line }
        return String(line[..<end.lowerBound]) + "."
    }

    /// The phrases that a definition lists with semicolons.
    static func words(in text: String) -> [String] {
        text.split(separator: ";").map { String($0.drop { $0 == " " }) }
    }

    /// What people call what it does.
    static func phrases(name: String, title: String, summary: String, words: [String]) -> [String] {
        [name, title, summary] + words
    }
}

/// Which cmdlets of a module become tools.
package struct CmdletPattern: Sendable, Hashable {
    /// The module, such as `exo`.
    package let module: String
    /// The names that are meant; `*` stands for anything.
    package let pattern: String
    /// The most tools that may come of it.
    package let limit: Int

    package init(module: String, pattern: String, limit: Int) {
        self.module = module
        self.pattern = pattern
        self.limit = limit
    }

    /// The limit of a definition that names none.
    package static let usualLimit = 20
    /// The largest limit that a definition may name: a model reads every tool of the list on each turn.
    package static let greatestLimit = 100

    /// Whether a cmdlet fits, in any case.
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
