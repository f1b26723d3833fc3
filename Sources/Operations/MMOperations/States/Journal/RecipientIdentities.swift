package import MMCore
package import MMDesk

/// Who is behind the names of recipients: a cmdlet takes an address and shows a name, and only the directory tells whether both are
/// the same one.
package struct RecipientIdentities: Sendable {
    private var ids: [String: String] = [:]
    private var rows: [String: JSONValue] = [:]

    /// Knows nobody yet: the same text alone is the same recipient.
    package init() {}

    /// Takes over what the reading cmdlet put out for a name. What names nobody, or several, stays a name.
    package mutating func note(_ rows: [JSONValue], of name: String) {
        guard rows.count == 1, let id = Self.ids(of: rows[0]).first else { return }
        ids[name.lowercased()] = id
        self.rows[name.lowercased()] = rows[0]
    }

    /// Recipients after a write: those who were there already keep the names that they are shown by.
    func edited(_ shown: JSONValue, by written: JSONValue) -> JSONValue {
        let present = shown.array ?? [shown]
        func known(_ item: JSONValue) -> JSONValue { present.first { isShown(item, as: $0) } ?? item }
        if let items = written.array { return .array(items.map(known)) }
        return CmdletValue.edit(written) == nil
            ? known(written)
            : CmdletValue.edited(shown, by: written) { CmdletValue.isSame($0, $1) || isShown($0, as: $1) }
    }

    /// Whether a recipient that was written is the one that is shown by a name of its own.
    private func isShown(_ written: JSONValue, as shown: JSONValue) -> Bool {
        guard let written = written.string, let shown = shown.string, let row = rows[written.lowercased()] else {
            return false
        }
        return Change.isNamed(row, Self.name(shown))
    }

    private static func ids(of row: JSONValue) -> [String] {
        ["Guid", "ExternalDirectoryObjectId", "DistinguishedName"].compactMap { row[$0]?.string?.lowercased() }
            .filter { !$0.isEmpty }
    }

    /// Whether a row is that of the recipient with a name.
    func isNamed(_ row: JSONValue, _ name: String) -> Bool {
        ids[name.lowercased()].map { Self.ids(of: row).contains($0) } ?? false
    }

    /// The cmdlet that tells who a name stands for.
    package static func reading(_ name: String) -> ExchangeCommand {
        ExchangeCommand("Get-Recipient", ["Identity": .string(name)])
    }

    /// A value with what tells recipients apart in the place of their names.
    func resolved(_ value: JSONValue) -> JSONValue {
        if let items = value.array { return .array(items.map(resolved)) }
        guard let text = value.string else { return value }
        let name = Self.name(text)
        return .string(ids[name.lowercased()] ?? name)
    }

    /// What names the recipient in a text such as `"Ada" [SMTP:ada@fabrikam.example]`, which rules show.
    static func name(_ text: String) -> String {
        var name = text
        if text.last == "]", let start = text.lastIndex(of: "[") {
            name = String(text[text.index(after: start)...].dropLast())
        }
        for prefix in ["smtp:", "ex:"] where name.prefix(prefix.count).lowercased() == prefix {
            name = String(name.dropFirst(prefix.count))
        }
        return name
    }

    /// The names of one value that the other one has not.
    static func names(of value: JSONValue, beside other: JSONValue) -> [String] {
        func texts(_ value: JSONValue) -> [String] { (value.array ?? [value]).compactMap(\.string).map(name) }
        let known = Set(texts(other).map { $0.lowercased() })
        return texts(value).filter { !$0.isEmpty && !known.contains($0.lowercased()) }
    }
}
