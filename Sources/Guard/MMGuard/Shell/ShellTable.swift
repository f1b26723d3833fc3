internal import CGuardTables

/// The tables of programs in a shell, each a text of lines `PROGRAMS: FACT; FACT`. An indented line continues the one
/// before it.
enum ShellTable {
    /// The programs whose words or input contain commands, and those with options that do more than read.
    static let texts = facts(cguard_shell_texts())

    /// Returns the facts about each program, each a list of words, in their order.
    static func facts(_ file: CGuardTable) -> [String: [[String]]] {
        let text = String(decoding: UnsafeRawBufferPointer(start: file.bytes, count: file.length), as: UTF8.self)
        var table: [String: [[String]]] = [:]
        var programs: [String] = []
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            var facts = line[...]
            if !line.hasPrefix(" "), let colon = line.firstIndex(of: ":") {
                programs = line[..<colon].split(separator: " ").map(String.init)
                facts = line[line.index(after: colon)...]
            }
            for fact in facts.split(separator: ";") {
                let words = fact.split(separator: " ").map(String.init)
                for program in programs where !words.isEmpty { table[program, default: []].append(words) }
            }
        }
        return table
    }
}
