/// How the stand-in names itself, so that nobody takes it for a PowerShell.
package enum StandInGreeting {
    /// What its greeting gives as the runtime.
    package static let runtime = "mm stand-in"
    /// The PowerShell whose recorded answers it gives.
    package static let version = "7.6.5-stand-in"
}
