package import MMCore

/// Why a cmdlet of the service did not go on.
package enum ExchangeFault: Error, Sendable {
    /// The service refused or failed it: an error record in PowerShell.
    case refused(ExchangeError)
    /// Nothing that the cmdlet is to blame for: sign-in, network, cancellation, a page elsewhere.
    case broken(MMError)
}
