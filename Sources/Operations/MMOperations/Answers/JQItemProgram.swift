import MMCore

/// A jq program that does the same to each item of a list, and so need not see the list as a whole: `.[]`, `.[].name`,
/// `.[] | …`.
///
/// jq's pipe binds weakest, so that whatever stands behind the first one belongs to it alone. Other programs that begin
/// with `.[]` (`.[] + 1`, `.[], length`, `.[] |= …`) and those that read further inputs by themselves are none.
struct JQItemProgram: Sendable {
    /// What is done to each item.
    let program: String

    /// The program for an item; nil where the list is needed as a whole.
    init?(of program: String) {
        let text = program.drop(while: \.isWhitespace)
        guard text.hasPrefix(".[]"), !Self.readsInputs(program) else { return nil }
        let rest = text.dropFirst(3)
        guard let end = Self.endOfPath(rest) else { return nil }
        let path = rest[..<end]
        let behind = rest[end...].drop(while: \.isWhitespace)
        guard behind.isEmpty || Self.isPipe(behind) else { return nil }
        let head = path.isEmpty ? "." : path.hasPrefix("[") || path.hasPrefix("?") ? ".\(path)" : String(path)
        self.program = head + (behind.isEmpty ? "" : " " + behind)
    }

    private static func isPipe(_ text: Substring) -> Bool {
        text.hasPrefix("|") && !text.hasPrefix("|=")
    }

    /// Where a path such as `.name`, `[0]` or `.values[]?` ends; nil where what follows is more than a path.
    private static func endOfPath(_ text: Substring) -> Substring.Index? {
        var place = text.startIndex
        while place < text.endIndex {
            switch text[place] {
            case ".":
                let name = text[text.index(after: place)...].prefix {
                    $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")
                }
                guard let first = name.first, !first.isNumber else { return nil }
                place = name.endIndex
            case "[":
                guard let close = text[place...].firstIndex(of: "]") else { return nil }
                let inner = text[text.index(after: place)..<close]
                guard inner.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
                place = text.index(after: close)
            case "?":
                // `.[]?` skips what is no list: an item that isn't one is never asked for.
                place = text.index(after: place)
                // `?//` is an operator.
                if place < text.endIndex, text[place] == "/" { return nil }
            default: return place
            }
        }
        return place
    }

    /// Whether it takes inputs by itself, stops at one, or tells which one it is at.
    private static func readsInputs(_ program: String) -> Bool {
        let words = program.split { !($0.isLetter || $0.isNumber || $0 == "_") }
        return words.contains { ["input", "inputs", "input_line_number", "halt", "halt_error"].contains($0) }
    }
}
