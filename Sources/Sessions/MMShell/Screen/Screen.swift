/// The screen of a terminal: what a person would see.
///
/// Own code, because the bytes come from other machines. libvterm 0.3.3 writes beyond its arrays if a sequence has more
/// than 16 numbers or the screen gets smaller. It doesn't keep faint text and doesn't tell the scroll region, which
/// later viewers need.
package struct Screen: Sendable {
    /// A place on the screen, counted from 0.
    package struct Place: Sendable, Hashable {
        /// The line.
        package var row: Int
        /// The column.
        package var column: Int
    }

    /// The number of lines.
    package internal(set) var rows: Int
    /// The number of columns.
    package internal(set) var columns: Int
    /// The position of the cursor.
    package internal(set) var cursor = Place(row: 0, column: 0)
    /// Whether a full-screen program has switched to the second screen.
    package internal(set) var isAlternate = false
    /// A number that grows with everything that is written.
    package internal(set) var changes: UInt64 = 0

    /// A character cell and its style.
    struct Cell: Sendable, Hashable {
        /// The character; `nil` for the second half of a wide one.
        var scalar: Unicode.Scalar?
        /// The combining characters that follow the character.
        var marks: [Unicode.Scalar] = []
        /// The style of the cell.
        var style = ScreenStyle()

        /// A cell without a character.
        static let blank = Cell(scalar: " ")
    }

    var cells: [[Cell]]
    var saved: (cells: [[Cell]], cursor: Place)?
    var savedCursor = Place(row: 0, column: 0)
    /// The style of the next characters.
    var style = ScreenStyle()
    /// The terminal modes that programs have set.
    var modes = ScreenModes()
    var region: ClosedRange<Int>
    /// Whether the cursor is beyond the last column, so that the next character goes to the next line.
    var wraps = false
    var parser = TerminalParser()

    /// Creates an empty screen.
    package init(rows: Int, columns: Int) {
        self.rows = min(max(rows, 1), 1000)
        self.columns = min(max(columns, 1), 1000)
        cells = Array(repeating: Array(repeating: .blank, count: self.columns), count: self.rows)
        region = 0...(self.rows - 1)
    }

    /// The lines as text, without blanks at their ends.
    package var lines: [String] { cells.map(Self.text) }

    /// The lines down to the last one that isn't empty.
    package var text: String {
        var lines = lines
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines.joined(separator: "\n")
    }

    static func text(_ row: [Cell]) -> String {
        var line: [UInt8] = []
        line.reserveCapacity(row.count)
        for cell in row {
            guard let scalar = cell.scalar else { continue }
            line += scalar.utf8
            for mark in cell.marks { line += mark.utf8 }
        }
        while line.last == UInt8(ascii: " ") { line.removeLast() }
        return String(decoding: line, as: UTF8.self)
    }

    /// Processes output of a program.
    package mutating func write(_ bytes: [UInt8]) {
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
        // Writing over one half of a wide character erases the other half.
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

    /// Adds a combining character to the character before it.
    private mutating func combine(_ scalar: Unicode.Scalar) {
        var column = wraps ? cursor.column : cursor.column - 1
        if column > 0, cells[cursor.row][column].scalar == nil { column -= 1 }
        // More combining characters than any language needs would be a burden for terminals.
        guard column >= 0, cells[cursor.row][column].marks.count < 8 else { return }
        cells[cursor.row][column].marks.append(scalar)
    }

    /// Returns the number of columns that a character takes: 0 for combining ones, 2 for East Asian ones and emoji.
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

extension Screen {
    /// The bytes that make another terminal of this size show and behave the same.
    package var redrawing: [UInt8] {
        var text = ""
        if isAlternate, let saved {
            // The main screen, to which the program will return.
            text += Self.drawn(saved.cells) + "\u{1B}[0m" + Self.placed(saved.cursor) + "\u{1B}[?1049h"
        }
        text += Self.drawn(cells)
        if region != 0...(rows - 1) { text += "\u{1B}[\(region.lowerBound + 1);\(region.upperBound + 1)r" }
        return Array((text + style.sequence + Self.placed(cursor) + modes.setting).utf8)
    }

    private static func placed(_ place: Place) -> String { "\u{1B}[\(place.row + 1);\(place.column + 1)H" }

    /// Returns the sequence that draws these lines, whatever the screen shows before.
    private static func drawn(_ cells: [[Cell]]) -> String {
        var text = "\u{1B}[r\u{1B}[0m\u{1B}[H\u{1B}[2J"
        var current = ScreenStyle()
        for (index, row) in cells.enumerated() {
            guard let last = row.lastIndex(where: { $0 != .blank }) else { continue }
            text += placed(Place(row: index, column: 0))
            for cell in row[...last] {
                guard let scalar = cell.scalar else { continue }
                if cell.style != current {
                    text += cell.style.sequence
                    current = cell.style
                }
                text.unicodeScalars.append(scalar)
                text.unicodeScalars.append(contentsOf: cell.marks)
            }
        }
        return text
    }

    /// The bytes that return a terminal which shows this screen to its owner: the owner's next output begins on a new
    /// line, with nothing after and below it.
    package var leaving: [UInt8] {
        let column = isAlternate ? saved?.cursor.column ?? 0 : cursor.column
        // Resetting the region moves the cursor, and the other screen has its own cursor position.
        let place = isAlternate ? "\u{1B}[r\u{1B}[?1049l" : "\u{1B}7\u{1B}[r\u{1B}8"
        let line = column > 0 ? "\r\n" : "\r"
        return Array((place + modes.resetting + "\u{1B}[0m" + line + "\u{1B}[J").utf8)
    }

    /// Changes the size. Lines above those that the cursor needs are lost, as in a terminal without scrollback.
    package mutating func resize(rows wantedRows: Int, columns wantedColumns: Int) {
        let (newRows, newColumns) = (min(max(wantedRows, 1), 1000), min(max(wantedColumns, 1), 1000))
        guard newRows != rows || newColumns != columns else { return }
        let above = max(0, cursor.row - newRows + 1)
        cells = Self.fitted(Array(cells.dropFirst(above)), newRows, newColumns)
        if let kept = saved {
            let dropped = max(0, kept.cursor.row - newRows + 1)
            saved = (
                Self.fitted(Array(kept.cells.dropFirst(dropped)), newRows, newColumns),
                Place(row: kept.cursor.row - dropped, column: min(kept.cursor.column, newColumns - 1))
            )
        }
        (rows, columns) = (newRows, newColumns)
        region = 0...(rows - 1)
        move(cursor.row - above, cursor.column)
        savedCursor = Place(row: min(savedCursor.row, rows - 1), column: min(savedCursor.column, columns - 1))
    }

    private static func fitted(_ cells: [[Cell]], _ rows: Int, _ columns: Int) -> [[Cell]] {
        let lines = cells.prefix(rows).map { row in
            Array(row.prefix(columns)) + Array(repeating: Cell.blank, count: max(0, columns - row.count))
        }
        return lines
            + Array(
                repeating: Array(repeating: Cell.blank, count: columns), count: max(0, rows - lines.count))
    }
}

extension Screen {
    /// Erased cells take the current background, as in real terminals.
    private var empty: Cell { Cell(scalar: " ", style: style.erased) }
    private var blank: [Cell] { Array(repeating: empty, count: columns) }

    mutating func control(_ byte: UInt8) {
        switch byte {
        case 0x08:
            cursor.column = max(0, cursor.column - 1)
            wraps = false
        case 0x09:
            cursor.column = min(columns - 1, (cursor.column / 8 + 1) * 8)
        case 0x0A, 0x0B, 0x0C: lineFeed()
        case 0x0D:
            cursor.column = 0
            wraps = false
        default: break
        }
    }

    mutating func lineFeed() {
        wraps = false
        if cursor.row == region.upperBound { scrollUp(1) } else if cursor.row < rows - 1 { cursor.row += 1 }
    }

    private mutating func scrollUp(_ count: Int) {
        for _ in 0..<min(count, region.count) {
            cells.remove(at: region.lowerBound)
            cells.insert(blank, at: region.upperBound)
        }
    }

    private mutating func scrollDown(_ count: Int) {
        for _ in 0..<min(count, region.count) {
            cells.remove(at: region.upperBound)
            cells.insert(blank, at: region.lowerBound)
        }
    }

    mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "7"): savedCursor = cursor
        case UInt8(ascii: "8"): move(savedCursor.row, savedCursor.column)
        case UInt8(ascii: "D"): lineFeed()
        case UInt8(ascii: "E"):
            cursor.column = 0
            lineFeed()
        case UInt8(ascii: "="): modes.hasApplicationKeypad = true
        case UInt8(ascii: ">"): modes.hasApplicationKeypad = false
        case UInt8(ascii: "M"):
            if cursor.row == region.lowerBound { scrollDown(1) } else { cursor.row = max(0, cursor.row - 1) }
        case UInt8(ascii: "c"):
            // The reset must keep the parser's position.
            let (count, ahead) = (changes, parser)
            self = Screen(rows: rows, columns: columns)
            (changes, parser) = (count, ahead)
        default: break
        }
    }

    mutating func move(_ row: Int, _ column: Int) {
        cursor = Place(row: min(max(row, 0), rows - 1), column: min(max(column, 0), columns - 1))
        wraps = false
    }

    mutating func sequence(_ mark: UInt8, _ numbers: [Int], _ final: UInt8) {
        func number(_ index: Int, _ usual: Int = 1) -> Int {
            index < numbers.count && numbers[index] > 0 ? numbers[index] : usual
        }
        if mark == UInt8(ascii: "?") {
            if final == UInt8(ascii: "h") || final == UInt8(ascii: "l") {
                let isOn = final == UInt8(ascii: "h")
                for mode in numbers {
                    if [47, 1047, 1049].contains(mode) { alternate(isOn) } else { modes.set(mode, isOn) }
                }
            }
            return
        }
        guard mark == 0 else { return }
        switch final {
        case UInt8(ascii: "A"):
            move(max(cursor.row - number(0), cursor.row >= region.lowerBound ? region.lowerBound : 0), cursor.column)
        case UInt8(ascii: "B"), UInt8(ascii: "e"):
            move(
                min(cursor.row + number(0), cursor.row <= region.upperBound ? region.upperBound : rows - 1),
                cursor.column)
        case UInt8(ascii: "C"), UInt8(ascii: "a"): move(cursor.row, cursor.column + number(0))
        case UInt8(ascii: "D"): move(cursor.row, cursor.column - number(0))
        case UInt8(ascii: "E"): move(cursor.row + number(0), 0)
        case UInt8(ascii: "F"): move(cursor.row - number(0), 0)
        case UInt8(ascii: "G"), UInt8(ascii: "`"): move(cursor.row, number(0) - 1)
        case UInt8(ascii: "d"): move(number(0) - 1, cursor.column)
        case UInt8(ascii: "H"), UInt8(ascii: "f"): move(number(0) - 1, number(1) - 1)
        case UInt8(ascii: "J"): eraseScreen(number(0, 0))
        case UInt8(ascii: "K"): eraseLine(number(0, 0))
        case UInt8(ascii: "L") where region.contains(cursor.row): shift(insert: true, number(0))
        case UInt8(ascii: "M") where region.contains(cursor.row): shift(insert: false, number(0))
        case UInt8(ascii: "P"): shiftCells(remove: number(0), insert: 0)
        case UInt8(ascii: "@"): shiftCells(remove: 0, insert: number(0))
        case UInt8(ascii: "X"):
            for column in cursor.column..<min(columns, cursor.column + number(0)) { cells[cursor.row][column] = empty }
        case UInt8(ascii: "S"): scrollUp(number(0))
        case UInt8(ascii: "T"): scrollDown(number(0))
        case UInt8(ascii: "r"):
            let (top, bottom) = (number(0) - 1, min(number(1, rows), rows) - 1)
            if top < bottom { region = top...bottom } else { region = 0...(rows - 1) }
            move(0, 0)
        case UInt8(ascii: "m"): style.apply(numbers)
        case UInt8(ascii: "s"): savedCursor = cursor
        case UInt8(ascii: "u"): move(savedCursor.row, savedCursor.column)
        default: break
        }
    }

    private mutating func alternate(_ on: Bool) {
        guard on != isAlternate else { return }
        isAlternate = on
        if on {
            saved = (cells, cursor)
            cells = Array(repeating: blank, count: rows)
        } else if let saved {
            cells = saved.cells
            move(saved.cursor.row, saved.cursor.column)
            self.saved = nil
        }
        region = 0...(rows - 1)
    }

    private mutating func eraseScreen(_ how: Int) {
        switch how {
        case 0:
            eraseLine(0)
            for row in (cursor.row + 1)..<max(rows, cursor.row + 1) { cells[row] = blank }
        case 1:
            eraseLine(1)
            for row in 0..<cursor.row { cells[row] = blank }
        default: for row in 0..<rows { cells[row] = blank }
        }
    }

    private mutating func eraseLine(_ how: Int) {
        let range = how == 0 ? cursor.column..<columns : how == 1 ? 0..<(cursor.column + 1) : 0..<columns
        for column in range { cells[cursor.row][column] = empty }
    }

    private mutating func shift(insert: Bool, _ count: Int) {
        let whole = region
        region = cursor.row...region.upperBound
        if insert { scrollDown(count) } else { scrollUp(count) }
        region = whole
    }

    private mutating func shiftCells(remove: Int, insert: Int) {
        var row = cells[cursor.row]
        let tail = Array(row[cursor.column...])
        let rest = Array(repeating: empty, count: min(insert, tail.count)) + tail.dropFirst(min(remove, tail.count))
        row.replaceSubrange(cursor.column..., with: (rest + blank).prefix(tail.count))
        cells[cursor.row] = row
    }
}

