package import MMCore

/// The differences between two states of one object, property by property: shown by dry runs, written back by undo,
/// reported by drift.
///
/// Members of objects are compared by name, so their order doesn't matter. The items of a list are compared as a whole;
/// for a list of simple values, `changedItems` tells which were added and which were removed.
package struct ObjectDifference: Sendable, Hashable {
    /// One property that differs.
    package struct Change: Sendable, Hashable {
        /// The names of the members that lead to the property. Empty for the object itself.
        package let path: [String]
        /// The value before; `nil` where the property did not exist.
        package let before: JSONValue?
        /// The value after; `nil` where the property no longer exists.
        package let after: JSONValue?

        /// Creates a change of one property.
        fileprivate init(path: [String], before: JSONValue?, after: JSONValue?) {
            self.path = path
            self.before = before
            self.after = after
        }
    }

    /// The changes, in the order of the earlier state; new properties follow in the order of the later one.
    package let changes: [Change]

    /// Compares two states.
    /// - Parameters:
    ///   - before: the earlier state; `nil` where the object did not exist.
    ///   - after: the later state; `nil` where the object no longer exists.
    package init(before: JSONValue?, after: JSONValue?) {
        var changes: [Change] = []
        Self.compare(before, after, at: [], into: &changes)
        self.changes = changes
    }

    /// Whether both states are the same.
    package var isEmpty: Bool { changes.isEmpty }

    private static func compare(
        _ before: JSONValue?, _ after: JSONValue?, at path: [String], into changes: inout [Change]
    ) {
        guard before != after else { return }
        guard let old = before?.object, let new = after?.object else {
            changes.append(Change(path: path, before: before, after: after))
            return
        }
        for key in old.keys { compare(old[key], new[key], at: path + [key], into: &changes) }
        for key in new.keys where old[key] == nil { compare(nil, new[key], at: path + [key], into: &changes) }
    }
}

extension ObjectDifference {
    /// The changes as lines for a person: `department: "Sales" → "Finance"`. Long values are cut.
    package var lines: [String] { changes.flatMap(\.lines) }
}

extension ObjectDifference.Change {
    /// The longest text of one value.
    private static let maxValueLength = 120

    /// The change as lines for a person: one line, or one for each item that a list of simple values gained or lost.
    fileprivate var lines: [String] {
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

    /// The items that a list of simple values lost and gained; `nil` for other values and where only the order differs.
    package var changedItems: (removed: [JSONValue], added: [JSONValue])? {
        guard let old = before?.array, let new = after?.array, (old + new).allSatisfy(\.isSimple) else { return nil }
        let (before, after) = (Set(old), Set(new))
        let (removed, added) = (old.filter { !after.contains($0) }, new.filter { !before.contains($0) })
        return removed.isEmpty && added.isEmpty ? nil : (removed, added)
    }

    /// Returns a value as the lines show it: on one line, cut where it is long.
    package static func text(_ value: JSONValue) -> String {
        let text = JSONWriter.string(value)
        return VisibleText.exact(text.count <= maxValueLength ? text : text.prefix(maxValueLength) + "…")
    }
}
