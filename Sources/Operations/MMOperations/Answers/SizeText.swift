/// The format of a number of bytes for people.
package enum SizeText {
    private static let units = ["KB", "MB", "GB", "TB", "PB"]

    /// Returns a size with at most three digits: "812 B", "1.4 KB", "250 MB".
    package static func text(_ bytes: Int) -> String {
        guard bytes >= 1024 else { return "\(bytes) B" }
        var unit = 0
        var rest = Double(bytes) / 1024
        // 1023.6 would be written "1024".
        while rest >= 999.5, unit < units.count - 1 { (rest, unit) = (rest / 1024, unit + 1) }
        guard rest < 9.95 else { return "\(Int(rest.rounded())) \(units[unit])" }
        let tenths = Int((rest * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