/// The terminal modes that programs set (DEC private modes, and those that xterm adds).
struct ScreenModes: Sendable, Hashable {
    /// Whether the cursor is shown.
    private var showsCursor = true
    /// Whether the keys of the number pad send sequences.
    var hasApplicationKeypad = false
    /// The other modes that are on.
    private var on: Set<Int> = []

    /// The modes that a terminal must be told again when it shows the screen: cursor keys, mouse, focus, bracketed
    /// paste.
    private static let known: Set<Int> = [1, 9, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 2004]

    /// Records that a mode was set or reset.
    mutating func set(_ mode: Int, _ isOn: Bool) {
        if mode == 25 {
            showsCursor = isOn
        } else if Self.known.contains(mode) {
            if isOn { on.insert(mode) } else { on.remove(mode) }
        }
    }

    /// The sequences that set these modes in a terminal that has none set.
    var setting: String {
        on.sorted().map { "\u{1B}[?\($0)h" }.joined() + (hasApplicationKeypad ? "\u{1B}=" : "")
            + (showsCursor ? "" : "\u{1B}[?25l")
    }

    /// The sequences that reset these modes.
    var resetting: String {
        on.sorted().map { "\u{1B}[?\($0)l" }.joined() + (hasApplicationKeypad ? "\u{1B}>" : "")
            + (showsCursor ? "" : "\u{1B}[?25h")
    }
}

