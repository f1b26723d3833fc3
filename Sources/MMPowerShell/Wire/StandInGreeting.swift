/// The names with which the stand-in identifies itself, so that it isn't taken for a PowerShell.
package enum StandInGreeting {
    /// The runtime that its greeting names.
    package static let runtime = "mm stand-in"
    /// The PowerShell whose recorded answers it gives.
    package static let version = "7.6.5-stand-in"
}
