/// Tables of Markdown.
enum MarkdownText {
    /// The first two lines.
    static func head(_ columns: [String]) -> [String] {
        [line(columns), "|" + String(repeating: " --- |", count: columns.count)]
    }

    /// One line. A bar would end a cell, and a line break the table.
    static func line(_ cells: [String]) -> String {
        let written = cells.map { cell in
            var text = ""
            for character in cell {
                switch character {
                case "|": text += "\\|"
                case _ where character.isNewline: text += "<br>"
                default: text.append(character)
                }
            }
            return text
        }
        return "| " + written.joined(separator: " | ") + " |"
    }
}
