/// The format of numbers in a table.
enum Figure {
    /// Returns a duration such as `12 ms` or `0.35 ms`.
    static func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let hundredths = seconds * 100_000 + attoseconds / 10_000_000_000_000
        if hundredths >= 1000 { return "\(hundredths / 100) ms" }
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) ms"
    }

    /// Returns a size such as `135 MB`.
    static func megabytes(_ bytes: Int) -> String { "\(bytes / 1_000_000) MB" }
}
