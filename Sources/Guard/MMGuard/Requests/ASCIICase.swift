internal import PowerShellSyntax

extension StringProtocol {
    /// The text with A–Z in lower case and nothing else changed: the services and PowerShell compare names ordinally,
    /// so that a Kelvin sign is no k.
    var asciiLowercased: String { ASCIIFold.lowercased(self) }
}
