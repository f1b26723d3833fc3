internal import PowerShellSyntax

extension StringProtocol {
    /// The text with A–Z in lower case and nothing else changed. The services and PowerShell compare names ordinally,
    /// so, for example, a Kelvin sign must not become a k.
    var asciiLowercased: String { ASCIIFold.lowercased(self) }
}