/// How a character looks on a screen: its colours and attributes (ECMA-48, Select Graphic Rendition).
struct ScreenStyle: Sendable, Hashable {
    /// A colour.
    enum Color: Sendable, Hashable {
        /// The terminal's own.
        case usual
        /// One of the terminal's 256.
        case number(UInt8)
        /// Red, green and blue.
        case mixed(UInt8, UInt8, UInt8)
    }

    /// The colour of the character.
    var foreground = Color.usual
    /// The colour behind it.
    var background = Color.usual
    /// The attributes, a bit each: bold (bit 1), faint, italic, underlined, blinking, reversed (bit 7), hidden, struck
    /// out (bit 9).
    private var attributes: UInt16 = 0

    /// The style of erased cells: only the background.
    var erased: ScreenStyle {
        var style = ScreenStyle()
        style.background = background
        return style
    }

    /// Applies the numbers of a sequence; a missing one is 0.
    mutating func apply(_ given: [Int]) {
        var numbers = given.map { max(0, $0) }[...]
        while let number = numbers.popFirst() {
            switch number {
            case 0: self = ScreenStyle()
            case 1...9: attributes |= 1 << (number == 6 ? 5 : number)
            case 21: attributes |= 1 << 4
            case 22: attributes &= ~(1 << 1 | 1 << 2)
            case 23...29: attributes &= ~(1 << (number - 20))
            case 30...37: foreground = .number(UInt8(number - 30))
            case 38: if let color = Self.color(&numbers) { foreground = color }
            case 39: foreground = .usual
            case 40...47: background = .number(UInt8(number - 40))
            case 48: if let color = Self.color(&numbers) { background = color }
            case 49: background = .usual
            case 90...97: foreground = .number(UInt8(number - 82))
            case 100...107: background = .number(UInt8(number - 92))
            default: break
            }
        }
    }

