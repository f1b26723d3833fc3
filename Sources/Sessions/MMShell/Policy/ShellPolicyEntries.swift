import MMCore
import MMSystem

/// The entries below `security` in a security file, checked as they are read.
struct ShellPolicyEntries {
    private let entries: [YAMLNode.Entry]
    private let name: String

    private static let known = [
        "enabled", "allowed_executables", "blocked_patterns", "max_execution_time", "max_output_size",
        "working_directory", "audit_log", "run_as_user",
    ]

    /// Reads the text of a security file.
    /// - Throws: `.invalidInput` for a text without a map `security`, and for an unknown key.
    init(yaml bytes: [UInt8], name: String) throws(MMError) {
        self.name = name
        guard case .map(let top)? = try YAMLNode.read(bytes, name: name)?.content else {
            throw Self.wrong("there is no key “security”", in: name)
        }
        guard case .map(let entries)? = top.first(where: { $0.key == "security" })?.value.content else {
            throw Self.wrong("“security” isn't a map", in: name)
        }
        if let key = entries.map(\.key).first(where: { !Self.known.contains($0) }) {
            throw Self.wrong(
                "“\(key)” isn't a known key of “security”; known are \(Self.known.joined(separator: ", "))", in: name)
        }
        self.entries = entries
    }

    private static func wrong(_ what: String, in name: String) -> MMError {
        MMError(.invalidInput, "\(name): \(what).", hint: "Correct the file; until then no command is run.")
    }

    /// The error for an entry that has a wrong value.
    func wrong(_ what: String) -> MMError { Self.wrong(what, in: name) }

    /// The value of an entry; nil if it is missing or null.
    func value(_ key: String) -> YAMLNode.Content? {
        switch entries.first(where: { $0.key == key })?.value.content {
        case .scalar("", isPlain: true), .scalar("~", isPlain: true), .scalar("null", isPlain: true): nil
        case let value: value
        }
    }

    /// The strings of a list; none if the entry is missing.
    func texts(_ key: String) throws(MMError) -> [String] {
        guard let value = value(key) else { return [] }
        guard case .list(let items) = value else { throw wrong("“\(key)” isn't a list") }
        var texts: [String] = []
        for item in items {
            guard case .scalar(let text, _) = item.content, !text.isEmpty else {
                throw wrong("“\(key)” contains something other than strings")
            }
            texts.append(text)
        }
        return texts
    }

    /// The regular expressions of a list; none if the entry is missing.
    func patterns(_ key: String) throws(MMError) -> [RegularExpression] {
        var patterns: [RegularExpression] = []
        for text in try texts(key) {
            do throws(MMError) {
                patterns.append(try RegularExpression(text))
            } catch {
                let hint = error.code == .invalidInput ? "Correct \(key) in the security file." : error.hint
                throw MMError(error.code, error.message, hint: hint, cause: error.cause)
            }
        }
        return patterns
    }

    /// A number above 0; nil if the entry is missing.
    func number(_ key: String) throws(MMError) -> Double? {
        guard let value = value(key) else { return nil }
        guard case .scalar(let text, _) = value, let number = Double(text.filter { $0 != "_" }), number > 0,
            number < 1e15
        else { throw wrong("“\(key)” isn't a number above 0") }
        return number
    }

    /// Whether the policy is on; it is off if the entry is missing.
    func isEnabled() throws(MMError) -> Bool {
        guard let value = value("enabled") else { return false }
        guard let isOn = Self.flag(value) else { throw wrong("“enabled” is neither true nor false") }
        return isOn
    }

    /// Where commands are logged.
    func audit() throws(MMError) -> ShellPolicy.Audit {
        guard let value = value("audit_log") else { return .off }
        if let isOn = Self.flag(value) { return isOn ? .standard : .off }
        guard case .scalar(let path, _) = value, path.hasPrefix("/") else {
            throw wrong("“audit_log” is neither true, false nor an absolute path")
        }
        return .file(path)
    }

    private static func flag(_ value: YAMLNode.Content) -> Bool? {
        guard case .scalar(let text, true) = value else { return nil }
        switch text.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default: return nil
        }
    }
}
