package import MMCore

/// How two states of one object differ, property by property: what a dry run shows, what undo writes back, what drift reports.
///
/// Members of objects are compared by name, so their order doesn't matter. The items of a list are compared as a whole; a list
/// of simple values tells what was added and what was removed.
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
        package init(path: [String], before: JSONValue?, after: JSONValue?) {
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
