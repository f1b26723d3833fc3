package import MMCore

/// The reason why a cmdlet didn't complete.
package enum ExchangeFault: Error, Sendable {
    /// The service refused or failed the cmdlet; an error record in PowerShell.
    case refused(ExchangeError)
    /// The cause lies outside the cmdlet: sign-in, network, cancellation, or a next page on another host.
    case failed(MMError)
}
