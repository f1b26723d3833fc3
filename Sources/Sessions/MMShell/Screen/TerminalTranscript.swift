/// What was written to a terminal as lines of any length and number: overwritten text is gone, as a pager leaves it.
struct TerminalTranscript: Sendable {
    private var parser = TerminalParser()
    private(set) var lines: [String.UnicodeScalarView] = [String.UnicodeScalarView()]
    private var current: [Unicode.Scalar] = []
    private var column = 0

    init(_ bytes: [UInt8]) {
        var items: [TerminalParser.Item] = []
        for byte in bytes { parser.take(byte) { items.append($0) } }
        for item in items { apply(item) }
        finishLine()
        lines.removeFirst()
    }

    /// The lines as texts, without blanks at their ends.
    var texts: [String] {
        lines.map { line in
            var line = line
            while line.last == " " { line.removeLast() }
            return String(line)
        }
    }

    private mutating func finishLine() {
        var line = String.UnicodeScalarView()
        line.append(contentsOf: current)
        lines.append(line)
        current = []
        column = 0
    }

    private mutating func apply(_ item: TerminalParser.Item) {
        switch item {
        case .character(let scalar):
            while current.count < column { current.append(" ") }
            if column < current.count { current[column] = scalar } else { current.append(scalar) }
            column += 1
        case .control(0x08): column = max(0, column - 1)
        case .control(0x09): column = (column / 8 + 1) * 8
        case .control(0x0A): finishLine()
        case .control(0x0D): column = 0
        case .sequence(0, let numbers, UInt8(ascii: "K")):
            switch numbers.first ?? 0 {
            case 1: for place in 0..<min(column, current.count) { current[place] = " " }
            case 2: current = []
            default: current = Array(current.prefix(column))
            }
        case .sequence(0, let numbers, UInt8(ascii: "D")): column = max(0, column - max(1, numbers.first ?? 1))
        case .sequence(0, let numbers, UInt8(ascii: "C")): column = min(column + max(1, numbers.first ?? 1), 10_000)
        case .sequence(0, let numbers, UInt8(ascii: "G")): column = max(0, (numbers.first ?? 1) - 1)
        default: break
        }
    }
}
