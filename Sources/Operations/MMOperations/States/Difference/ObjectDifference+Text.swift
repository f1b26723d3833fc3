package import MMCore

extension ObjectDifference {
    /// The changes as lines for a person: `department: "Sales" → "Finance"`. Long values are cut.
    package var lines: [String] { changes.flatMap(\.lines) }
}

extension ObjectDifference.Change {
    /// The longest text of one value.
    private static let maxValueLength = 120

    /// The change as lines for a person: one line, or one for each item that a list of simple values gained or lost.
    package var lines: [String] {
        let name = path.isEmpty ? "the object" : path.joined(separator: ".")
        if let items = changedItems {
            return items.removed.map { "\(name): - \(Self.text($0))" }
                + items.added.map { "\(name): + \(Self.text($0))" }
        }
        return switch (before, after) {
        case (nil, let after?): ["\(name): new, \(Self.text(after))"]
        case (let before?, nil): ["\(name): removed, was \(Self.text(before))"]
        case (let before, let after): ["\(name): \(Self.text(before ?? .null)) → \(Self.text(after ?? .null))"]
        }
    }

    /// What a list of simple values gained and lost; `nil` for other values and where only the order differs.
    package var changedItems: (removed: [JSONValue], added: [JSONValue])? {
        guard let old = before?.array, let new = after?.array, (old + new).allSatisfy(\.isSimple) else { return nil }
        let (before, after) = (Set(old), Set(new))
        let (removed, added) = (old.filter { !after.contains($0) }, new.filter { !before.contains($0) })
        return removed.isEmpty && added.isEmpty ? nil : (removed, added)
    }

    /// A value as the lines show it: on one line, cut where it is long.
    package static func text(_ value: JSONValue) -> String {
        let text = JSONWriter.string(value)
        return VisibleText.exact(text.count <= maxValueLength ? text : text.prefix(maxValueLength) + "…")
    }
}
