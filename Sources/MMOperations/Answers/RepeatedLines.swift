/// Lines that a script said beside its output, fit to be read: one that repeats is counted, and of very many the rest is.
enum RepeatedLines {
    /// How many different lines are shown.
    static let most = 50

    /// The lines in the order in which they first came.
    static func counted(_ lines: [String]) -> [String] {
        var counts: [String: Int] = [:]
        var order: [String] = []
        for line in lines {
            counts[line, default: 0] += 1
            if counts[line] == 1 { order.append(line) }
        }
        var shown = order.prefix(most).map { line -> String in
            let count = counts[line] ?? 1
            return count == 1 ? line : "\(line) (\(count) times)"
        }
        let rest = order.dropFirst(most).reduce(0) { $0 + (counts[$1] ?? 0) }
        if rest > 0 { shown.append("… and \(rest) more lines of this kind.") }
        return shown
    }
}
