extension Screen {
    /// What makes another terminal of this size show the same, and behave the same.
    package var redrawing: [UInt8] {
        var text = ""
        if isAlternate, let saved {
            // The screen that the program will return to.
            text += Self.drawn(saved.cells) + "\u{1B}[0m" + Self.placed(saved.cursor) + "\u{1B}[?1049h"
        }
        text += Self.drawn(cells)
        if region != 0...(rows - 1) { text += "\u{1B}[\(region.lowerBound + 1);\(region.upperBound + 1)r" }
        return Array((text + style.sequence + Self.placed(cursor) + modes.setting).utf8)
    }

    private static func placed(_ place: Place) -> String { "\u{1B}[\(place.row + 1);\(place.column + 1)H" }

    /// What draws these lines on a screen, whatever stands there.
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

    /// What gives a terminal that shows this screen back to its owner: what they write next begins a line of its own, with
    /// nothing behind and below it.
    package var leaving: [UInt8] {
        let column = isAlternate ? saved?.cursor.column ?? 0 : cursor.column
        // Taking the region back moves the cursor, and the other screen brings its own place with it.
        let place = isAlternate ? "\u{1B}[r\u{1B}[?1049l" : "\u{1B}7\u{1B}[r\u{1B}8"
        let line = column > 0 ? "\r\n" : "\r"
        return Array((place + modes.resetting + "\u{1B}[0m" + line + "\u{1B}[J").utf8)
    }

    /// Takes another size. The lines above what the cursor needs are lost, as in a terminal without a memory.
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
