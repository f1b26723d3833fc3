/// The screen of a terminal: what a person would see.
public struct Screen: Sendable {
    /// A place on the screen, counted from 0.
    public struct Place: Sendable, Hashable {
        /// The line.
        public var row: Int
        /// The column.
        public var column: Int
    }

    /// Lines.
    public internal(set) var rows: Int
    /// Columns.
    public internal(set) var columns: Int
    /// Where the cursor is.
    public internal(set) var cursor = Place(row: 0, column: 0)
    /// Whether a full-screen program has switched to the second screen.
    public internal(set) var isAlternate = false
    /// Grows with everything that is written.
    public internal(set) var changes: UInt64 = 0

    /// A place for a character, and how it looks.
    struct Cell: Sendable, Hashable {
        /// The character; `nil` for the second half of a wide one.
        var scalar: Unicode.Scalar?
        /// What combines with the character before it.
        var marks: [Unicode.Scalar] = []
        /// How it looks.
        var style = ScreenStyle()

        /// A cell without a character.
        static let blank = Cell(scalar: " ")
    }

    var cells: [[Cell]]
    var saved: (cells: [[Cell]], cursor: Place)?
    var savedCursor = Place(row: 0, column: 0)
    /// How the next characters look.
    var style = ScreenStyle()
    /// What programs have set of the terminal itself.
    var modes = ScreenModes()
    var region: ClosedRange<Int>
    /// The cursor stands behind the last column: the next character goes to the next line.
    var wraps = false
    var parser = TerminalParser()

    /// An empty screen.
    public init(rows: Int, columns: Int) {
        self.rows = min(max(rows, 1), 1000)
        self.columns = min(max(columns, 1), 1000)
        cells = Array(repeating: Array(repeating: .blank, count: self.columns), count: self.rows)
        region = 0...(self.rows - 1)
    }

    /// The lines as text, without blanks at their ends.
    public var lines: [String] { cells.map(Self.text) }

    /// The lines down to the last one that holds something.
    public var text: String {
        var lines = lines
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines.joined(separator: "\n")
    }

    static func text(_ row: [Cell]) -> String {
        var line = String.UnicodeScalarView()
        for cell in row {
            guard let scalar = cell.scalar else { continue }
            line.append(scalar)
            line.append(contentsOf: cell.marks)
        }
        while line.last == " " { line.removeLast() }
        return String(line)
    }

    /// Takes what a program writes.
    public mutating func write(_ bytes: [UInt8]) {
        changes += 1
        var items: [TerminalParser.Item] = []
        items.reserveCapacity(bytes.count)
        for byte in bytes { parser.take(byte) { items.append($0) } }
        for item in items { apply(item) }
    }

    private mutating func apply(_ item: TerminalParser.Item) {
        switch item {
        case .character(let scalar): put(scalar)
        case .control(let byte): control(byte)
        case .escape(let byte): escape(byte)
        case .sequence(let mark, let numbers, let final): sequence(mark, numbers, final)
        }
    }

    private mutating func put(_ scalar: Unicode.Scalar) {
        let width = Self.width(scalar)
        guard width > 0 else { return combine(scalar) }
        if wraps || cursor.column + width > columns {
            cursor.column = 0
            lineFeed()
        }
        wraps = false
        // Writing over one half of a wide character takes the other half away.
        if cells[cursor.row][cursor.column].scalar == nil, cursor.column > 0 {
            cells[cursor.row][cursor.column - 1] = .blank
        }
        let next = cursor.column + width
        if next < columns, cells[cursor.row][next].scalar == nil { cells[cursor.row][next] = .blank }
        cells[cursor.row][cursor.column] = Cell(scalar: scalar, style: style)
        if width == 2, cursor.column + 1 < columns {
            cells[cursor.row][cursor.column + 1] = Cell(scalar: nil, style: style)
        }
        if next >= columns {
            cursor.column = columns - 1
            wraps = true
        } else {
            cursor.column = next
        }
    }

    /// Adds a character without a width to the one before it.
    private mutating func combine(_ scalar: Unicode.Scalar) {
        var column = wraps ? cursor.column : cursor.column - 1
        if column > 0, cells[cursor.row][column].scalar == nil { column -= 1 }
        // More of them than a language needs are a nuisance to terminals.
        guard column >= 0, cells[cursor.row][column].marks.count < 8 else { return }
        cells[cursor.row][column].marks.append(scalar)
    }

    /// How many columns a character takes: those that combine none, those of East Asia and pictures two.
    static func width(_ scalar: Unicode.Scalar) -> Int {
        let value = scalar.value
        if value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        let wide: [ClosedRange<UInt32>] = [
            0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
            0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
        ]
        return wide.contains { $0.contains(value) } ? 2 : 1
    }
}
