/// Finds the names a person or a model most likely meant.
package enum NearestNames {
    /// Returns the known names that resemble a given one, best first.
    /// - Parameters:
    ///   - written: what the caller wrote.
    ///   - known: the valid names.
    ///   - limit: the maximum number of names to return.
    package static func of(_ written: String, among known: [String], limit: Int = 3) -> [String] {
        let wanted = Array(written.lowercased().unicodeScalars.prefix(64))
        return Array(
            sorted(known, by: written).prefix(limit)
                .filter { score(Array($0.lowercased().unicodeScalars.prefix(64)), wanted) < noMatch })
    }

    /// Returns whether a text differs from another one by a slip of the hand: by at most two letters, in any case.
    package static func isSlip(_ written: String, of known: String) -> Bool {
        guard abs(written.utf8.count - known.utf8.count) <= 2 else { return false }
        return distance(Array(known.lowercased().unicodeScalars), Array(written.lowercased().unicodeScalars)) <= 2
    }

    /// Returns all candidates: those that resemble the text first, best first; the others follow in their original
    /// order.
    package static func sorted(_ candidates: [String], by text: String) -> [String] {
        let wanted = Array(text.lowercased().unicodeScalars.prefix(64))
        let scored = candidates.enumerated().map { index, candidate in
            (candidate, index, score(Array(candidate.lowercased().unicodeScalars.prefix(64)), wanted))
        }
        return scored.sorted { ($0.2, $0.1) < ($1.2, $1.1) }.map(\.0)
    }

    private static let noMatch = 1000

    /// Returns 0 for names that differ only in case, and `noMatch` for names without resemblance.
    private static func score(_ candidate: [Unicode.Scalar], _ wanted: [Unicode.Scalar]) -> Int {
        if candidate == wanted { return 0 }
        guard !wanted.isEmpty, !candidate.isEmpty else { return noMatch }
        let distance = distance(candidate, wanted)
        if distance <= max(1, min(wanted.count, candidate.count) / 3) { return distance * 10 }
        if candidate.starts(with: wanted) || wanted.starts(with: candidate) { return 100 + distance }
        if contains(candidate, wanted) || contains(wanted, candidate) { return 200 + distance }
        return noMatch
    }

    private static func contains(_ whole: [Unicode.Scalar], _ part: [Unicode.Scalar]) -> Bool {
        guard part.count >= 3, part.count <= whole.count else { return false }
        return (0...whole.count - part.count).contains { Array(whole[$0..<$0 + part.count]) == part }
    }

    /// Returns the edit distance: letters added, dropped, changed or swapped with a neighbour.
    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        for row in 1...left.count {
            var current = [row] + [Int](repeating: 0, count: right.count)
            for column in 1...right.count {
                let change = left[row - 1] == right[column - 1] ? 0 : 1
                current[column] = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + change)
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    current[column] = min(current[column], beforeLast[column - 2] + 1)
                }
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
