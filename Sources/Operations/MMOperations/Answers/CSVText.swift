/// Lines of comma-separated values (RFC 4180, with LF line ends).
package enum CSVText {
    /// Returns one line without its line end.
    ///
    /// A cell that a spreadsheet would take for a formula is escaped as text, so that data can't run as a formula on
    /// the reader's machine. Numbers and telephone numbers don't count as formulas.
    /// - Parameters:
    ///   - cells: the cells.
    ///   - isForSheets: whether a spreadsheet may read the line; for a model every cell is written unchanged.
    package static func line(_ cells: [String], isForSheets: Bool = true) -> String {
        // Readers skip an empty line, so a row whose only cell is empty would be lost.
        if cells == [""] { return "\"\"" }
        return cells.map { field(isForSheets && isFormula($0) ? "'" + $0 : $0) }.joined(separator: ",")
    }

    private static func isFormula(_ cell: String) -> Bool {
        guard let first = cell.utf8.first else { return false }
        if "=@\t\r".utf8.contains(first) { return true }
        guard "+-".utf8.contains(first) else { return false }
        return Double(cell) == nil && !cell.utf8.dropFirst().allSatisfy { "0123456789 ().-/".utf8.contains($0) }
    }

    private static func field(_ cell: String) -> String {
        let special: Set<UInt8> = [0x2C, 0x22, 0x0A, 0x0D]
        guard cell.utf8.contains(where: special.contains) else { return cell }
        return "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
