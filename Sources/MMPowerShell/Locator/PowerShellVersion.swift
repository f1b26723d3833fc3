/// A version of PowerShell, such as `7.4.6` or `7.6.0-preview.2`.
package struct PowerShellVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The first number.
    package let major: Int
    /// The second number.
    package let minor: Int
    /// The third number.
    package let patch: Int
    /// The part after a dash; empty for released versions.
    package let label: String

    /// The oldest supported version.
    package static let minimum = PowerShellVersion(major: 7, minor: 4, patch: 0)

    /// Creates a version from three numbers.
    package init(major: Int, minor: Int, patch: Int, label: String = "") {
        self.major = major
        self.minor = minor
        self.patch = patch
        self.label = label
    }

    /// Reads a version, also from the line that `pwsh --version` prints.
    package init?(parsing text: String) {
        var word = text.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? ""
        var label = ""
        if let dash = word.firstIndex(where: { $0 == "-" || $0 == "+" }) {
            label = String(word[word.index(after: dash)...])
            word = String(word[..<dash])
        }
        let parts = word.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard (2...4).contains(parts.count), let major = parts[0], let minor = parts[1], major >= 0, minor >= 0 else {
            return nil
        }
        guard let patch = parts.count > 2 ? parts[2] : 0, patch >= 0 else { return nil }
        self.init(major: major, minor: minor, patch: patch, label: label)
    }

    /// Compares by numbers; a labelled version precedes the released one with the same numbers.
    package static func < (left: PowerShellVersion, right: PowerShellVersion) -> Bool {
        let numbers = (left.major, left.minor, left.patch)
        let others = (right.major, right.minor, right.patch)
        if numbers != others { return numbers < others }
        if left.label.isEmpty || right.label.isEmpty { return !left.label.isEmpty && right.label.isEmpty }
        return left.label < right.label
    }

    /// The version in PowerShell's notation.
    package var description: String { "\(major).\(minor).\(patch)" + (label.isEmpty ? "" : "-\(label)") }
}
