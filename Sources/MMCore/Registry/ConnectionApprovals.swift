/// How many people have to approve what is held back, by the class of what is approved.
package struct ConnectionApprovals: Sendable, Hashable {
    /// The most people that a connection can ask for.
    package static let most = 5

    /// The number for classes without one of their own.
    package var standard: Int
    /// Numbers for individual classes.
    package var classes: [String: Int]

    package init(_ standard: Int = 1, classes: [String: Int] = [:]) {
        self.standard = standard
        self.classes = classes
    }

    /// Returns the largest number that any of these classes requires.
    package func most(of words: [String]) -> Int {
        words.map { classes[$0] ?? standard }.max() ?? standard
    }

    /// Whether anything needs more than one person.
    var isMoreThanOne: Bool { standard > 1 || classes.values.contains { $0 > 1 } }

    /// Reads `"approvals": 2` or `"approvals": {"send": 2}` of a guard's entry. A number that can't be read counts as two,
    /// so that a mistake doesn't take the second person away.
    static func read(_ value: JSONValue, _ reader: inout EntryReader) -> ConnectionApprovals {
        func count(_ value: JSONValue, _ label: String) -> Int {
            if let count = value.int, (1...most).contains(count) { return count }
            reader.report(label, "must be a number from 1 to \(most)", hint: "Write 2 for two people.", value: value)
            return 2
        }
        guard let object = value.object else { return ConnectionApprovals(count(value, "guard.approvals")) }
        var approvals = ConnectionApprovals()
        for (key, value) in object {
            let needed = count(value, "guard.approvals.\(key)")
            if key == "usual" {
                approvals.standard = needed
            } else if ConnectionGuardPolicy.classes.contains(key) {
                approvals.classes[key] = needed
            } else {
                reader.report(
                    "guard.approvals.\(key)", "names a class that doesn't exist",
                    hint:
                        "Classes are \(ConnectionGuardPolicy.classes.joined(separator: ", ")); "
                        + "usual applies to the rest.")
            }
        }
        return approvals
    }
}
