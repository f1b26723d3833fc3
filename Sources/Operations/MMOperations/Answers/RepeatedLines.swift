/// The shortened lines beside an output: repeated warnings and errors of a script are counted, and so are the lines
/// beyond a limit. Other lines may be a report that a script shows, whose lines mean nothing elsewhere: only those that
/// follow each other are counted.
package enum RepeatedLines {
    /// The maximum number of different lines that are shown.
    static let most = 50
    /// The maximum number of warnings that differ only in the thing they name.
    static let mostAlike = 5

    private static let warningMark = "WARNING: "

    /// Returns the line of a warning.
    static func warning(_ text: String) -> String { warningMark + text }

    /// Returns the text of a warning's line; `nil` for other lines.
    static func warning(in line: String) -> String? {
        line.hasPrefix(warningMark) ? String(line.dropFirst(warningMark.count)) : nil
    }

    /// Returns the shortened lines, in the order of their first occurrence.
    package static func counted(_ lines: [String]) -> [String] {
        guard lines.count > 1 else { return lines }
        var order: [(line: String, count: Int)] = []
        var places: [String: Int] = [:]
        for line in lines {
            let isTrouble = warning(in: line) != nil || line.hasPrefix(ReportedError.mark)
            if let place = isTrouble ? places[line] : order.indices.last, order[place].line == line {
                order[place].count += 1
            } else {
                places[line] = order.count
                order.append((line, 1))
            }
        }
        let alike = Dictionary(grouping: order.compactMap { one in kind(of: one.line).map { ($0, one.line) } }, by: \.0)
            .filter { $0.value.count > mostAlike }
        let left = Set(alike.values.flatMap { $0.dropFirst(mostAlike).map(\.1) })
        let kept = order.filter { !left.contains($0.line) }
        var shown = kept.prefix(most).map { (line, count) -> String in
            let text = count == 1 ? line : "\(line) (\(count) times)"
            guard let group = kind(of: line).flatMap({ alike[$0] }), group[mostAlike - 1].1 == line else { return text }
            return "\(text) (and \(group.count - mostAlike) more like it)"
        }
        let rest = kept.dropFirst(most).reduce(0) { $0 + $1.count }
        if rest > 0 { shown.append("… and \(rest) more lines of this kind.") }
        return shown
    }

    /// Returns the words that a warning shares with others that name different things; `nil` for other lines. Errors
    /// are never grouped, since each names what failed.
    private static func kind(of line: String) -> String? {
        guard warning(in: line) != nil else { return nil }
        let words = line.split(separator: " ")
        guard words.count >= 7 else { return nil }
        return (words.prefix(2) + words.suffix(4)).joined(separator: " ")
    }
}