    private static func color(_ numbers: inout ArraySlice<Int>) -> Color? {
        switch numbers.popFirst() {
        case 5: return numbers.popFirst().map { .number(UInt8(clamping: $0)) }
        case 2:
            guard let red = numbers.popFirst(), let green = numbers.popFirst(), let blue = numbers.popFirst() else {
                return nil
            }
            return .mixed(UInt8(clamping: red), UInt8(clamping: green), UInt8(clamping: blue))
        default: return nil
        }
    }

    /// The sequence that sets this style, whatever was set before.
    var sequence: String {
        let numbers =
            ["0"] + (1...9).filter { attributes & 1 << $0 != 0 }.map(String.init)
            + Self.numbers(foreground, 30) + Self.numbers(background, 40)
        return "\u{1B}[\(numbers.joined(separator: ";"))m"
    }

    private static func numbers(_ color: Color, _ first: Int) -> [String] {
        switch color {
        case .usual: []
        case .number(let number) where number < 8: ["\(first + Int(number))"]
        case .number(let number) where number < 16: ["\(first + 52 + Int(number))"]
        case .number(let number): ["\(first + 8)", "5", "\(number)"]
        case .mixed(let red, let green, let blue): ["\(first + 8)", "2", "\(red)", "\(green)", "\(blue)"]
        }
    }
}
