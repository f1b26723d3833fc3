/// Lines of comma-separated values (RFC 4180, with LF line ends).
public enum CSVText {
    /// One line without its end.
    ///
    /// A cell that a spreadsheet would take for a formula is written as text: data of one person must not run on the
    /// machine of another.
    public static func line(_ cells: [String]) -> String {
        cells.map(field).joined(separator: ",")
    }

    private static func field(_ cell: String) -> String {
        var cell = cell
        if let first = cell.utf8.first,
            "=+@\t\r".utf8.contains(first) || (first == UInt8(ascii: "-") && Double(cell) == nil)
        {
            cell = "'" + cell
        }
        let special: Set<UInt8> = [0x2C, 0x22, 0x0A, 0x0D]
        guard cell.utf8.contains(where: special.contains) else { return cell }
        return "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
