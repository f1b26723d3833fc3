extension Screen {
    /// What is erased takes the background of the moment, as terminals do.
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
            // The parser has already read on.
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
